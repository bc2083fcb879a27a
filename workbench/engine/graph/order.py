"""What a node reads, bodies of control flow included, and the order in which nodes can run."""

from collections import defaultdict, deque
from collections.abc import Collection, Iterator, Sequence

import onnx


def bodies(node: onnx.NodeProto) -> Iterator[onnx.GraphProto]:
    """The graphs inside a node: branches of If, bodies of Loop and Scan."""
    for attribute in node.attribute:
        if attribute.HasField("g"):
            yield attribute.g
        yield from attribute.graphs


def all_graphs(graph: onnx.GraphProto) -> Iterator[onnx.GraphProto]:
    """The graph and all bodies inside it, however deep."""
    yield graph
    for node in graph.node:
        for body in bodies(node):
            yield from all_graphs(body)


def reads_of(node: onnx.NodeProto) -> set[str]:
    """Names of the tensors that a node reads, itself or in its bodies, from the graph it stands in."""
    names = {name for name in node.input if name}
    for body in bodies(node):
        names |= _captured(body)
    return names


def run_order(nodes: Sequence[onnx.NodeProto], given: Collection[str]) -> tuple[list[int], int | None]:
    """Positions of the nodes such that each comes after what it reads; files need not be sorted.

    Nodes that are in order already stay so. Cost grows with the number of edges only.

    Args:
        nodes: of one graph.
        given: tensors that no node has to compute.

    Returns:
        The positions, and one that can never run, because it waits for itself or for what nothing gives; or None.
    """
    producers = {name: index for index, node in enumerate(nodes) for name in node.output if name}
    waiting: list[int] = []
    readers: dict[int, list[int]] = defaultdict(list)
    for index, node in enumerate(nodes):
        sources = {producers.get(name, -1) for name in reads_of(node) if name not in given}
        waiting.append(len(sources))
        for source in sources:
            readers[source].append(index)
    if all(source < index for source, indices in readers.items() for index in indices) and -1 not in readers:
        return list(range(len(nodes))), None
    ready = deque(index for index, count in enumerate(waiting) if count == 0)
    order: list[int] = []
    while ready:
        index = ready.popleft()
        order.append(index)
        for reader in readers[index]:
            waiting[reader] -= 1
            if waiting[reader] == 0:
                ready.append(reader)
    stuck = next((index for index, count in enumerate(waiting) if count > 0), None)
    return order, stuck


def _captured(graph: onnx.GraphProto) -> set[str]:
    """Tensors of outer graphs that a body reads."""
    own = {info.name for info in graph.input} | {tensor.name for tensor in graph.initializer}
    own |= {tensor.values.name for tensor in graph.sparse_initializer}
    names = {info.name for info in graph.output if info.name}
    for node in graph.node:
        names |= reads_of(node)
        own.update(node.output)
    return names - own
