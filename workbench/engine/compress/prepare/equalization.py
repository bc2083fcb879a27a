"""Cross-layer equalization: channels of neighbouring layers are rescaled so that one scale fits all of them."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import onnx
from onnx import numpy_helper

from workbench.engine.graph.links import Links

_MAX_ROUNDS = 30
_CONVERGED = 1e-3
# No channel is scaled by more: tiny channels would carry rounding errors of the floats themselves.
_LARGEST_FACTOR = 1e4


@dataclass(frozen=True, slots=True)
class _Pair:
    """Two convolutions with nothing but a Relu between them, that nobody else reads."""

    first: onnx.NodeProto
    second: onnx.NodeProto


def equalize_layers(proto: onnx.ModelProto) -> int:
    """Equalize every pair of convolutions that allows it; the graph is changed in place, its function stays.

    Relu(s x) = s Relu(x) for s > 0, so output channels of the first layer may be divided by s and the second
    layer's weights for them multiplied. s = √(r₁ / r₂), of the channels' largest weights, makes both ranges equal.

    Args:
        proto: a complete model that belongs to the caller, nodes in the order of running.

    Returns:
        How many pairs there are. Clip ends at a fixed value, so layers before one are left as they are.

    Source: Nagel et al. 2019 (arXiv:1906.04721), section 4.1, eq. 11.
    """
    links = Links(proto.graph)
    pairs = [pair for node in proto.graph.node if (pair := _pair(node, links)) is not None]
    if not pairs:
        return 0
    values = _weights(pairs, links)
    for _ in range(_MAX_ROUNDS):
        if max(_equalize(pair, values) for pair in pairs) < _CONVERGED:
            break
    _store(proto.graph, values)
    return len(pairs)


def _pair(node: onnx.NodeProto, links: Links) -> _Pair | None:
    if not _is_plain(node, links):
        return None
    reader = links.only_reader(node.output[0])
    if reader is not None and reader.op_type == "Relu":
        reader = links.only_reader(reader.output[0])
    if reader is None or not _is_plain(reader, links) or links.is_constant(reader.input[0]):
        return None
    return _Pair(node, reader)


def _is_plain(node: onnx.NodeProto, links: Links) -> bool:
    """Whether the node is a convolution, dense or depthwise, with stored weights of its own."""
    if node.op_type != "Conv" or node.domain not in ("", "ai.onnx"):
        return False
    stored = [links.constant(name) for name in node.input[1:] if name]
    if any(values is None or values.dtype != np.float32 for values in stored):
        return False
    if any(links.only_reader(name) is None for name in node.input[1:] if name):
        return False
    weight = stored[0]
    assert weight is not None
    group = next((int(attribute.i) for attribute in node.attribute if attribute.name == "group"), 1)
    return group == 1 or (group == weight.shape[0] and weight.shape[1] == 1)


def _weights(pairs: list[_Pair], links: Links) -> dict[str, npt.NDArray[np.float32]]:
    """Weights and biases of all layers of the pairs, by name; copies."""
    names = {name for pair in pairs for node in (pair.first, pair.second) for name in node.input[1:] if name}
    return {name: np.array(links.constant(name), np.float32) for name in sorted(names)}


def _equalize(pair: _Pair, values: dict[str, npt.NDArray[np.float32]]) -> float:
    """Equalize one pair, in place; how far the largest factor was from 1."""
    first, second = values[pair.first.input[1]], values[pair.second.input[1]]
    is_depthwise = second.shape[1] == 1 and second.shape[0] == first.shape[0]
    one = np.abs(first).reshape(len(first), -1).max(axis=1)
    by_input = second if is_depthwise else second.swapaxes(0, 1)
    two = np.abs(by_input).reshape(len(by_input), -1).max(axis=1)
    # A channel that one of them does not use at all cannot be made alike.
    used = (one > 0) & (two > 0)
    factor = np.ones_like(one)
    factor[used] = np.clip(np.sqrt(one[used] / two[used]), 1 / _LARGEST_FACTOR, _LARGEST_FACTOR)
    first /= factor.reshape(-1, *([1] * (first.ndim - 1)))
    if len(pair.first.input) > 2 and pair.first.input[2]:
        values[pair.first.input[2]] /= factor
    by_input *= factor.reshape(-1, *([1] * (by_input.ndim - 1)))
    return float(np.abs(np.log(factor)).max(initial=0.0))


def _store(graph: onnx.GraphProto, values: dict[str, npt.NDArray[np.float32]]) -> None:
    for tensor in graph.initializer:
        if tensor.name in values:
            tensor.CopyFrom(numpy_helper.from_array(values[tensor.name], tensor.name))
    for node in graph.node:
        if node.op_type == "Constant" and node.output[0] in values:
            node.attribute[0].t.CopyFrom(numpy_helper.from_array(values[node.output[0]], node.output[0]))
