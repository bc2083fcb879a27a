"""Quantization with ranges that are found at run time: each batch's own minimum and maximum."""

from collections.abc import Sequence

import numpy as np
import onnx
from onnx import TensorProto, helper

from workbench.engine.compress.storage.node_list import NodeList
from workbench.engine.compress.storage.replaced_weights import drop_unread_constants, names_in
from workbench.engine.core.layer import Layer

_PRODUCTS = ("MatMul", "Gemm")
_RECURRENT = ("LSTM", "GRU", "RNN")


def dynamic_obstacle(node: onnx.NodeProto | None, layer: Layer) -> str:
    """Why a layer cannot run on integers with ranges that are found at run time; empty if it can."""
    if node is None:
        return "the layer is in a body"
    if node.op_type == "LSTM":
        return (
            "ONNX has no LSTM on integers; ONNX Runtime's DynamicQuantizeLSTM is its own, and files here are standard"
        )
    if node.op_type in _RECURRENT:
        return f"neither ONNX nor ONNX Runtime has a {node.op_type} on integers"
    if node.op_type not in _PRODUCTS:
        return f"{node.op_type} has no kernel with ranges at run time, {' and '.join(_PRODUCTS)} have"
    if list(node.input)[:2].count(layer.weight_name) != 1:
        return "it has no input beside its weights"
    if node.input[1] != layer.weight_name:
        return "its weights stand on the left"
    return ""


def quantize_at_run_time(graph: onnx.GraphProto, layers: Sequence[Layer]) -> None:
    """Multiply integers in place of these layers; the graph is changed in place.

    y = scale(x) · scale(w) · MatMulInteger(x, w), with x quantized by DynamicQuantizeLinear. Written out, since ONNX
    Runtime may merge a MatMul with the Add behind it before it sees that both sides are quantized. A Gemm's alpha goes
    into the weights' scale, and its bias, times beta, is added in float. The range is that of the whole batch, so a
    sample's result depends a little on the others.

    Args:
        graph: its nodes in the order of running.
        layers: MatMul and Gemm layers whose weights, the second input, end in DequantizeLinear.

    Source: ONNX DynamicQuantizeLinear, opset 11; MatMulInteger, opset 10; Gemm, opset 13.
    """
    wanted = {layer.node_output for layer in layers}
    if not wanted:
        return
    weights = {node.output[0]: node for node in graph.node if node.op_type == "DequantizeLinear"}
    nodes = NodeList("wr", names_in(graph))
    quantized: dict[str, tuple[str, str, str]] = {}
    for node in graph.node:
        if node.op_type not in _PRODUCTS or node.output[0] not in wanted:
            nodes.nodes.append(onnx.NodeProto.FromString(node.SerializeToString()))
            continue
        name = node.input[0]
        if name not in quantized:
            quantized[name] = _add_quantized(nodes, name)
        _add_layer(nodes, node, quantized[name], weights[node.input[1]])
    del graph.node[:]
    graph.node.extend(nodes.nodes)
    graph.initializer.extend(nodes.initializers)
    drop_unread_constants(graph)


def _add_quantized(nodes: NodeList, name: str) -> tuple[str, str, str]:
    """Codes, scale and zero point of a tensor, as they are found at run time."""
    codes, scale, zero = nodes.fresh(), nodes.fresh(), nodes.fresh()
    nodes.nodes.append(helper.make_node("DynamicQuantizeLinear", [name], [codes, scale, zero]))
    return codes, scale, zero


def _add_layer(nodes: NodeList, node: onnx.NodeProto, quantized: tuple[str, str, str], weight: onnx.NodeProto) -> None:
    """The product, and of a Gemm what is added to it."""
    settings = {attribute.name: helper.get_attribute_value(attribute) for attribute in node.attribute}
    codes, scale, zero = quantized
    weight_codes, weight_scale, weight_zero = weight.input
    if settings.get("transA"):
        codes = nodes.add("Transpose", codes, perm=[1, 0])
    if settings.get("transB"):
        weight_codes = nodes.add("Transpose", weight_codes, perm=[1, 0])
    weight_scale = _times(nodes, weight_scale, settings.get("alpha", 1.0))
    bias = _bias(nodes, node, settings.get("beta", 1.0))
    sums = nodes.add("MatMulInteger", codes, weight_codes, zero, weight_zero)
    nodes.nodes[-1].name = node.name
    real = nodes.add("Cast", sums, to=TensorProto.FLOAT)
    both = nodes.add("Mul", scale, weight_scale)
    product = nodes.add("Mul", real, both, output="" if bias else node.output[0])
    if bias:
        nodes.add("Add", product, bias, output=node.output[0])


def _bias(nodes: NodeList, node: onnx.NodeProto, beta: float) -> str:
    """What a Gemm adds to its product, by name; empty if it adds nothing."""
    has_bias = node.op_type == "Gemm" and len(node.input) > 2 and bool(node.input[2]) and beta != 0
    return _times(nodes, node.input[2], beta) if has_bias else ""


def _times(nodes: NodeList, name: str, factor: float) -> str:
    return name if factor == 1 else nodes.add("Mul", name, nodes.constant(np.array(factor, np.float32)))
