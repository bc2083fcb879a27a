"""Nodes that runtimes compute together with the one before: folded norms, fused and merged activations."""

from collections.abc import Collection
from dataclasses import dataclass

import onnx

from workbench.engine.graph.links import Links
from workbench.engine.graph.weight_place import first_output
from workbench.engine.latency.int8_nodes import seen_through
from workbench.engine.latency.operator import Kind

_CONVOLUTIONS = ("Conv", "ConvTranspose", "Gemm", "MatMul")
_TAKE_ACTIVATION = (*_CONVOLUTIONS, "Add", "BatchNormalization")
_FUSED = ("Relu", "Clip", "LeakyRelu", "PRelu")
_GATES = {"Sigmoid": Kind.EXPONENTIAL, "HardSigmoid": Kind.ELEMENTWISE}


@dataclass(frozen=True, slots=True)
class Merged:
    """Activations that several nodes make together.

    Args:
        gone: outputs of nodes that the last one stands for.
        kinds: of the last ones, by their output.
    """

    gone: frozenset[str]
    kinds: dict[str, Kind]


def merged_activations(graph: onnx.GraphProto, links: Links) -> Merged:
    """X · sigmoid(x) is one swish, and x · hardsigmoid(x) one hard swish."""
    gone: set[str] = set()
    kinds: dict[str, Kind] = {}
    for node in graph.node:
        if node.op_type != "Mul" or len(node.input) != 2:
            continue
        for value, gate in (tuple(node.input), tuple(node.input)[::-1]):
            producer = links.producer(seen_through(gate, links))
            if producer is None or producer.op_type not in _GATES:
                continue
            if seen_through(producer.input[0], links) == seen_through(value, links):
                gone.add(first_output(producer))
                kinds[first_output(node)] = _GATES[producer.op_type]
                break
    return Merged(frozenset(gone), kinds)


def fused_into(graph: onnx.GraphProto, links: Links, gone: Collection[str]) -> frozenset[str]:
    """Outputs of norms, biases and activations that are computed with the node before, which nobody else reads."""
    fused: set[str] = set()
    for node in graph.node:
        if not node.input or not node.input[0] or first_output(node) in gone:
            continue
        before = _before(node, links, fused)
        if before is None:
            continue
        is_norm = node.op_type == "BatchNormalization" and before.op_type in _CONVOLUTIONS
        # MatMul has no bias of its own: exporters write Add.
        is_bias = node.op_type == "Add" and before.op_type == "MatMul" and any(map(links.is_constant, node.input))
        if is_norm or is_bias or (node.op_type in _FUSED and before.op_type in _TAKE_ACTIVATION):
            fused.add(first_output(node))
    return frozenset(fused)


def _before(node: onnx.NodeProto, links: Links, fused: Collection[str]) -> onnx.NodeProto | None:
    """The node that the input comes from if this alone reads it, back over what is fused into that."""
    name = next((name for name in node.input if name and not links.is_constant(name)), "")
    for _ in range(4):
        if links.only_reader(name) is None:
            return None
        producer = links.producer(name)
        if producer is None:
            return None
        if producer.op_type not in ("QuantizeLinear", "DequantizeLinear") and first_output(producer) not in fused:
            return producer
        name = next((other for other in producer.input if other and not links.is_constant(other)), "")
    return None
