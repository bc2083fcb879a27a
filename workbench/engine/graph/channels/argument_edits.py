"""Arguments that count channels, adjusted to those that are left."""

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType

import numpy as np
import onnx
from onnx import helper

from workbench.engine.core.errors import ModelError
from workbench.engine.graph.channels.cut import Cut
from workbench.engine.graph.channels.flow import attribute, integer, integers_of
from workbench.engine.graph.channels.shape_rules import paddings, slices
from workbench.engine.graph.channels.units import varying_axes

Edit = Callable[[onnx.NodeProto, Cut], None]


def _conv(node: onnx.NodeProto, cut: Cut) -> None:
    """A depthwise convolution has as many groups as channels."""
    num_groups = integer(node, "group", 1)
    kept = cut.kept_on(node.input[0], 1)
    if num_groups > 1 and num_groups == len(kept):
        _set(node, "group", int(kept.sum()))


def _reshape(node: onnx.NodeProto, cut: Cut) -> None:
    """Sizes that are written out; 0 and −1 adjust by themselves."""
    counts = cut.counts(cut.flow.of(node.output[0]))
    given = attribute(node, "shape")
    if isinstance(given, Sequence):
        _set(node, "shape", _adjusted([int(size) for size in given], counts))
        return
    if len(node.input) < 2:
        return
    asked = cut.flow.value(node.input[1])
    if asked is None:
        return
    target = [int(size) for size in asked]
    if cut.flow.is_param(node.input[1]):
        adjusted = _adjusted(target, counts)
        if adjusted != target:
            node.input[1] = cut.store(f"{node.output[0]}_shape", adjusted)
        return
    # Computed while the model runs, perhaps from a size that is another now: written out, save for the batch.
    varies = cut.depends_on_batch(node.input[1])
    if varies.shape != (len(target),) or varies.sum() > 1:
        return
    adjusted = _adjusted(target, counts)
    if varies.any():
        adjusted = [-1 if is_batch else size for size, is_batch in zip(adjusted, varies, strict=True)]
    if adjusted.count(-1) <= 1:
        node.input[1] = cut.store(f"{node.output[0]}_shape", adjusted)


def _adjusted(target: list[int], counts: Mapping[int, int]) -> list[int]:
    return [counts.get(axis, size) if size > 0 else size for axis, size in enumerate(target)]


def _expand(node: onnx.NodeProto, cut: Cut) -> None:
    counts = cut.counts(cut.flow.of(node.output[0]))
    asked = cut.flow.value(node.input[1])
    if asked is not None and cut.flow.is_param(node.input[1]) and counts:
        # What is asked for may have fewer axes than what comes of it: they are the last ones.
        first = cut.flow.of(node.output[0]).ndim - asked.size
        adjusted = [counts.get(first + axis, int(size)) if size != 1 else 1 for axis, size in enumerate(asked)]
        node.input[1] = cut.store(f"{node.output[0]}_shape", adjusted)


def _resize(node: onnx.NodeProto, cut: Cut) -> None:
    if len(node.input) > 3 and node.input[3] and cut.flow.is_param(node.input[3]):
        sizes = cut.flow.integers(node.input[3])
        labels = cut.flow.of(node.output[0])
        axes = integers_of(node, "axes") or range(labels.ndim)
        counts = cut.counts(labels)
        adjusted = [counts.get(axis % labels.ndim, size) for axis, size in zip(axes, sizes, strict=True)]
        node.input[3] = cut.store(f"{node.output[0]}_sizes", adjusted)


def _split(node: onnx.NodeProto, cut: Cut) -> None:
    ndim = cut.flow.of(node.input[0]).ndim
    axis = integer(node, "axis", 0) % ndim
    if axis not in varying_axes(cut.flow.of(node.input[0])):
        return
    sizes = [int(cut.kept_on(name, axis).sum()) for name in node.output]
    if cut.flow.opset < 13:
        _set(node, "split", sizes)
        return
    _drop(node, "num_outputs")
    del node.input[1:]
    node.input.append(cut.store(f"{node.output[0]}_split", sizes))


def _slice(node: onnx.NodeProto, cut: Cut) -> None:
    """Where channels are cut, from the first that is left to the last."""
    name = node.input[0]
    labels = cut.flow.of(name)
    parts: list[tuple[int, int, int, int]] = []
    is_changed = False
    for axis, start, stop, step in slices(node, cut.flow):
        if axis in varying_axes(labels):
            kept = cut.kept_on(name, axis)
            first, last, _ = slice(start, stop).indices(len(kept))
            parts.append((int(kept[:first].sum()), int(kept[:last].sum()), axis, step))
            is_changed = True
        else:
            parts.append((start, stop, axis, step))
    if not is_changed:
        return
    if any(not cut.flow.is_param(given) and cut.depends_on_batch(given).any() for given in node.input[1:] if given):
        raise ModelError(f"{node.op_type} {node.name or node.output[0]}: what it cuts depends on the batch")
    starts, stops, axes, steps = (list(column) for column in zip(*parts, strict=True))
    if attribute(node, "starts") is not None:
        _set(node, "starts", starts)
        _set(node, "ends", stops)
        _set(node, "axes", axes)
        return
    del node.input[1:]
    arguments = (("starts", starts), ("ends", stops), ("axes", axes), ("steps", steps))
    node.input.extend(cut.store(f"{node.output[0]}_{argument}", values) for argument, values in arguments)


def _gather(node: onnx.NodeProto, cut: Cut) -> None:
    """Places among the channels that are left."""
    axis = integer(node, "axis", 0)
    kept = cut.kept_on(node.input[0], axis)
    indices = cut.flow.value(node.input[1])
    if (
        kept.all()
        or indices is None
        or axis % cut.flow.of(node.input[0]).ndim not in varying_axes(cut.flow.of(node.input[0]))
    ):
        return
    place = np.cumsum(kept) - 1
    wanted = np.asarray(indices, np.int64) % len(kept)
    left = place[wanted[kept[wanted]]] if wanted.ndim else place[wanted]
    node.input[1] = cut.store(f"{node.output[0]}_indices", left)


def _pad(node: onnx.NodeProto, cut: Cut) -> None:
    """Of the channels that are padded, those that are left."""
    ndim = cut.flow.of(node.input[0]).ndim
    before, after = paddings(node, ndim, cut.flow)
    for axis in varying_axes(cut.flow.of(node.output[0])):
        kept = cut.kept_on(node.output[0], axis)
        before[axis], after[axis] = int(kept[: before[axis]].sum()), int(kept[len(kept) - after[axis] :].sum())
    if len(node.input) < 2:
        _set(node, "pads", [*before, *after])
        return
    node.input[1] = cut.store(f"{node.output[0]}_pads", [*before, *after])
    if len(node.input) > 3:
        del node.input[3:]


def _set(node: onnx.NodeProto, name: str, value: int | list[int]) -> None:
    _drop(node, name)
    node.attribute.append(helper.make_attribute(name, value))


def _drop(node: onnx.NodeProto, name: str) -> None:
    kept = [item for item in node.attribute if item.name != name]
    del node.attribute[:]
    node.attribute.extend(kept)


EDITS: Mapping[str, Edit] = MappingProxyType(
    {
        "Conv": _conv,
        "ConvTranspose": _conv,
        "Reshape": _reshape,
        "Expand": _expand,
        "Resize": _resize,
        "Split": _split,
        "Slice": _slice,
        "Gather": _gather,
        "Pad": _pad,
    }
)
