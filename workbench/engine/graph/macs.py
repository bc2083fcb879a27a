"""Multiply-adds of one node at batch 1."""

import math

import onnx

from workbench.engine.graph.shapes import Shapes
from workbench.engine.graph.weight_place import RECURRENT

_LIKE_CONV = ("Conv", "FusedConv", "NhwcFusedConv", "QLinearConv", "ConvInteger", "DeformConv")
_LIKE_GEMM = ("Gemm", "FusedGemm", "QGemm")


def node_macs(node: onnx.NodeProto, place: int, weight_shape: tuple[int, ...], shapes: Shapes) -> int | None:
    """Multiply-adds of a node that has weights; None if a shape it depends on is unknown.

    Conv: outputs × inputs per group × kernel. ConvTranspose: inputs × outputs per group × kernel.
    Gemm, MatMul: outputs × length of the sum. LSTM, GRU, RNN: steps × weights, of W and R each.
    A first dimension that the graph leaves open counts as 1: of a recurrent node that may be one step.

    Args:
        node: the node; quantized and fused forms count as the plain one.
        place: which input is the weight.
        weight_shape: as the node sees it.
        shapes: of all tensors.
    """
    if not weight_shape:
        return None
    if node.op_type == "ConvTranspose":
        size = shapes.size(node.input[0])
        return None if size is None else size * math.prod(weight_shape[1:])
    if node.op_type in RECURRENT:
        return _recurrent_macs(node, weight_shape, shapes)
    outputs = shapes.size(node.output[0])
    if outputs is None:
        return None
    if node.op_type in _LIKE_CONV:
        return outputs * math.prod(weight_shape[1:])
    if node.op_type in _LIKE_GEMM or "MatMul" in node.op_type:
        return outputs * _sum_length(node, place, weight_shape)
    return None


def _sum_length(node: onnx.NodeProto, place: int, weight_shape: tuple[int, ...]) -> int:
    """Length of the axis that a matrix product sums over."""
    if len(weight_shape) == 1:
        return weight_shape[0]
    is_left = place == 0 and node.op_type in ("Gemm", "MatMul", "FusedMatMul", "FusedGemm")
    is_transposed = _is_set(node, "transA" if is_left else "transB")
    return weight_shape[-1 if is_left != is_transposed else -2]


def _recurrent_macs(node: onnx.NodeProto, weight_shape: tuple[int, ...], shapes: Shapes) -> int | None:
    """W is (directions, gates·hidden, inputs), R ends in hidden; X is (steps, batch, inputs), or batch comes first.

    Source: ONNX LSTM, GRU and RNN, opset 14, which has the attribute `layout`.
    """
    given = shapes.by_name.get(node.input[0], ())
    if len(given) != 3:
        return None
    steps, batch = (given[1], given[0]) if _is_set(node, "layout") else given[:2]
    return None if steps is None else steps * (batch or 1) * math.prod(weight_shape)


def _is_set(node: onnx.NodeProto, name: str) -> bool:
    return any(attribute.name == name and attribute.i for attribute in node.attribute)
