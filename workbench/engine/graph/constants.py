"""Following a tensor back to the constant it is made from: initializer, Constant, Identity, Transpose, Cast."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import onnx
from onnx import TensorProto, helper

from workbench.engine.graph.tensor_data import TensorData

_THROUGH = ("Identity", "Transpose", "Cast")


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
        array = data.array(self.tensor)
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


def _permutation(node: onnx.NodeProto, ndim: int) -> tuple[int, ...]:
    given = next((tuple(attribute.ints) for attribute in node.attribute if attribute.name == "perm"), None)
    return given if given is not None else tuple(reversed(range(ndim)))
