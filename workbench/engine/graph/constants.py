"""Following a tensor back to the constant it is made from, through Identity, Transpose, Cast and Reshape."""

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import onnx
from onnx import TensorProto, helper, numpy_helper

from workbench.engine.graph.order import bodies, run_order
from workbench.engine.graph.tensor_data import TensorData

_THROUGH = ("Identity", "Transpose", "Cast", "Reshape")
# More than any weight has; numpy takes 64.
_MOST_AXES = 32
_NO_NUMBERS = (TensorProto.UNDEFINED, TensorProto.STRING)
RANDOM = ("RandomNormal", "RandomUniform", "RandomNormalLike", "RandomUniformLike", "Multinomial", "Bernoulli")


@dataclass(frozen=True, slots=True, eq=False)
class ConstantChain:
    """A constant and the nodes it goes through, from the constant on.

    Args:
        tensor: the stored tensor.
        root: name of the initializer, or of the Constant node's output.
        nodes: Identity, Transpose, Cast and Reshape nodes, in order of use.
        targets: for each node the shape that it asks for, if it is a Reshape.
    """

    tensor: TensorProto
    root: str
    nodes: tuple[onnx.NodeProto, ...]
    targets: tuple[tuple[int, ...], ...]

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape at the end of the chain."""
        shape = tuple(self.tensor.dims)
        for node, target in zip(self.nodes, self.targets, strict=True):
            if node.op_type == "Reshape":
                shape = _reshaped(shape, target)
            elif node.op_type == "Transpose":
                order = _permutation(node, len(shape))
                shape = tuple(shape[index] for index in order)
        return shape

    @property
    def data_type(self) -> int:
        """ONNX element type at the end of the chain."""
        data_type = self.tensor.data_type
        for node in self.nodes:
            if node.op_type == "Cast":
                data_type = _cast_type(node)
        return int(data_type)

    def value(self, data: TensorData) -> npt.NDArray[np.generic]:
        """The values at the end of the chain; a view of the stored ones where possible."""
        array = data.array(self.tensor, self.root)
        for node, target in zip(self.nodes, self.targets, strict=True):
            if node.op_type == "Reshape":
                array = array.reshape(_reshaped(array.shape, target))
            elif node.op_type == "Transpose":
                array = array.transpose(_permutation(node, array.ndim))
            elif node.op_type == "Cast":
                array = array.astype(helper.tensor_dtype_to_np_dtype(_cast_type(node)))
        return array


def constant_chain(
    name: str, initializers: Mapping[str, TensorProto], producers: Mapping[str, onnx.NodeProto]
) -> ConstantChain | None:
    """Where a tensor comes from, if it is a constant seen through those nodes only."""
    nodes: list[onnx.NodeProto] = []
    targets: list[tuple[int, ...]] = []
    while name not in initializers:
        node = producers.get(name)
        # A chain this long is no weight, and a cycle would never end.
        if node is None or len(nodes) > 16:
            return None
        if node.op_type == "Constant":
            stored = next(
                (attribute.t for attribute in node.attribute if attribute.name == "value" and attribute.HasField("t")),
                None,
            )
            return _chain(stored, name, nodes, targets) if stored is not None else None
        if node.op_type not in _THROUGH or not node.input:
            return None
        target = _target(node, initializers, producers) if node.op_type == "Reshape" else ()
        if target is None:
            return None
        nodes.append(node)
        targets.append(target)
        name = node.input[0]
    return _chain(initializers[name], name, nodes, targets)


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
        is_fixed = node.op_type not in RANDOM and next(bodies(node), None) is None
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


def _chain(
    tensor: TensorProto, root: str, nodes: Sequence[onnx.NodeProto], targets: Sequence[tuple[int, ...]]
) -> ConstantChain | None:
    """The chain from its end to its start turned round; None if its Reshapes or Transposes do not fit."""
    chain = ConstantChain(tensor, root, tuple(reversed(nodes)), tuple(reversed(targets)))
    try:
        fits = math.prod(chain.shape) == math.prod(tensor.dims)
    except (IndexError, ValueError):
        return None
    casts = [_cast_type(node) for node in chain.nodes if node.op_type == "Cast"]
    is_numeric = all(to in TensorProto.DataType.values() and to not in _NO_NUMBERS for to in casts)
    return chain if fits and is_numeric else None


def _target(
    node: onnx.NodeProto, initializers: Mapping[str, TensorProto], producers: Mapping[str, onnx.NodeProto]
) -> tuple[int, ...] | None:
    """The shape that a Reshape asks for, from its attribute (before opset 5) or a constant; None if unknown."""
    if len(node.input) < 2:
        return next((tuple(attribute.ints) for attribute in node.attribute if attribute.name == "shape"), None)
    if any(attribute.name == "allowzero" and attribute.i for attribute in node.attribute):
        return None
    stored = initializers.get(node.input[1])
    producer = producers.get(node.input[1])
    if stored is None and producer is not None and producer.op_type == "Constant":
        stored = next(
            (attribute.t for attribute in producer.attribute if attribute.name == "value" and attribute.HasField("t")),
            None,
        )
    if stored is None or stored.data_location == TensorProto.EXTERNAL or math.prod(stored.dims) > _MOST_AXES:
        return None
    return tuple(int(size) for size in numpy_helper.to_array(stored).ravel())


def _reshaped(shape: tuple[int, ...], target: tuple[int, ...]) -> tuple[int, ...]:
    """The shape that Reshape gives: 0 keeps a size, −1 is what is left. Source: ONNX Reshape, opset 5."""
    sizes = [shape[index] if size == 0 else size for index, size in enumerate(target)]
    if -1 in sizes:
        rest = math.prod(size for size in sizes if size != -1)
        if rest == 0 or sizes.count(-1) > 1:
            raise ValueError("the size that is left is not known")
        sizes[sizes.index(-1)] = math.prod(shape) // rest
    if min(sizes, default=0) < 0 or math.prod(sizes) != math.prod(shape):
        raise ValueError("the number of elements differs")
    return tuple(sizes)


def _cast_type(node: onnx.NodeProto) -> int:
    """Element type that a Cast gives; UNDEFINED if it is written out as text, as before opset 6."""
    return next((int(attribute.i) for attribute in node.attribute if attribute.name == "to"), TensorProto.UNDEFINED)


def _permutation(node: onnx.NodeProto, ndim: int) -> tuple[int, ...]:
    given = next((tuple(attribute.ints) for attribute in node.attribute if attribute.name == "perm"), None)
    order = given if given is not None else tuple(reversed(range(ndim)))
    if sorted(order) != list(range(ndim)):
        raise ValueError("not a permutation")
    return order
