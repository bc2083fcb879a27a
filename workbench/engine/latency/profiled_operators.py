"""Which operator of a model each node that onnxruntime ran was made of."""

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping

import numpy as np
import onnx

from workbench.engine.core.measurement import Figure, Origin
from workbench.engine.graph.links import Links
from workbench.engine.graph.weight_place import first_output
from workbench.engine.latency.fused_nodes import fused_into, merged_activations
from workbench.engine.latency.onnx_operators import ModelOperators
from workbench.engine.latency.operator import WEIGHTED
from workbench.engine.runtime.profiled_nodes import ProfiledNode

_MARK = "#"
# Convolutions in the layout of the processor are named after the tensor they give.
_LAID_OUT = "_nchwc"
# Onnxruntime appends to the name of what it fuses, and counts what it makes anew.
_LAST_PIECE = re.compile(r"[_/][^_/]*$")
_TIMES_WEIGHTS = re.compile(r"Conv|Gemm|MatMul")


def named_by_outputs(proto: onnx.ModelProto) -> onnx.ModelProto:
    """The same model, whose nodes are called after the tensors they give; it is changed.

    What onnxruntime makes of a node keeps the node's name, or takes that of the tensor.
    """
    for node in proto.graph.node:
        node.name = _MARK + first_output(node)
    return proto


def times_of_operators(
    graph: onnx.GraphProto, model: ModelOperators, nodes: Iterable[ProfiledNode]
) -> tuple[dict[str, Figure], float]:
    """Times by operators' names, and the ms of nodes that belong to none.

    A node that computes several operators at once is counted for that with the weights.

    Args:
        graph: of the model, as it was before its nodes were named.
        model: its operators.
        nodes: what onnxruntime ran of it.
    """
    owners = _owners(graph, model)
    links = Links(graph)
    weighted = {operator.name for operator in model.operators if operator.kind in WEIGHTED}
    found = [(node, _tensor(node.name, owners)) for node in nodes]
    direct = {owners[tensor] for _, tensor in found if tensor}
    parts: dict[str, list[Figure]] = defaultdict(list)
    other_ms = 0.0
    for node, tensor in found:
        owner = owners.get(tensor, "")
        if owner and owner not in weighted and _TIMES_WEIGHTS.search(node.op_type):
            owner = _weighted_before(tensor, links, owners, weighted - direct) or owner
        if owner:
            parts[owner].append(node.time)
        else:
            other_ms += node.time.value
    return {name: _sum(figures) for name, figures in parts.items()}, other_ms


def _owners(graph: onnx.GraphProto, model: ModelOperators) -> dict[str, str]:
    """Operators' names by every tensor that they give, that of what is computed with them too."""
    links = Links(graph)
    merged = merged_activations(graph, links)
    fused = fused_into(graph, links, merged.gone)
    names = _names_of_outputs(graph, model)
    owners: dict[str, str] = {}
    for node in graph.node:
        name = first_output(node)
        if name in names:
            owners.update(dict.fromkeys(filter(None, node.output), names[name]))
        elif name in fused:
            before = next((owners[other] for other in node.input if other in owners), "")
            owners |= {name: before} if before else {}
    for node in graph.node:
        name = first_output(node)
        if name in merged.gone:
            reader = next((other for other in links.readers(name) if first_output(other) in merged.kinds), None)
            owners |= {name: owners[first_output(reader)]} if reader and first_output(reader) in owners else {}
    return owners


def _names_of_outputs(graph: onnx.GraphProto, model: ModelOperators) -> dict[str, str]:
    """Operators stand in the order of the graph; a layer's name need not be that of its output."""
    return dict(zip(model.outputs, (operator.name for operator in model.operators), strict=True))


def _tensor(name: str, owners: Mapping[str, str]) -> str:
    """The tensor that a node's name speaks of; empty if it speaks of none."""
    if _MARK not in name and not name.endswith(_LAID_OUT):
        return ""
    # Before the mark may stand a word such as "fused".
    name = name[name.find(_MARK) + 1 :].removesuffix(_LAID_OUT)
    while name and name not in owners:
        shorter = _LAST_PIECE.sub("", name)
        name = shorter if shorter != name else ""
    return name


def _weighted_before(tensor: str, links: Links, owners: Mapping[str, str], free: set[str]) -> str:
    """The operator with weights, not timed by itself, that the tensor is made of, through one sum; empty if none."""
    waiting, seen = [tensor], {tensor}
    while waiting:
        name = waiting.pop()
        if owners.get(name) in free:
            return owners[name]
        producer = links.producer(name)
        # Beyond another operator with weights it is another's time.
        if producer is not None and (name == tensor or owners.get(name) == owners.get(tensor)):
            waiting += [other for other in producer.input if other and other not in seen]
            seen |= set(producer.input)
    return ""


def _sum(figures: list[Figure]) -> Figure:
    """Of medians; the half widths of independent intervals add up by their squares."""
    if len(figures) == 1:
        return figures[0]
    value = sum(figure.value for figure in figures)
    widths = [
        (figure.value - figure.low, figure.high - figure.value)
        for figure in figures
        if figure.low is not None and figure.high is not None
    ]
    if len(widths) < len(figures):
        return Figure(value, "ms", Origin.MEASURED, None, None, figures[0].n)
    below, above = np.sqrt(np.square(widths).sum(0)).tolist()
    return Figure(value, "ms", Origin.MEASURED, value - below, value + above, figures[0].n)
