"""Following a tensor back to the constant it is made from: initializer, Constant, Identity, Transpose, Cast."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import onnx
from onnx import TensorProto, helper

from workbench.engine.graph.order import bodies, run_order
from workbench.engine.graph.tensor_data import TensorData

_THROUGH = ("Identity", "Transpose", "Cast")
_RANDOM = ("RandomNormal", "RandomUniform", "RandomNormalLike", "RandomUniformLike", "Multinomial", "Bernoulli")


@dataclass(frozen=True, slots=True, eq=False)
class ConstantChain:
    """A constant and the nodes it goes through, from the constant on.

    Args:
        tensor: the stored tensor.
        root: name of the initializer, or of the Constant node's output.
        nodes: Identity, Transpose and Cast nodes, in order of use.
    """

    tensor: TensorProto
    root: str
    nodes: tuple[onnx.NodeProto, ...]

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape at the end of the chain."""
        shape = tuple(self.tensor.dims)
        for node in self.nodes:
            if node.op_type == "Transpose":
                order = _permutation(node, len(shape))
                shape = tuple(shape[index] for index in order)
        return shape

    @property
    def data_type(self) -> int:
        """ONNX element type at the end of the chain."""
        data_type = self.tensor.data_type
        for node in self.nodes:
            if node.op_type == "Cast":
                data_type = next(attribute.i for attribute in node.attribute if attribute.name == "to")
        return int(data_type)

    def value(self, data: TensorData) -> npt.NDArray[np.generic]:
        """The values at the end of the chain; a view of the stored ones where possible."""
        array = data.array(self.tensor, self.root)
        for node in self.nodes:
            if node.op_type == "Transpose":
                array = array.transpose(_permutation(node, array.ndim))
            elif node.op_type == "Cast":
                to = next(attribute.i for attribute in node.attribute if attribute.name == "to")
                array = array.astype(helper.tensor_dtype_to_np_dtype(to))
        return array


def constant_chain(
    name: str, initializers: Mapping[str, TensorProto], producers: Mapping[str, onnx.NodeProto]
) -> ConstantChain | None:
    """Where a tensor comes from, if it is a constant seen through Identity, Transpose and Cast only."""
    nodes: list[onnx.NodeProto] = []
    while name not in initializers:
        node = producers.get(name)
        # A chain this long is no weight, and a cycle would never end.
        if node is None or len(nodes) > 16:
            return None
        if node.op_type == "Constant":
            stored = next((attribute.t for attribute in node.attribute if attribute.name == "value"), None)
            return ConstantChain(stored, name, tuple(reversed(nodes))) if stored is not None else None
        if node.op_type not in _THROUGH or not node.input:
            return None
        nodes.append(node)
        name = node.input[0]
    return ConstantChain(initializers[name], name, tuple(reversed(nodes)))

def constant_outputs(graph: onnx.GraphProto, constants: Collection[str]) -> set[str]:
    """Tensors of a graph that depend on constants alone, the constants included.

    Args:
        graph: its nodes may stand in any order.
        constants: names of initializers, and of constants of outer graphs.
    """
    constant = {*constants, ""}
    produced = {name for node in graph.node for name in node.output}
    order, _ = run_order(graph.node, {*constants, *({info.name for info in graph.input} - produced)})
    for index in order:
        node = graph.node[index]
        is_fixed = node.op_type not in _RANDOM and next(bodies(node), None) is None
        if is_fixed and all(name in constant for name in node.input):
            constant.update(node.output)
    return constant


def made_from(
    name: str, initializers: Mapping[str, TensorProto], producers: Mapping[str, onnx.NodeProto]
) -> tuple[set[str], set[str]]:
    """What a constant tensor is computed from.

    Returns:
        Names of the initializers and Constant nodes' outputs, and the operators on the way.
    """
    sources: set[str] = set()
    op_types: set[str] = set()
    seen = {name}
    waiting = [name]
    while waiting:
        current = waiting.pop()
        node = producers.get(current)
        if current in initializers or node is None:
            sources.add(current)
            continue
        if node.op_type == "Constant":
            sources.add(current)
        op_types.add(node.op_type)
        new = [source for source in node.input if source and source not in seen]
        seen.update(new)
        waiting += new
    return sources, op_types


def _permutation(node: onnx.NodeProto, ndim: int) -> tuple[int, ...]:
    given = next((tuple(attribute.ints) for attribute in node.attribute if attribute.name == "perm"), None)
    return given if given is not None else tuple(reversed(range(ndim)))
