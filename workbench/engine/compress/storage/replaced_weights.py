"""Putting compressed weights into a graph in place of the float ones, and dropping what nothing reads."""

from collections import Counter
from collections.abc import Collection, Iterable, MutableSequence, Sequence
from dataclasses import dataclass
from typing import TypeVar

import onnx

from workbench.engine.compress.storage.node_list import NodeList
from workbench.engine.compress.storage.packing import add_weight
from workbench.engine.compress.storage.unpack_nodes import LookUpTables
from workbench.engine.compress.weights.compressed_weight import CompressedWeight
from workbench.engine.core.footprint import Storage
from workbench.engine.graph.layer_names import split_name
from workbench.engine.graph.weight_place import first_output

_Part = TypeVar("_Part")


@dataclass(frozen=True, slots=True, eq=False)
class Replacement:
    """One compressed tensor and the nodes that read it.

    Args:
        number: of the first layer that reads it; part of the names that are made.
        weight_name: the tensor that the nodes read now.
        readers: first output of each of those nodes, and which of its inputs the weight is.
        weight, storage: what to store, and how.
        dtype: ONNX element type that the readers expect.
        as_codes: end in codes and DequantizeLinear, for readers that run on integers.
    """

    number: int
    weight_name: str
    readers: tuple[tuple[str, int], ...]
    weight: CompressedWeight
    storage: Storage
    dtype: int
    as_codes: bool = False


def replace_weights(proto: onnx.ModelProto, replacements: Sequence[Replacement], opset: int) -> None:
    """Rewrite the graph, in place, so that the readers read the compressed tensors.

    The new tensor keeps its old name where all who read the old one are to read it, and else has one that tells
    where it was split off, so that layers keep their names. Constants that nothing reads any more are dropped.

    Args:
        proto: a copy that belongs to the caller, at least of the opset that the encodings need.
        replacements: one a tensor.
        opset: of the model.
    """
    graph = proto.graph
    taken = names_in(graph)
    shared = NodeList("wbt", taken)
    tables = LookUpTables(shared)
    by_output = {first_output(node): node for node in graph.node}
    num_reads = count_reads(graph)
    outputs = {info.name for info in graph.output}
    own: list[NodeList] = []
    gone: set[str] = set()
    for replacement in replacements:
        nodes = NodeList(f"wb{replacement.number}_", taken)
        output = replacement.weight_name
        if len(replacement.readers) < num_reads[output] or output in outputs:
            output = _fresh_name(split_name(output, replacement.readers[0][0]), taken)
        else:
            gone.add(output)
        add_weight(
            nodes, tables, replacement.weight, replacement.storage,
            opset=opset, dtype=replacement.dtype, output=output, as_codes=replacement.as_codes,
        )  # fmt: skip
        for reader, place in replacement.readers:
            by_output[reader].input[place] = output
        own.append(nodes)
    _remove_producers(graph, gone)
    _prepend(graph, [shared, *own])
    drop_unread_constants(graph)


def drop_unread_constants(graph: onnx.GraphProto) -> None:
    """Remove initializers, and nodes that depend on constants alone, whose output nothing reads."""
    while True:
        reads = count_reads(graph)
        needed = {info.name for info in graph.output}
        constant = _constant_names(graph)
        dead = [
            index
            for index, node in enumerate(graph.node)
            if node.output
            and all(name in constant for name in node.output)
            and not any(reads[name] or name in needed for name in node.output)
        ]
        _delete(graph.node, dead)
        dropped = {tensor.name for tensor in graph.initializer if not reads[tensor.name] and tensor.name not in needed}
        for repeated in (graph.initializer, graph.input):
            _delete(repeated, [index for index, item in enumerate(repeated) if item.name in dropped])
        if not dead:
            return


def _constant_names(graph: onnx.GraphProto) -> set[str]:
    """Tensors that depend on constants alone; nodes are expected in topological order."""
    constant = {tensor.name for tensor in graph.initializer} | {""}
    for node in graph.node:
        has_body = any(attribute.type in _BODIES for attribute in node.attribute)
        if not has_body and all(name in constant for name in node.input):
            constant.update(node.output)
    return constant


_BODIES = (onnx.AttributeProto.GRAPH, onnx.AttributeProto.GRAPHS)


def count_reads(graph: onnx.GraphProto) -> Counter[str]:
    """How often each tensor is read, bodies of control flow included."""
    reads: Counter[str] = Counter()
    for node in graph.node:
        reads.update(name for name in node.input if name)
        for attribute in node.attribute:
            for body in _bodies(attribute):
                reads.update(count_reads(body))
                reads.update(info.name for info in body.output)
    return reads


def _bodies(attribute: onnx.AttributeProto) -> Iterable[onnx.GraphProto]:
    if attribute.type == onnx.AttributeProto.GRAPH:
        return (attribute.g,)
    return tuple(attribute.graphs)


def names_in(graph: onnx.GraphProto) -> set[str]:
    """Every name of a tensor that the graph uses."""
    names = {tensor.name for tensor in graph.initializer} | {info.name for info in graph.input}
    for node in graph.node:
        names.update(node.input)
        names.update(node.output)
    return names


def _fresh_name(wanted: str, taken: set[str]) -> str:
    name = wanted
    while name in taken:
        name += "_"
    taken.add(name)
    return name


def _remove_producers(graph: onnx.GraphProto, names: Collection[str]) -> None:
    """Remove what gives these tensors now: initializers (and graph inputs), or nodes with the one output."""
    for repeated in (graph.initializer, graph.input, graph.value_info):
        _delete(repeated, [index for index, item in enumerate(repeated) if item.name in names])
    _delete(
        graph.node,
        [index for index, node in enumerate(graph.node) if len(node.output) == 1 and node.output[0] in names],
    )


def _delete(repeated: MutableSequence[_Part], indices: Sequence[int]) -> None:
    """Remove by rising indices; by value, each would be compared with all that stand before it."""
    for index in reversed(indices):
        del repeated[index]


def _prepend(graph: onnx.GraphProto, lists: Sequence[NodeList]) -> None:
    new_nodes = [node for part in lists for node in part.nodes]
    old_nodes = list(graph.node)
    del graph.node[:]
    graph.node.extend(new_nodes)
    graph.node.extend(old_nodes)
    graph.initializer.extend(tensor for part in lists for tensor in part.initializers)
