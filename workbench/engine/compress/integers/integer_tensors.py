"""Which tensors of a graph are quantized so that its layers run on integer kernels, and which belong together."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

import onnx
from onnx import helper

from workbench.engine.core.layer import Layer
from workbench.engine.core.recipe import ActivationSettings
from workbench.engine.graph.links import Links

# Layers that onnxruntime runs on integers when what goes in is quantized; Conv needs that of its output too.
_INTEGER_LAYERS = ("Conv", "Gemm", "MatMul")
_NEEDS_QUANTIZED_OUTPUT = ("Conv",)
# Computed on integers by onnxruntime's CPU kernels if all that goes in is quantized.
_COMPUTED = ("Add", "Mul", "Concat", "AveragePool", "GlobalAveragePool", "LeakyRelu", "Sigmoid")
# These move numbers without changing them: what comes out has the codes of what goes in.
_MOVED = (
    "MaxPool", "Reshape", "Flatten", "Transpose", "Squeeze", "Unsqueeze", "Slice", "Split", "Gather", "Identity",
    "DepthToSpace", "SpaceToDepth", "Expand", "Pad", "Resize",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class IntegerLayer:
    """A layer that is to run on integers.

    Args:
        node: its node in the graph.
        data_input: the tensor that it reads beside its weights.
        output: what it gives, after a Relu or Clip that alone reads it.
        settings: of its activations.
    """

    name: str
    node: onnx.NodeProto
    data_input: str
    output: str
    settings: ActivationSettings


@dataclass(slots=True)
class IntegerTensors:
    """The tensors that get a scale, by name.

    Args:
        settings: how each is quantized.
        same_as: a tensor whose scale this one shares, for those that are only moved.
        all_read_codes: tensors that every reader sees quantized; of the others only integer layers do.
        readers: first outputs of the nodes that read quantized tensors.
    """

    settings: dict[str, ActivationSettings] = field(default_factory=dict)
    same_as: dict[str, str] = field(default_factory=dict)
    all_read_codes: set[str] = field(default_factory=set)
    readers: set[str] = field(default_factory=set)

    def root(self, name: str) -> str:
        """The tensor whose scale this one has."""
        while name in self.same_as:
            name = self.same_as[name]
        return name

    @property
    def roots(self) -> tuple[str, ...]:
        """The tensors whose values decide a scale."""
        return tuple(name for name in self.settings if name not in self.same_as)


def integer_obstacle(node: onnx.NodeProto | None, layer: Layer) -> str:
    """Why a layer's activations cannot be quantized; empty if they can."""
    if node is None:
        return "the layer is in a body"
    if node.op_type not in _INTEGER_LAYERS:
        return f"ONNX Runtime has no integer kernel for {node.op_type}"
    if list(node.input)[:2].count(layer.weight_name) != 1:
        return "it has no input beside its weights"
    if node.input[1] != layer.weight_name:
        return "its weights stand on the left"
    values = {attribute.name: helper.get_attribute_value(attribute) for attribute in node.attribute}
    if node.op_type == "Gemm" and (values.get("alpha", 1.0) != 1.0 or values.get("beta", 1.0) != 1.0):
        return "a Gemm with alpha or beta other than 1 has no integer kernel"
    return ""


def find_integer_tensors(graph: onnx.GraphProto, layers: Mapping[str, IntegerLayer], links: Links) -> IntegerTensors:
    """Where quantization goes around the layers, and through what lies between them.

    A layer's input is quantized, and a convolution's output, since onnxruntime runs it on integers only then.
    From there on every operator that has integer kernels follows, in the order of the graph.

    Args:
        graph: its nodes in the order of running.
        layers: by the first output of their nodes.
        links: of this graph.
    """
    found = IntegerTensors()
    for layer in layers.values():
        _ask(found, layer.data_input, layer.settings)
        found.readers.add(layer.node.output[0])
        if layer.node.op_type in _NEEDS_QUANTIZED_OUTPUT:
            _ask(found, layer.output, layer.settings)
            found.all_read_codes.add(layer.output)
    _follow_back(graph, found, links)
    for node in graph.node:
        _follow(node, found, links)
    for node in graph.node:
        _share_scale(node, found)
    return found


def _ask(found: IntegerTensors, name: str, settings: ActivationSettings) -> None:
    """A tensor that several layers ask for gets the most bits, and the symmetry of the first."""
    known = found.settings.get(name)
    found.settings[name] = settings if known is None else replace(known, bits=max(known.bits, settings.bits))


def _follow_back(graph: onnx.GraphProto, found: IntegerTensors, links: Links) -> None:
    """What only moves numbers is fed with codes where codes are wanted of it."""
    for node in reversed(graph.node):
        wanted = [name for name in _moved_outputs(node) if name in found.settings]
        if wanted and _only_moves(node, links) and not links.is_constant(node.input[0]):
            _ask(found, node.input[0], found.settings[wanted[0]])


def _follow(node: onnx.NodeProto, found: IntegerTensors, links: Links) -> None:
    moved, computed = _only_moves(node, links), node.op_type in _COMPUTED
    if not (moved or computed):
        return
    sources = [node.input[0]] if moved else list(_computed_inputs(node))
    if any(name not in found.settings for name in sources) or any(links.is_constant(name) for name in sources):
        return
    settings = found.settings[sources[0]]
    if any(found.settings[name].bits != settings.bits for name in sources):
        return
    outputs = _moved_outputs(node) if moved else [links.bounded_output(node)]
    found.readers.add(node.output[0])
    for name in outputs:
        _ask(found, name, settings)
        found.all_read_codes.add(name)


def _only_moves(node: onnx.NodeProto, links: Links) -> bool:
    """Whether codes can go through the operator as they are. What a Pad puts around is zero, which has a code."""
    if node.op_type == "Pad":
        value = links.constant(node.input[2]) if len(node.input) > 2 and node.input[2] else None
        has_unknown_value = len(node.input) > 2 and bool(node.input[2]) and value is None
        return not has_unknown_value and (value is None or not value.any())
    if node.op_type == "Resize":
        mode = next((attribute.s for attribute in node.attribute if attribute.name == "mode"), b"nearest")
        return bool(mode == b"nearest")
    return node.op_type in _MOVED


def _moved_outputs(node: onnx.NodeProto) -> list[str]:
    """The outputs that hold numbers of the input; a MaxPool's second one holds places."""
    count = len(node.output) if node.op_type == "Split" else 1
    return [name for name in node.output[:count] if name]


def _computed_inputs(node: onnx.NodeProto) -> Iterator[str]:
    count = 1 if node.op_type.endswith("Pool") or node.op_type in ("LeakyRelu", "Sigmoid") else len(node.input)
    yield from (name for name in node.input[:count] if name)


def _share_scale(node: onnx.NodeProto, found: IntegerTensors) -> None:
    if node.op_type in _MOVED and node.output[0] in found.readers and node.input[0] in found.settings:
        for name in _moved_outputs(node):
            if name in found.settings and found.root(name) != found.root(node.input[0]):
                found.same_as[name] = node.input[0]
