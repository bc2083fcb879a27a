"""A prepared model's graph, and what samples and rounding have taught of it so far."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

import numpy as np
import onnx

from workbench.engine.compress.activations.calibration import CalibrationSet, collect_statistics
from workbench.engine.compress.integers.integer_tensors import IntegerLayer, IntegerTensors, find_integer_tensors
from workbench.engine.compress.rounding.sequential_rounding import LearnedLayer
from workbench.engine.core.layer import Layer
from workbench.engine.core.plan import Plan
from workbench.engine.core.tensor_statistics import TensorStatistics
from workbench.engine.graph.links import Links
from workbench.engine.graph.model import Model
from workbench.engine.graph.shapes import Shapes, infer_shapes
from workbench.engine.graph.weight_place import RECURRENT, RECURRENT_PLACES, first_output
from workbench.engine.runtime.activation_taps import Tap
from workbench.jobs import JobContext

# Activations of these layers list their channels first, of all others last.
_CHANNELS_FIRST = ("Conv", "ConvTranspose")
# Samples, tensor, and whether only its limits are known.
_Known = tuple[tuple[str, int, int], str, bool]


def reads_own_output(layer: Layer) -> bool:
    """Whether the layer is the recurrent half of a recurrent node."""
    return layer.op_type in RECURRENT and layer.place == RECURRENT_PLACES[1]


@dataclass(eq=False)
class PreparedGraph:
    """A prepared model with its graph whole, and what was learned of its tensors so far.

    Args:
        model: batch normalization folded, layers equalized.
    """

    model: Model
    _statistics: dict[_Known, TensorStatistics] = field(default_factory=dict)
    _learned: dict[tuple[object, ...], LearnedLayer] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.proto: onnx.ModelProto = self.model.to_proto()
        self.links = Links(self.proto.graph)
        self.shapes: Shapes = infer_shapes(self.proto)
        self.nodes = {first_output(node): node for node in self.proto.graph.node}
        layers = [layer for layer in self.model.info.layers if layer.editable and layer.node_output in self.nodes]
        # The axis of each layer's tensors that lists their channels.
        self._channel_axes: dict[str, int] = {}
        # Where inference stops, a convolution's weight still tells the rank of what it reads.
        self._ranks: dict[str, tuple[int | None, ...]] = {}
        # A convolution finds its channels in one place only, so it comes before a product that gives or reads the same.
        for layer in sorted(layers, key=lambda layer: layer.op_type not in _CHANNELS_FIRST):
            axis = 1 if layer.op_type in _CHANNELS_FIRST else -1
            for name in self.tensors_of(layer):
                self._channel_axes.setdefault(name, axis)
            if layer.op_type in (*_CHANNELS_FIRST, "Gemm"):
                self._ranks[self.data_input(layer)] = (None,) * len(layer.weight_shape)

    def node(self, layer: Layer) -> onnx.NodeProto:
        """The layer's node."""
        return self.nodes[layer.node_output]

    def data_input(self, layer: Layer) -> str:
        """The tensor that the layer's node reads beside its weights."""
        node = self.node(layer)
        return str(node.input[1] if node.input[0] == layer.weight_name else node.input[0])

    def integer_layers(self, plan: Plan) -> dict[str, IntegerLayer]:
        """The layers whose activations are quantized by known ranges, by the first output of their nodes."""
        found = {}
        for entry in plan.layers:
            if entry.activations is None or entry.activations.is_dynamic:
                continue
            layer = self.model.info.layer(entry.layer)
            node = self.node(layer)
            output = self.links.bounded_output(node)
            found[layer.node_output] = IntegerLayer(layer.name, node, self.data_input(layer), output, entry.activations)
        return found

    def integer_tensors(self, plan: Plan) -> IntegerTensors:
        """The tensors that the plan quantizes."""
        return find_integer_tensors(self.proto.graph, self.integer_layers(plan), self.links)

    def tensors_of(self, layer: Layer) -> tuple[str, ...]:
        """What a layer reads beside its weights, and what it gives, after a Relu or Clip that alone reads it.

        What the recurrent weights of a node read is no tensor of the graph: it is what they gave at the step before.
        """
        output = self.links.bounded_output(self.node(layer))
        return (output,) if reads_own_output(layer) else (self.data_input(layer), output)

    def tensors_of_layers(self) -> tuple[str, ...]:
        """Those of all editable layers, each once."""
        return tuple(self._channel_axes)

    def statistics(
        self, names: Iterable[str], samples: CalibrationSet, ctx: JobContext, *, limits_alone: bool = False
    ) -> dict[str, TensorStatistics]:
        """Statistics of these tensors; those that are not known yet are collected in one pass.

        Args:
            names: of the tensors.
            samples: which samples.
            ctx: asked before each batch.
            limits_alone: whether minimum and maximum do, which takes less time than histograms and means.
        """
        wanted = tuple(dict.fromkeys(names))
        missing = [name for name in wanted if self._find(name, samples, limits_alone=limits_alone) is None]
        taps = {name: self._tap(name, with_mean=not limits_alone) for name in missing}
        fresh = collect_statistics(self.proto, taps, samples, ctx, histograms=not limits_alone)
        self._statistics |= {(samples.key, name, limits_alone): found for name, found in fresh.items()}
        known = {name: self._find(name, samples, limits_alone=limits_alone) for name in wanted}
        return {name: found for name, found in known.items() if found is not None}

    def known_statistics(self, name: str, samples: CalibrationSet) -> TensorStatistics | None:
        """What is known of a tensor already, with its histogram."""
        return self._find(name, samples, limits_alone=False)

    def _find(self, name: str, samples: CalibrationSet, *, limits_alone: bool) -> TensorStatistics | None:
        whole = self._statistics.get((samples.key, name, False))
        return whole if whole is not None or not limits_alone else self._statistics.get((samples.key, name, True))

    def remembered(self, key: tuple[object, ...], learn: Callable[[], LearnedLayer]) -> LearnedLayer:
        """What was learned under this key, or is now."""
        if key not in self._learned:
            self._learned[key] = learn()
        return self._learned[key]

    def _tap(self, name: str, *, with_mean: bool) -> Tap:
        shape = self.shapes.by_name.get(name, self._ranks.get(name))
        axis = self._channel_axes.get(name) if shape is not None else None
        return Tap(shape, axis, self._is_positive(name), with_mean)

    def _is_positive(self, name: str) -> bool:
        """Whether the tensor comes from a Relu, or a Clip at zero or more."""
        producer = self.links.producer(name)
        if producer is None or producer.op_type not in ("Relu", "Clip"):
            return False
        low = self.links.constant(producer.input[1]) if len(producer.input) > 1 and producer.input[1] else None
        return producer.op_type == "Relu" or (low is not None and bool(np.all(low >= np.zeros((), low.dtype))))
