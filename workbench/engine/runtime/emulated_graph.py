"""A quantized model rewritten so that any computer computes it by another processor's rules.

Exact sums come from kernels for unsigned weights, which no processor saturates: codes and zero points of signed
weights are moved by 128. Where pairs saturate, what each pair has too much is computed beside, in plain operators,
and taken away. Both are whole numbers, so that the results are those of the processor, bit by bit.
"""

from dataclasses import dataclass

import onnx

from workbench.engine.core.cpu_rules import CpuRules
from workbench.engine.graph.node_copy import node_copy
from workbench.engine.runtime.integer_nodes import IntegerNode, find_integer_nodes, num_integer_nodes, unreadable_nodes
from workbench.engine.runtime.part_of_graph import PartOfGraph
from workbench.engine.runtime.saturated_sums import add_saturated_node

SHARE_PREFIX = "wb.saturated."


@dataclass(frozen=True, slots=True)
class EmulatedLayer:
    """A layer that may saturate.

    Args:
        node: its node's name in the fused graph.
        output: what the node gives there, which may be the result of operators that were fused with it.
        num_pairs: how many of its pairs can saturate.
    """

    node: str
    output: str
    num_pairs: int


@dataclass(frozen=True, slots=True, eq=False)
class EmulatedGraph:
    """A model that computes by the rules.

    Args:
        proto: its last outputs, one for each of `layers` where pairs saturate, are shares of outputs with a
            saturated pair, scalars.
        layers: in the order of running.
        left_out: what may saturate and could not be rewritten: the node's name, and why.
        num_integer: how many nodes compute on integers, whether they may saturate or not.
    """

    proto: onnx.ModelProto
    layers: tuple[EmulatedLayer, ...]
    left_out: tuple[tuple[str, str], ...]
    num_integer: int = 0


def emulated_graph(fused: onnx.ModelProto, rules: CpuRules) -> EmulatedGraph:
    """The model with every layer replaced that may saturate.

    Args:
        fused: of `fused_graph`; is changed.
        rules: not `CpuRules.THIS`, which needs no emulation.
    """
    graph = fused.graph
    num_integer = num_integer_nodes(graph)
    found = {node.proto.output[0]: node for node in find_integer_nodes(graph)}
    left_out = [*unreadable_nodes(graph)]
    part = PartOfGraph()
    layers = []
    nodes: list[onnx.NodeProto] = []
    for proto in graph.node:
        node = found.get(proto.output[0])
        if node is None or not len(node.pairs):
            nodes.append(node_copy(proto))
            continue
        if node.obstacle:
            left_out.append((proto.name, node.obstacle))
            nodes.append(node_copy(proto))
            continue
        layers.append(EmulatedLayer(proto.name, str(proto.output[0]), len(node.pairs)))
        if rules is CpuRules.EXACT:
            _add_exact(part, node)
        else:
            share = add_saturated_node(part, node, f"{SHARE_PREFIX}{len(layers) - 1}")
            graph.output.append(onnx.ValueInfoProto(name=share))
        nodes += part.take_nodes()
    del graph.node[:]
    graph.node.extend(nodes)
    graph.initializer.extend(part.initializers)
    return EmulatedGraph(fused, tuple(layers), tuple(left_out), num_integer)


def _add_exact(part: PartOfGraph, node: IntegerNode) -> None:
    """The same operator on unsigned weights."""
    copy = node_copy(node.proto)
    inputs = list(copy.input)
    inputs += [""] * (node.places.weight_zero + 1 - len(inputs))
    inputs[node.places.weight] = part.constant(node.unsigned_weight)
    inputs[node.places.weight_zero] = part.constant(node.unsigned_zero_point)
    del copy.input[:]
    copy.input.extend(inputs)
    part.nodes.append(copy)
