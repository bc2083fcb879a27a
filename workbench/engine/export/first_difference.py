"""Where two files that should be alike begin to differ: the first layer or node, in graph order."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import onnx

from workbench.engine.graph.model import load_model
from workbench.engine.runtime.tapped import tapped_session

Feeds = Mapping[str, npt.NDArray[np.generic]]
# Inner tensors of so many nodes at a time: those of a whole network may be too many for the memory.
_AT_ONCE = 16


def first_difference(preview: bytes, path: Path, feeds: Feeds) -> str:
    """The first layer whose output differs, by its name; a node's name or its output where it is no layer.

    Args:
        preview: a model file's bytes.
        path: another model file.
        feeds: one batch of inputs.

    Returns:
        "" if no inner tensor differs, as may be where only the last operators are fused differently.

    Raises:
        RunError: one of them does not run.
    """
    one, two = onnx.load_from_string(preview), onnx.load(str(path))
    names = _live_tensors(one, feeds)
    known = frozenset(_live_tensors(two, feeds))
    for start in range(0, len(names), _AT_ONCE):
        part = names[start : start + _AT_ONCE]
        if any(name not in known for name in part):
            return _called(path, one, next(name for name in part if name not in known))
        for name, first, second in zip(part, _values(one, part, feeds), _values(two, part, feeds), strict=True):
            if not np.array_equal(first, second, equal_nan=first.dtype.kind == "f"):
                return _called(path, one, name)
    return ""


def _live_tensors(proto: onnx.ModelProto, feeds: Feeds) -> list[str]:
    """Every tensor that depends on the inputs, in graph order."""
    live = set(feeds)
    names = []
    for node in proto.graph.node:
        if any(name in live for name in node.input):
            live.update(node.output)
            names += [name for name in node.output if name]
    return names


def _values(proto: onnx.ModelProto, names: Sequence[str], feeds: Feeds) -> list[npt.NDArray[np.generic]]:
    return tapped_session(proto, names).run(feeds)


def _called(path: Path, proto: onnx.ModelProto, tensor: str) -> str:
    for layer in load_model(path).info.layers:
        if layer.node_output == tensor:
            return layer.name
    return next((node.name or tensor for node in proto.graph.node if tensor in node.output), tensor)
