"""The operators of an ONNX model as a runtime runs them: constants seen through, activations and norms fused."""

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

import onnx

from workbench.engine.core.layer import Layer
from workbench.engine.graph.constants import constant_outputs
from workbench.engine.graph.links import Links
from workbench.engine.graph.model import Model
from workbench.engine.graph.shapes import Shapes, infer_shapes
from workbench.engine.graph.weight_place import first_output, is_standard
from workbench.engine.latency.fused_nodes import fused_into, merged_activations
from workbench.engine.latency.int8_nodes import (
    activation_bits,
    dequantized,
    has_ranges_at_run_time,
    runs_on_int8,
    seen_through,
)
from workbench.engine.latency.node_kinds import FREE, WEIGHTED_TYPES, kind_of
from workbench.engine.latency.operator import Kind, Operator, Shape


@dataclass(frozen=True, slots=True)
class ModelOperators:
    """What a runtime runs of a model.

    Args:
        operators: in the order of the graph.
        unknown: op types whose cost nobody measured; counted as element-wise.
        unsized: outputs whose shape is not known, which are left out.
        foreign: operators of no standard that the unknown shapes begin at, such as "Mine of my.domain".
        misfits: convolutions that are given another number of channels than they take, which no runtime runs.
        outputs: first output of each operator's node; empty where they were not read from a graph.
        activation_bits: of the widest integers that activations are quantized to; 0 where none are.
        has_ranges_at_run_time: whether activations are quantized with ranges that each run finds anew.
    """

    operators: tuple[Operator, ...]
    unknown: tuple[str, ...] = ()
    unsized: tuple[str, ...] = ()
    outputs: tuple[str, ...] = ()
    activation_bits: int = 0
    has_ranges_at_run_time: bool = False
    foreign: tuple[str, ...] = ()
    misfits: tuple[str, ...] = ()

    @property
    def macs(self) -> int:
        """Multiply-adds of all operators."""
        return sum(operator.macs for operator in self.operators)

    def with_int8(self, layers: Mapping[str, bool]) -> "ModelOperators":
        """The same with layers computed on integers or not, by name; others as they are."""
        changed = (replace(one, is_int8=layers.get(one.name, one.is_int8)) for one in self.operators)
        return replace(self, operators=tuple(changed))

    def with_activations(self, bits: int, *, at_run_time: bool) -> "ModelOperators":
        """The same with activations quantized to so many bits, with ranges that are found at run time or known."""
        return replace(
            self,
            activation_bits=max(self.activation_bits, bits),
            has_ranges_at_run_time=self.has_ranges_at_run_time or at_run_time,
        )


@dataclass(frozen=True, slots=True, eq=False)
class _Graph:
    links: Links
    shapes: Shapes
    layers: Mapping[str, Layer]
    constant: frozenset[str]
    dequantized: frozenset[str]


@dataclass(frozen=True, slots=True, eq=False)
class _Step:
    """A node that a runtime runs, what it reads and gives, and what that costs in the model as it is."""

    node: onnx.NodeProto
    kind: Kind
    names: tuple[str, ...]
    operator: Operator


class GraphOperators:
    """The operators of one graph, read once, also with fewer channels.

    Args:
        model: as it was opened.
    """

    def __init__(self, model: Model) -> None:
        graph = model.proto.graph
        stored = {tensor.name for tensor in graph.initializer}
        stored |= {tensor.values.name for tensor in graph.sparse_initializer}
        constant = frozenset(constant_outputs(graph, stored))
        links = Links(graph)
        layers = {layer.node_output: layer for layer in model.info.layers}
        found = _Graph(links, infer_shapes(model.proto), layers, constant, dequantized(graph, links, constant))
        self._found = found
        merged = merged_activations(graph, links)
        gone = merged.gone | fused_into(graph, links, merged.gone)
        steps, unknown, unsized, foreign, misfits = [], [], [], [], []
        for node in graph.node:
            name = first_output(node)
            if not name or name in gone or name in constant or node.op_type in FREE:
                continue
            outputs = tuple(_shapes_of(node.output, found))
            if not outputs or any(shape is None for shape in outputs):
                unsized.append(name)
                if not is_standard(node) and None not in _shapes_of(node.input, found):
                    foreign.append(f"{node.op_type} of {node.domain}")
                continue
            kind = merged.kinds.get(name) or kind_of(node, links, found.shapes)
            if kind is None:
                unknown.append(node.op_type)
            kind = kind or Kind.ELEMENTWISE
            read = (seen_through(other, links) for other in node.input if other and other not in constant)
            operator = _operator(node, kind, found)
            steps.append(_Step(node, kind, (*read, *node.output), operator))
            if misfit := _misfit(node, operator, found):
                misfits.append(misfit)
        self._steps = tuple(steps)
        operators = tuple(step.operator for step in steps)
        names = tuple(first_output(step.node) for step in steps)
        self.whole = ModelOperators(
            operators,
            tuple(dict.fromkeys(unknown)),
            tuple(unsized),
            names,
            activation_bits(graph, links, constant),
            has_ranges_at_run_time(graph),
            tuple(dict.fromkeys(foreign)),
            tuple(misfits),
        )

    def left(self, shapes: Mapping[str, Shape], shares: Mapping[str, float]) -> ModelOperators:
        """The operators once channels went.

        Args:
            shapes: at batch 1, of the tensors that lost some.
            shares: of its weights that each layer keeps, by name, which is that of its multiply-adds as well.
        """
        sizes = replace(self._found.shapes, by_name={**self._found.shapes.by_name, **shapes})
        layers = {name: self._left_layer(layer, shapes, shares) for name, layer in self._found.layers.items()}
        graph = replace(self._found, shapes=sizes, layers=layers)
        operators = []
        for step in self._steps:
            name = first_output(step.node)
            if (name in layers and layers[name] is not self._found.layers[name]) or shapes.keys() & step.names:
                operators.append(_left_operator(step, graph))
            else:
                operators.append(step.operator)
        return replace(self.whole, operators=tuple(operators))

    def _left_layer(self, layer: Layer, shapes: Mapping[str, Shape], shares: Mapping[str, float]) -> Layer:
        """With the multiply-adds and parameters that are left of it: biases go with the channels that it gives."""
        share, given = shares.get(layer.name, 1.0), 1.0
        whole, left = self._found.shapes.by_name.get(layer.node_output), shapes.get(layer.node_output)
        if left is not None and whole is not None and None not in whole:
            given = math.prod(left) / math.prod(size for size in whole if size is not None)
        if share == 1 and given == 1:
            return layer
        biases = layer.num_params - layer.num_weights
        num_params = round(layer.num_weights * share) + round(biases * given)
        return replace(layer, macs=None if layer.macs is None else round(layer.macs * share), num_params=num_params)


def _left_operator(step: _Step, graph: _Graph) -> Operator:
    left = _operator(step.node, step.kind, graph)
    if step.operator.kind is not Kind.DEPTHWISE:
        return left
    # The node still says how many groups it had.
    return replace(left, kind=Kind.DEPTHWISE, groups=left.in_channels)


def model_operators(model: Model) -> ModelOperators:
    """The operators of a model at batch 1. What depends on constants alone costs nothing."""
    return GraphOperators(model).whole


def _operator(node: onnx.NodeProto, kind: Kind, graph: _Graph) -> Operator:
    name = first_output(node)
    outputs = tuple(shape for shape in _shapes_of(node.output, graph) if shape is not None)
    is_int8 = runs_on_int8(node, graph.links, graph.dequantized, graph.constant)
    read = [seen_through(other, graph.links) for other in node.input if other and other not in graph.constant]
    inputs = tuple(shape for shape in _shapes_of(read, graph) if shape is not None)
    plain = Operator(name, node.op_type, kind, inputs, outputs, is_int8=is_int8)
    layer = graph.layers.get(name)
    if layer is not None:
        plain = replace(plain, name=layer.name)
    if node.op_type in WEIGHTED_TYPES and layer is not None and layer.weight_shape:
        return _weighted(node, plain, layer)
    if kind is Kind.ATTENTION and inputs:
        return replace(plain, macs=math.prod(outputs[0]) * inputs[0][-1])
    if kind in (Kind.POOL, Kind.GLOBAL_POOL):
        return replace(plain, kernel=_pair(node, "kernel_shape"), stride=_pair(node, "strides"))
    return plain


def _weighted(node: onnx.NodeProto, plain: Operator, layer: Layer) -> Operator:
    """With its kernel, groups and multiply-adds; a matrix product becomes a 1×1 convolution over its rows."""
    macs = layer.macs or 0
    if "Conv" not in node.op_type:
        made = plain.outputs[0][-1] if plain.outputs[0] else 1
        rows = max(1, math.prod(plain.outputs[0]) // max(1, made))
        given = max(1, macs // max(1, made * rows))
        kind = Kind.FULLY_CONNECTED if rows == 1 else Kind.CONV
        return replace(
            plain, kind=kind, inputs=((given, rows),), outputs=((made, rows),), macs=macs, num_params=layer.num_params
        )
    groups = _number(node, "group", 1)
    kernel = (1, 1, *layer.weight_shape[2:])[-2:]
    plain = replace(
        plain,
        kernel=(kernel[0], kernel[1]),
        stride=_pair(node, "strides"),
        groups=groups,
        macs=macs,
        num_params=layer.num_params,
    )
    return replace(plain, kind=_conv_kind(node, plain, groups))


def _misfit(node: onnx.NodeProto, operator: Operator, graph: _Graph) -> str:
    """How a convolution's input (N, C, …) does not fit its weights (O, C / groups, …); empty where it does."""
    layer = graph.layers.get(first_output(node))
    if node.op_type != "Conv" or layer is None or len(layer.weight_shape) < 3:
        return ""
    shape = graph.shapes.by_name.get(seen_through(node.input[0], graph.links)) or ()
    taken, given = layer.weight_shape[1] * operator.groups, shape[1] if len(shape) > 2 else None
    return f"{operator.name} takes {taken} channels and is given {given}" if given not in (None, taken) else ""


def _conv_kind(node: onnx.NodeProto, plain: Operator, groups: int) -> Kind:
    if node.op_type == "ConvTranspose":
        return Kind.TRANSPOSED
    if groups > 1:
        return Kind.DEPTHWISE if groups == plain.in_channels else Kind.GROUPED
    # On a map of one place a convolution is a matrix times a vector.
    is_vector = plain.out_positions == 1 and plain.in_positions == 1
    return Kind.FULLY_CONNECTED if is_vector and plain.kernel == (1, 1) else Kind.CONV


def _shapes_of(names: Iterable[str], graph: _Graph) -> Iterator[Shape | None]:
    """Shapes without the batch; None where a size is not known."""
    for name in names:
        if not name:
            continue
        shape = graph.shapes.by_name.get(name)
        if shape is None or any(size is None for size in shape):
            yield None
        else:
            sizes = tuple(size for size in shape if size is not None)
            yield sizes[1:] if len(sizes) > 1 and sizes[0] == 1 else sizes


def _pair(node: onnx.NodeProto, name: str) -> tuple[int, int]:
    values = next((list(one.ints) for one in node.attribute if one.name == name), [])
    return (int(values[0]), int(values[1])) if len(values) > 1 else (int(values[0]) if values else 1, 1)


def _number(node: onnx.NodeProto, name: str, default: int) -> int:
    return next((int(one.i) for one in node.attribute if one.name == name), default)
