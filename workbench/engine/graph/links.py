"""Who gives and who reads each tensor of a graph: the neighbourhood questions that rewriting asks."""

from collections import defaultdict
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import onnx
from onnx import numpy_helper

from workbench.engine.graph.order import bodies, reads_of
from workbench.engine.graph.weight_place import first_output

_BOUNDING = ("Relu", "Clip")


class Links:
    """The links of one graph as it was when this was made; bodies of control flow count as readers.

    Args:
        graph: the graph; is not changed.
    """

    def __init__(self, graph: onnx.GraphProto) -> None:
        self.outputs = frozenset(info.name for info in graph.output)
        self._producers = {name: node for node in graph.node for name in node.output if name}
        self._stored = {tensor.name: tensor for tensor in graph.initializer}
        self._readers: dict[str, list[onnx.NodeProto]] = defaultdict(list)
        self._captured: set[str] = set()
        for node in graph.node:
            for name in dict.fromkeys(node.input):
                self._readers[name].append(node)
            if any(True for _ in bodies(node)):
                self._captured |= reads_of(node) - set(node.input)

    def producer(self, name: str) -> onnx.NodeProto | None:
        """The node that gives the tensor; None for inputs and initializers."""
        return self._producers.get(name)

    def readers(self, name: str) -> Sequence[onnx.NodeProto]:
        """The nodes that read the tensor, each once."""
        return self._readers.get(name, ())

    def only_reader(self, name: str) -> onnx.NodeProto | None:
        """The one node that reads the tensor; None if others do, a body does, or it is an output of the graph."""
        readers = self.readers(name)
        is_private = len(readers) == 1 and name not in self.outputs and name not in self._captured
        return readers[0] if is_private else None

    def constant(self, name: str) -> npt.NDArray[np.generic] | None:
        """The tensor's values if they are stored in the graph, as an initializer or a Constant node."""
        if name in self._stored:
            return np.asarray(numpy_helper.to_array(self._stored[name]))
        node = self._producers.get(name)
        if node is None or node.op_type != "Constant":
            return None
        stored = next((attribute.t for attribute in node.attribute if attribute.name == "value"), None)
        return None if stored is None else np.asarray(numpy_helper.to_array(stored))

    def is_constant(self, name: str) -> bool:
        """Whether the tensor is stored in the graph."""
        if name in self._stored:
            return True
        node = self._producers.get(name)
        return node is not None and node.op_type == "Constant"

    def bias_name(self, node: onnx.NodeProto) -> str:
        """The third input, or what it comes from through Identity, which shares tensors; empty if there is none."""
        name = str(node.input[2]) if len(node.input) > 2 else ""
        # No more steps than nodes: a stranger's graph may go in a circle.
        for _ in range(len(self._producers)):
            producer = self._producers.get(name)
            if producer is None or producer.op_type != "Identity":
                break
            name = str(producer.input[0])
        return name

    def has_computed_bias(self, node: onnx.NodeProto) -> bool:
        """Whether the third input is there, and is not stored in the graph."""
        name = self.bias_name(node)
        return bool(name) and not self.is_constant(name)

    def bounded_output(self, node: onnx.NodeProto) -> str:
        """The node's output, after a Relu or Clip that alone reads it: what a runtime computes in one go."""
        name = first_output(node)
        reader = self.only_reader(name)
        if reader is None or reader.op_type not in _BOUNDING or reader.input[0] != name:
            return name
        if not all(self.is_constant(limit) for limit in reader.input[1:] if limit):
            return name
        return str(reader.output[0])
