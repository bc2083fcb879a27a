"""Parts of a graph that stand as models of their own: what lies behind a tensor, or a few nodes in a row."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

import onnx

from workbench.engine.graph.order import reads_of

_FLOAT = onnx.TensorProto.FLOAT
_NO_SWAPS: Mapping[tuple[int, int], str] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class GraphPart:
    """Some nodes of a graph, in its order.

    Args:
        nodes: their positions.
        reads: the tensors that come from outside and depend on the graph's inputs.
        constants: positions of the nodes, and names of the initializers, whose constant values it reads.
        gives: the tensors that it is run for.
        swaps: names of inputs that stand in the place of what a node reads, by its position and that of its input.
    """

    nodes: tuple[int, ...]
    reads: tuple[str, ...]
    constants: tuple[tuple[int, ...], frozenset[str]]
    gives: tuple[str, ...]
    swaps: Mapping[tuple[int, int], str]


class GraphParts:
    """Cuts one graph. What was asked of it is not changed.

    Cost of a part: one look at each node of the graph.

    Args:
        proto: a complete model whose nodes are in the order in which they run.
    """

    def __init__(self, proto: onnx.ModelProto) -> None:
        self._proto = proto
        graph = proto.graph
        self._nodes = list(graph.node)
        self._reads = [reads_of(node) for node in self._nodes]
        self._producers = {name: place for place, node in enumerate(self._nodes) for name in node.output if name}
        self._stored = {tensor.name: tensor for tensor in graph.initializer}
        self._outputs = tuple(info.name for info in graph.output)
        self._live = _live(
            self._nodes, self._reads, [info.name for info in graph.input if info.name not in self._stored]
        )

    def behind(self, given: Sequence[str]) -> GraphPart:
        """What gives the graph's outputs where these tensors have other values than in the whole.

        Nodes that give one of them are left out; outputs of the graph that do not depend on them, too.
        """
        changed, nodes = set(given), []
        for place, node in enumerate(self._nodes):
            if changed.isdisjoint(node.output) and not changed.isdisjoint(self._reads[place]):
                nodes.append(place)
                changed.update(name for name in node.output if name)
        return self._part(nodes, tuple(name for name in self._outputs if name in changed))

    def row(
        self, places: Sequence[int], gives: Iterable[str], swaps: Mapping[tuple[int, int], str] = _NO_SWAPS
    ) -> GraphPart:
        """These nodes alone.

        Args:
            places: their positions.
            gives: tensors that they compute.
            swaps: names of inputs that stand in the place of what a node reads, by its position and that of its input.
        """
        return self._part(sorted(places), tuple(gives), swaps)

    def place_of(self, tensor: str) -> int | None:
        """The position of the node that gives a tensor; None for inputs and initializers."""
        return self._producers.get(tensor)

    def model(self, part: GraphPart, dtypes: Mapping[str, int]) -> onnx.ModelProto:
        """The part as a model: what it reads are its inputs, what it gives are its outputs.

        Args:
            part: of this graph.
            dtypes: ONNX element types of its inputs; float where nothing is said.
        """
        model = onnx.ModelProto(ir_version=self._proto.ir_version)
        model.opset_import.extend(self._proto.opset_import)
        model.functions.extend(self._proto.functions)
        model.graph.name = self._proto.graph.name or "part"
        const_nodes, const_names = part.constants
        for place in sorted((*const_nodes, *part.nodes)):
            node = model.graph.node.add()
            node.CopyFrom(self._nodes[place])
            for index in range(len(node.input)):
                node.input[index] = part.swaps.get((place, index), node.input[index])
        model.graph.initializer.extend(self._stored[name] for name in sorted(const_names))
        for name in dict.fromkeys((*part.reads, *part.swaps.values())):
            info = model.graph.input.add(name=name)
            info.type.tensor_type.elem_type = dtypes.get(name, _FLOAT)
        model.graph.output.extend(onnx.ValueInfoProto(name=name) for name in part.gives)
        return model

    def _part(
        self, nodes: Sequence[int], gives: tuple[str, ...], swaps: Mapping[tuple[int, int], str] = _NO_SWAPS
    ) -> GraphPart:
        made = {name for place in nodes for name in self._nodes[place].output if name}
        # In the same order each time, so that the same part gives the same model.
        read = dict.fromkeys(name for place in nodes for name in self._read(place, swaps) if name not in made)
        constants = self._constants([name for name in read if name not in self._live])
        return GraphPart(tuple(nodes), tuple(name for name in read if name in self._live), constants, gives, swaps)

    def _read(self, place: int, swaps: Mapping[tuple[int, int], str]) -> list[str]:
        """What a node reads, without what is swapped."""
        swapped = {index for position, index in swaps if position == place}
        if not swapped:
            return sorted(self._reads[place])
        return [name for index, name in enumerate(self._nodes[place].input) if name and index not in swapped]

    def _constants(self, names: Collection[str]) -> tuple[tuple[int, ...], frozenset[str]]:
        """Everything that is computed from stored values alone, and these values."""
        nodes: set[int] = set()
        stored: set[str] = set()
        waiting = list(names)
        while waiting:
            name = waiting.pop()
            if name in self._stored:
                stored.add(name)
            elif (place := self._producers.get(name)) is not None and place not in nodes:
                nodes.add(place)
                waiting.extend(self._reads[place])
        return tuple(sorted(nodes)), frozenset(stored)


def _live(nodes: Sequence[onnx.NodeProto], reads: Sequence[set[str]], inputs: Iterable[str]) -> set[str]:
    """The tensors that depend on the graph's inputs."""
    live = set(inputs)
    for node, names in zip(nodes, reads, strict=True):
        if not live.isdisjoint(names):
            live.update(name for name in node.output if name)
    return live
