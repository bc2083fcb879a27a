"""Quantization with ranges that are found at run time: each batch's own minimum and maximum."""

from collections.abc import Sequence

import onnx
from onnx import TensorProto, helper

from workbench.engine.compress.storage.node_list import NodeList
from workbench.engine.compress.storage.replaced_weights import drop_unread_constants, names_in
from workbench.engine.core.layer import Layer


def quantize_at_run_time(graph: onnx.GraphProto, layers: Sequence[Layer]) -> None:
    """Multiply integers in place of these layers; the graph is changed in place.

    y = scale(x) · scale(w) · MatMulInteger(x, w), with x quantized by DynamicQuantizeLinear. Written out, since ONNX
    Runtime may merge a MatMul with the Add behind it before it sees that both sides are quantized. The range is that
    of the whole batch, so a sample's result depends a little on the others.

    Args:
        graph: its nodes in the order of running.
        layers: MatMul layers whose weights, the second input, end in DequantizeLinear.

    Source: ONNX DynamicQuantizeLinear, opset 11, and MatMulInteger, opset 10.
    """
    wanted = {layer.node_output for layer in layers}
    if not wanted:
        return
    weights = {node.output[0]: node for node in graph.node if node.op_type == "DequantizeLinear"}
    nodes = NodeList("wr", names_in(graph))
    quantized: dict[str, tuple[str, str, str]] = {}
    for node in graph.node:
        if node.op_type != "MatMul" or node.output[0] not in wanted:
            nodes.nodes.append(onnx.NodeProto.FromString(node.SerializeToString()))
            continue
        name = node.input[0]
        if name not in quantized:
            quantized[name] = _add_quantized(nodes, name)
        _add_product(nodes, node, quantized[name], weights[node.input[1]])
    del graph.node[:]
    graph.node.extend(nodes.nodes)
    drop_unread_constants(graph)


def _add_quantized(nodes: NodeList, name: str) -> tuple[str, str, str]:
    """Codes, scale and zero point of a tensor, as they are found at run time."""
    codes, scale, zero = nodes.fresh(), nodes.fresh(), nodes.fresh()
    nodes.nodes.append(helper.make_node("DynamicQuantizeLinear", [name], [codes, scale, zero]))
    return codes, scale, zero


def _add_product(
    nodes: NodeList, node: onnx.NodeProto, quantized: tuple[str, str, str], weight: onnx.NodeProto
) -> None:
    codes, scale, zero = quantized
    sums = nodes.add("MatMulInteger", codes, weight.input[0], zero, weight.input[2])
    nodes.nodes[-1].name = node.name
    both = nodes.add("Mul", scale, weight.input[1])
    real = nodes.add("Cast", sums, to=TensorProto.FLOAT)
    nodes.add("Mul", real, both, output=node.output[0])
