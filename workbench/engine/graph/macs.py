"""Multiply-adds of one node at batch 1."""

import math

import onnx

from workbench.engine.graph.shapes import Shapes


def node_macs(node: onnx.NodeProto, weight_shape: tuple[int, ...], shapes: Shapes) -> int | None:
    """Multiply-adds of a Conv, ConvTranspose, Gemm or MatMul; None if a shape it depends on is unknown.

    Conv: outputs × inputs per group × kernel. ConvTranspose: inputs × outputs per group × kernel.
    Gemm, MatMul: outputs × length of the sum.

    Args:
        node: the node.
        weight_shape: as the node sees it.
        shapes: of all tensors.
    """
    if node.op_type == "ConvTranspose":
        size = shapes.size(node.input[0])
        return None if size is None else size * math.prod(weight_shape[1:])
    outputs = shapes.size(node.output[0])
    if outputs is None or not weight_shape:
        return None
    if node.op_type == "Conv":
        return outputs * math.prod(weight_shape[1:])
    if node.op_type == "Gemm":
        transposed = any(attribute.name == "transB" and attribute.i for attribute in node.attribute)
        return outputs * (weight_shape[1] if transposed else weight_shape[0])
    return outputs * (weight_shape[-2] if len(weight_shape) > 1 else weight_shape[0])
