"""The layers of a graph: nodes that have weights, what a recipe may do to them, and why not."""

import math
from collections import ChainMap, Counter, defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt
import onnx
from onnx import TensorProto

from workbench.engine.core.layer import Layer, WeightStatistics
from workbench.engine.graph.constants import ConstantChain, constant_chain, constant_outputs, made_from
from workbench.engine.graph.layer_names import layer_name, unique_names
from workbench.engine.graph.macs import node_macs
from workbench.engine.graph.order import bodies
from workbench.engine.graph.shapes import Shapes
from workbench.engine.graph.statistics import weight_statistics
from workbench.engine.graph.tensor_data import TensorData, is_float
from workbench.engine.graph.weight_place import EDITABLE, RECURRENT, first_output, is_standard, weight_places

# Of the two layers of a recurrent node, by the input that their weights are; the names that ONNX gives those.
_RECURRENT_SUFFIXES = {1: ".W", 2: ".R"}
# Directions, gates times hidden size, inputs.
_RECURRENT_AXES = 3


@dataclass(frozen=True, slots=True, eq=False)
class FoundLayer:
    """A layer, its node, and where its weights come from.

    Args:
        layer: as seen from outside.
        chain: None where the weights are not plain constants.
        sources: the stored tensors that they are computed from, if so.
        other_name: what tells it apart from layers that want the same name: of its node, or of the node's output.
    """

    layer: Layer
    chain: ConstantChain | None
    sources: frozenset[str] = frozenset()
    other_name: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class _Scope:
    """A graph with what it sees of the graphs around it.

    Args:
        inside: operator whose body this is; empty for the model's own graph.
        constant: tensors that depend on constants alone.
        statistics: those made so far, by weight and its element type; tensors may be shared.
    """

    inside: str
    initializers: Mapping[str, TensorProto]
    producers: Mapping[str, onnx.NodeProto]
    sparse: frozenset[str]
    constant: frozenset[str]
    data: TensorData
    shapes: Shapes
    statistics: dict[tuple[str, tuple[int, ...], int], WeightStatistics] = field(default_factory=dict)


def find_layers(graph: onnx.GraphProto, data: TensorData, shapes: Shapes) -> list[FoundLayer]:
    """All layers of the graph in order, each followed by those inside its node's control flow."""
    sparse = frozenset(tensor.values.name for tensor in graph.sparse_initializer)
    initializers = {tensor.name: tensor for tensor in graph.initializer}
    scope = _Scope(
        "", initializers, _producers(graph), sparse,
        frozenset(constant_outputs(graph, {*initializers, *sparse})), data, shapes,
    )  # fmt: skip
    found = list(_layers_of(graph, scope))
    names = unique_names([item.layer.name for item in found], [item.other_name for item in found])
    by_weight: dict[str, list[str]] = defaultdict(list)
    for item, name in zip(found, names, strict=True):
        by_weight[_root(item)].append(name)
    return [
        replace(item, layer=_named(item.layer, name, by_weight[_root(item)]))
        for item, name in zip(found, names, strict=True)
    ]


def as_float(array: npt.NDArray[np.generic]) -> npt.NDArray[np.float32]:
    """The values as float32; a view if they are already. Values that float32 cannot hold become infinite."""
    with np.errstate(over="ignore"):
        return np.asarray(array, dtype=np.float32)


def _root(item: FoundLayer) -> str:
    return item.chain.root if item.chain is not None else item.layer.weight_name


def _named(layer: Layer, name: str, sharing: list[str]) -> Layer:
    return replace(layer, name=name, shares_weights_with=tuple(other for other in sharing if other != name))


def _producers(graph: onnx.GraphProto) -> dict[str, onnx.NodeProto]:
    return {name: node for node in graph.node for name in node.output if name}


def _layers_of(graph: onnx.GraphProto, scope: _Scope) -> Iterator[FoundLayer]:
    num_before: Counter[str] = Counter()
    for node in graph.node:
        index = num_before[node.op_type]
        # What makes weights from constants does not count: compressing adds such nodes, and names must stay.
        num_before[node.op_type] += any(name not in scope.constant for name in node.output)
        places = weight_places(node, scope.constant, lambda name: len(_shape_of(name, scope)))
        for place in places if first_output(node) else ():
            yield _found_layer(node, index, place, places[0], scope)
        for body in bodies(node):
            yield from _layers_of(body, _inner_scope(body, node.op_type, scope))


def _inner_scope(body: onnx.GraphProto, op_type: str, outer: _Scope) -> _Scope:
    own = {tensor.name: tensor for tensor in body.initializer}
    sparse = frozenset(tensor.values.name for tensor in body.sparse_initializer)
    hidden = {info.name for info in body.input} - set(own)
    return replace(
        outer,
        inside=op_type,
        initializers=ChainMap(own, outer.initializers),  # type: ignore[arg-type]  # only read
        producers=ChainMap(_producers(body), outer.producers),  # type: ignore[arg-type]  # only read
        sparse=outer.sparse | sparse,
        constant=frozenset(constant_outputs(body, (outer.constant - hidden) | set(own) | sparse)),
    )


def _found_layer(node: onnx.NodeProto, index: int, place: int, first_place: int, scope: _Scope) -> FoundLayer:
    """One weight of a node: its own parameters, and those that belong to no weight if it is the node's first."""
    name = node.input[place]
    chain = constant_chain(name, scope.initializers, scope.producers)
    shape = _weight_shape(node, name, scope)
    is_main = is_standard(node) and node.op_type in EDITABLE
    sources, op_types = (set[str](), set[str]()) if chain else made_from(name, scope.initializers, scope.producers)
    if node.op_type == "MatMulNBits":
        # Scales and zero points belong to the weights' packed form.
        sources |= {other for other in node.input[2:4] if other}
    reason = _reason(node, chain, shape, op_types, scope)
    statistics = _statistics(chain, shape, scope)
    if statistics is not None and statistics.num_not_finite and not reason:
        reason = f"{statistics.num_not_finite:,} of its weights are NaN or infinite"
    # Both layers of a recurrent node are called by its first weight, and then by their own.
    first = node.input[first_place]
    first_chain = constant_chain(first, scope.initializers, scope.producers)
    suffix = _RECURRENT_SUFFIXES[place] if is_main and node.op_type in RECURRENT else ""
    layer = Layer(
        name=layer_name(node.name, node.op_type, (first, first_chain.root if first_chain else first), index) + suffix,
        op_type=node.op_type,
        weight_name=name,
        node_output=first_output(node),
        weight_shape=shape,
        num_params=math.prod(shape) * bool(shape) + (_other_params(node, scope) if place == first_place else 0),
        macs=None if scope.inside else node_macs(node, place, shape, scope.shapes),
        axis=_output_axis(node, place, len(shape)) if is_main else None,
        prunable=not reason,
        quantizable=not reason,
        reason=reason,
        place=place,
        is_stacked=bool(suffix),
        statistics=statistics,
    )
    return FoundLayer(layer, chain, frozenset(sources), (node.name or first_output(node)) + suffix)


def _shape_of(name: str, scope: _Scope) -> tuple[int, ...]:
    chain = constant_chain(name, scope.initializers, scope.producers)
    known = chain.shape if chain is not None else scope.shapes.by_name.get(name, ())
    return () if any(size is None for size in known) else tuple(size for size in known if size is not None)


def _weight_shape(node: onnx.NodeProto, name: str, scope: _Scope) -> tuple[int, ...]:
    if node.op_type == "MatMulNBits":
        sizes = {attribute.name: attribute.i for attribute in node.attribute}
        return (sizes.get("K", 0), sizes.get("N", 0))
    return _shape_of(name, scope)


def _statistics(chain: ConstantChain | None, shape: tuple[int, ...], scope: _Scope) -> WeightStatistics | None:
    if chain is None or not shape or not is_float(chain.data_type) or not is_float(chain.tensor.data_type):
        return None
    key = (chain.root, shape, chain.data_type)
    # Another graph's body may have a tensor of the same name.
    if scope.inside or key not in scope.statistics:
        statistics = weight_statistics(as_float(chain.value(scope.data)))
        if scope.inside:
            return statistics
        scope.statistics[key] = statistics
    return scope.statistics[key]


def _other_params(node: onnx.NodeProto, scope: _Scope) -> int:
    """Bias, and the peephole weights of an LSTM."""
    if node.op_type in ("Conv", "ConvTranspose", "Gemm", "FusedConv", "FusedGemm"):
        others = node.input[2:3]
    elif node.op_type in RECURRENT:
        others = [*node.input[3:4], *node.input[7:8]]
    else:
        return 0
    return sum(math.prod(_shape_of(name, scope)) for name in others if name in scope.constant and name)


def _reason(
    node: onnx.NodeProto, chain: ConstantChain | None, shape: tuple[int, ...], op_types: set[str], scope: _Scope
) -> str:
    """Why a recipe cannot change the layer; empty if it can."""
    if not is_standard(node):
        return f"{node.op_type} of {node.domain} is listed only: its weights are not compressed"
    if node.op_type not in EDITABLE:
        return f"{node.op_type} is listed only: its weights are not compressed"
    if scope.inside:
        return f"inside the body of a {scope.inside} node, which is not edited"
    if chain is None:
        return _reason_of_computed(node, op_types, scope)
    if not is_float(chain.data_type) or not is_float(chain.tensor.data_type):
        return "its weights are not floating point"
    if not shape or 0 in shape:
        return "it has no weights"
    if node.op_type in RECURRENT and len(shape) != _RECURRENT_AXES:
        return f"its weights have {len(shape)} axes, not directions, gates and inputs"
    return ""


def _reason_of_computed(node: onnx.NodeProto, op_types: set[str], scope: _Scope) -> str:
    if any(name in scope.sparse for name in node.input):
        return "its weights are stored as a sparse initializer, which is not edited"
    if "DequantizeLinear" in op_types:
        return "its weights are quantized already; compress the original instead"
    if "Gather" in op_types:
        return "its weights are packed already; compress the original instead"
    return f"its weights are not stored but computed by {', '.join(sorted(op_types - {'Constant'})) or 'a Constant'}"


def _output_axis(node: onnx.NodeProto, place: int, ndim: int) -> int | None:
    if ndim == 0:
        return None
    if node.op_type == "Conv":
        return 0
    if node.op_type == "ConvTranspose" or node.op_type in RECURRENT:
        return min(1, ndim - 1)
    if node.op_type == "Gemm":
        return 0 if any(attribute.name == "transB" and attribute.i for attribute in node.attribute) else ndim - 1
    return ndim - 1 if place == 1 else max(0, ndim - 2)
