"""Writing a quantized graph: codes in place of weights, biases that fit them, and quantized activations."""

from collections.abc import Sequence

import numpy as np
import onnx

from workbench.engine.compress.integers.dynamic_graph import quantize_at_run_time
from workbench.engine.compress.integers.integer_graph import IntegerBias, add_integer_bias, quantize_tensors
from workbench.engine.compress.prepare.prepared_graph import PreparedGraph
from workbench.engine.compress.quantized_layers import QuantizedLayers
from workbench.engine.compress.storage.node_list import NodeList
from workbench.engine.compress.storage.replaced_weights import Replacement, names_in, replace_weights
from workbench.engine.core.layer import Layer
from workbench.engine.core.plan import Plan
from workbench.engine.graph.opset import opset_of
from workbench.engine.graph.weight_place import first_output


def quantized_model(
    graph: PreparedGraph, plan: Plan, quantized: QuantizedLayers, replacements: Sequence[Replacement]
) -> onnx.ModelProto:
    """The prepared model with everything in it quantized as decided.

    Args:
        graph: the prepared model.
        plan: resolved on it.
        quantized: what calibration and rounding gave.
        replacements: the weights that are written in place of the float ones.
    """
    proto = graph.model.to_proto()
    integer = {entry.layer for entry in plan.layers if entry.has_known_ranges and entry.layer in quantized.weights}
    nodes = NodeList("wbb", names_in(proto.graph))
    _put_biases(proto.graph, graph, quantized, integer, nodes)
    replace_weights(proto, replacements, opset_of(proto))
    quantize_tensors(proto.graph, quantized.tensors, quantized.params)
    dynamic = [entry.layer for entry in plan.layers if entry.activations is not None and entry.activations.is_dynamic]
    quantize_at_run_time(proto.graph, [graph.model.info.layer(name) for name in dynamic])
    _prepend(proto.graph, nodes)
    return proto


def _put_biases(
    proto: onnx.GraphProto, graph: PreparedGraph, quantized: QuantizedLayers, integer: set[str], nodes: NodeList
) -> None:
    """Changed biases in place of the old ones; as int32 codes where the scale of what goes in is known before."""
    by_output = {first_output(node): node for node in proto.node}
    for layer in graph.model.info.layers:
        node = by_output.get(layer.node_output)
        bias = quantized.biases.get(layer.name)
        if node is None or (bias is None and layer.name not in integer):
            continue
        if bias is None:
            stored = graph.links.constant(node.input[2]) if len(node.input) > 2 and node.input[2] else None
            if stored is None or layer.op_type == "MatMul":
                continue
            bias = np.asarray(stored, np.float32)
        while len(node.input) < 3:
            node.input.append("")
        node.input[2] = _bias_name(graph, layer, bias, quantized, integer, nodes)


def _bias_name(
    graph: PreparedGraph,
    layer: Layer,
    bias: np.ndarray[tuple[int, ...], np.dtype[np.float32]],
    quantized: QuantizedLayers,
    integer: set[str],
    nodes: NodeList,
) -> str:
    params = quantized.weights[layer.name].params if layer.name in integer else None
    if params is None or bias.ndim != 1:
        return nodes.constant(bias)
    input_scale = quantized.params[graph.data_input(layer)].scale
    scale = (params.scale * input_scale).astype(np.float32)
    return add_integer_bias(nodes, IntegerBias(bias, scale.reshape(-1) if scale.size > 1 else scale.reshape(())))


def _prepend(graph: onnx.GraphProto, nodes: NodeList) -> None:
    graph.initializer.extend(nodes.initializers)
    old = [onnx.NodeProto.FromString(node.SerializeToString()) for node in graph.node]
    del graph.node[:]
    graph.node.extend([*nodes.nodes, *old])
