"""Folding batch normalization into the convolution before it: the same function in one node."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import onnx
from onnx import numpy_helper

from workbench.engine.graph.links import Links

_EPSILON = 1e-5
# The axis of the weight that lists output channels.
_CHANNEL_AXIS = {"Conv": 0, "ConvTranspose": 1}


@dataclass(frozen=True, slots=True)
class _Pair:
    """A convolution and the normalization that alone reads its output; `bias` is None if there is none."""

    node: onnx.NodeProto
    norm: onnx.NodeProto
    weight: npt.NDArray[np.float32]
    bias: npt.NDArray[np.float32] | None


def fold_batch_norm(proto: onnx.ModelProto) -> int:
    """Fold every BatchNormalization that follows a convolution with stored weights; the graph is changed in place.

    y = γ (W x + b − μ) / √(σ² + ε) + β becomes one convolution with W' = W γ / √(σ² + ε) and
    b' = (b − μ) γ / √(σ² + ε) + β. Names of nodes, weights and the final output stay.

    Args:
        proto: a complete model that belongs to the caller.

    Returns:
        How many were folded.

    Source: ONNX BatchNormalization, opset 15; Jacob et al. 2018 (arXiv:1712.05877), section 3.2.
    """
    graph = proto.graph
    links = Links(graph)
    folded: list[onnx.NodeProto] = []
    for node in graph.node:
        pair = _pair(node, links)
        if pair is not None and _fold(graph, pair, links):
            folded.append(pair.norm)
    for norm in folded:
        graph.node.remove(norm)
    return len(folded)


def _pair(node: onnx.NodeProto, links: Links) -> _Pair | None:
    if node.op_type not in _CHANNEL_AXIS or node.domain not in ("", "ai.onnx"):
        return None
    norm = links.only_reader(node.output[0])
    if norm is None:
        return None
    if norm.op_type != "BatchNormalization" or [name for name in norm.output[1:] if name]:
        return None
    # A weight with other readers would change for them too.
    if links.only_reader(node.input[1]) is None:
        return None
    if node.op_type == "ConvTranspose" and _attribute(node, "group", 1) != 1:
        return None
    weight = links.constant(node.input[1])
    bias = links.constant(node.input[2]) if len(node.input) > 2 and node.input[2] else None
    has_unknown_bias = len(node.input) > 2 and bool(node.input[2]) and bias is None
    if weight is None or weight.dtype != np.float32 or has_unknown_bias:
        return None
    return _Pair(node, norm, np.asarray(weight, np.float32), None if bias is None else bias.astype(np.float32))


def _fold(graph: onnx.GraphProto, pair: _Pair, links: Links) -> bool:
    parameters = [links.constant(name) for name in pair.norm.input[1:5]]
    if any(values is None for values in parameters):
        return False
    gamma, beta, mean, variance = (np.asarray(values, np.float64) for values in parameters)
    factor = gamma / np.sqrt(variance + _attribute(pair.norm, "epsilon", _EPSILON))
    axis = _CHANNEL_AXIS[pair.node.op_type]
    shape = [-1 if index == axis else 1 for index in range(pair.weight.ndim)]
    weight = (pair.weight * factor.reshape(shape)).astype(np.float32)
    bias = ((0.0 if pair.bias is None else pair.bias.astype(np.float64)) - mean) * factor + beta
    _store(graph, pair.node.input[1], weight)
    # The normalization's own shift becomes the bias: its name is free now.
    bias_name = f"{pair.node.output[0]}.bias"
    graph.initializer.append(numpy_helper.from_array(bias.astype(np.float32), bias_name))
    weight_inputs = list(pair.node.input[:2])
    del pair.node.input[:]
    pair.node.input.extend([*weight_inputs, bias_name])
    pair.node.output[0] = pair.norm.output[0]
    return True


def _store(graph: onnx.GraphProto, name: str, values: npt.NDArray[np.float32]) -> None:
    """Put other values into a stored tensor, wherever it is stored."""
    for tensor in graph.initializer:
        if tensor.name == name:
            tensor.CopyFrom(numpy_helper.from_array(values, name))
            return
    node = next(node for node in graph.node if list(node.output) == [name])
    node.attribute[0].t.CopyFrom(numpy_helper.from_array(values, name))


def _attribute(node: onnx.NodeProto, name: str, default: float) -> float:
    for attribute in node.attribute:
        if attribute.name == name:
            return float(onnx.helper.get_attribute_value(attribute))
    return default
