"""From a plan and samples to numbers: ranges of activations, codes of weights, biases that go with them."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from workbench.engine.compress.activations.activation_ranges import activation_range, params_of_range
from workbench.engine.compress.activations.calibration import CalibrationSet
from workbench.engine.compress.integers.integer_graph import least_weight_scale, quantize_tensors
from workbench.engine.compress.integers.integer_tensors import IntegerTensors
from workbench.engine.compress.prepare.prepared_graph import PreparedGraph
from workbench.engine.compress.rounding.bias_correction import corrected_bias
from workbench.engine.compress.rounding.sequential_rounding import LearnedLayer, SequentialRounding, rounding_obstacle
from workbench.engine.compress.weights.affine import QuantParams
from workbench.engine.compress.weights.compressed_layer import compress_weight, weight_params
from workbench.engine.compress.weights.compressed_weight import CompressedWeight
from workbench.engine.compress.weights.weight_rows import layer_rows
from workbench.engine.core.errors import ModelError
from workbench.engine.core.granularity import parse_granularity
from workbench.engine.core.layer import Layer
from workbench.engine.core.plan import LayerPlan, Plan
from workbench.engine.core.tensor_statistics import TensorStatistics
from workbench.jobs import JobContext

Array = npt.NDArray[np.float32]
# Of the progress, what calibration takes where rounding is learned too.
_CALIBRATION_SHARE = 0.1


@dataclass(frozen=True, slots=True, eq=False)
class QuantizedLayers:
    """Everything that is written into the quantized graph.

    Args:
        weights: by layer name.
        biases: those that changed, by layer name.
        tensors: which activations are quantized.
        params: their scales and zero points, by tensor.
        statistics: what they were chosen by, by tensor.
    """

    weights: Mapping[str, CompressedWeight]
    biases: Mapping[str, Array]
    tensors: IntegerTensors
    params: Mapping[str, QuantParams]
    statistics: Mapping[str, TensorStatistics]


def quantize_layers(
    graph: PreparedGraph,
    plan: Plan,
    kept: Mapping[str, npt.NDArray[np.bool_]],
    samples: CalibrationSet | None,
    ctx: JobContext,
) -> QuantizedLayers:
    """Calibrate, round and correct everything that the plan asks of a prepared model.

    Args:
        graph: the prepared model.
        plan: resolved on it.
        kept: which weights pruning leaves, by layer name.
        samples: the calibration samples; None for a plan that needs none.
        ctx: asked before each batch; told the progress.

    Raises:
        Cancelled: somebody asked to stop.
        ModelError: there are no samples, and the plan needs some.
        DataError: a sample cannot be read.
        RunError: the model does not run on the samples.
    """
    learns = any(entry.weights is not None and entry.weights.rounding == "learned" for entry in plan.layers)
    tensors = graph.integer_tensors(plan)
    means = _means_wanted(graph, plan)
    limits_alone = not means and all(settings.range == "minmax" for settings in tensors.settings.values())
    calibrating = ctx.part(0, _CALIBRATION_SHARE) if learns else ctx
    statistics: dict[str, TensorStatistics] = {}
    if samples is not None:
        statistics = graph.statistics((*tensors.roots, *means), samples, calibrating, limits_alone=limits_alone)
    elif learns or means or tensors.roots:
        raise ModelError("a plan that quantizes activations needs samples", "open data first")
    params = {
        name: params_of_range(activation_range(statistics[tensors.root(name)], settings), settings)
        for name, settings in ((name, tensors.settings[tensors.root(name)]) for name in tensors.settings)
    }
    rounding = _Rounding(graph, plan, kept, samples, statistics, params)
    weights, biases = rounding.run(tensors, ctx.part(_CALIBRATION_SHARE, 1) if learns else ctx)
    return QuantizedLayers(weights, biases, tensors, params, statistics)


def _means_wanted(graph: PreparedGraph, plan: Plan) -> tuple[str, ...]:
    """The inputs of layers whose bias is corrected, which needs the mean of each channel."""
    return tuple(
        graph.data_input(graph.model.info.layer(entry.layer))
        for entry in plan.layers
        if entry.weights is not None and entry.weights.bias_correction
    )


@dataclass(eq=False)
class _Rounding:
    """The codes of all layers: nearest ones first, then the learned, in the order of the graph."""

    graph: PreparedGraph
    plan: Plan
    kept: Mapping[str, npt.NDArray[np.bool_]]
    samples: CalibrationSet | None
    statistics: Mapping[str, TensorStatistics]
    params: Mapping[str, QuantParams]

    def run(self, tensors: IntegerTensors, ctx: JobContext) -> tuple[dict[str, CompressedWeight], dict[str, Array]]:
        weights: dict[str, CompressedWeight] = {}
        biases: dict[str, Array] = {}
        learned: list[LayerPlan] = []
        for entry in self.plan.layers:
            layer = self.graph.model.info.layer(entry.layer)
            if entry.weights is None and entry.layer not in self.kept:
                continue
            if self._is_learned(entry, layer):
                learned.append(entry)
                continue
            ctx.checkpoint()
            weights[layer.name] = self._nearest(layer, entry)
            bias = self._corrected(layer, entry, weights[layer.name])
            if bias is not None:
                biases[layer.name] = bias
        if learned:
            for entry, found in self._learn(learned, weights, biases, tensors, ctx):
                weights[entry.layer] = found.weight
                if found.bias is not None:
                    biases[entry.layer] = found.bias
        return weights, biases

    def _is_learned(self, entry: LayerPlan, layer: Layer) -> bool:
        if entry.weights is None or entry.weights.rounding != "learned":
            return False
        return not rounding_obstacle(self.graph.node(layer), layer, self.graph.links)

    def _nearest(self, layer: Layer, entry: LayerPlan) -> CompressedWeight:
        assert layer.axis is not None
        weight = self.graph.model.weight(layer.name)
        least = self._least_scale(layer, entry)
        kept = self.kept.get(layer.name)
        return compress_weight(weight, layer.axis, kept, entry.weights, is_stacked=layer.is_stacked, least_scale=least)

    def _least_scale(self, layer: Layer, entry: LayerPlan) -> Array | None:
        bias = self._bias(layer)
        if bias is None or not entry.has_known_ranges or bias.shape != (layer.weight_shape[layer.axis or 0],):
            return None
        return least_weight_scale(bias, self.params[self.graph.data_input(layer)].scale)

    def _bias(self, layer: Layer) -> Array | None:
        node = self.graph.node(layer)
        if node.op_type not in ("Conv", "ConvTranspose", "Gemm") or len(node.input) < 3 or not node.input[2]:
            return None
        values = self.graph.links.constant(self.graph.links.bias_name(node))
        return None if values is None else np.asarray(values, np.float32)

    def _corrected(self, layer: Layer, entry: LayerPlan, weight: CompressedWeight) -> Array | None:
        if entry.weights is None or not entry.weights.bias_correction or layer.op_type == "MatMul":
            return None
        mean = self.statistics[self.graph.data_input(layer)].channel_mean
        error = weight.dense() - self.graph.model.weight(layer.name)
        return corrected_bias(self._bias(layer), error, mean, layer.axis or 0)

    def _learn(
        self,
        entries: list[LayerPlan],
        weights: Mapping[str, CompressedWeight],
        biases: Mapping[str, Array],
        tensors: IntegerTensors,
        ctx: JobContext,
    ) -> "list[tuple[LayerPlan, LearnedLayer]]":
        info, samples = self.graph.model.info, self.samples
        assert samples is not None
        rounding = SequentialRounding(self.graph.proto, self.graph.shapes, samples)
        for name, weight in weights.items():
            rounding.put(info.layer(name), weight.dense(), biases.get(name))
        inner = {name: params for name, params in self.params.items() if name not in self.graph.links.outputs}
        quantize_tensors(rounding.current.graph, tensors, inner)
        found: list[tuple[LayerPlan, LearnedLayer]] = []
        # What a layer learns depends on everything that was quantized before it.
        history: tuple[object, ...] = (samples.key, *self._fixed(weights))
        for number, entry in enumerate(entries):
            ctx.checkpoint()
            ctx.progress(number, len(entries), f"rounding of {entry.layer}")
            layer = info.layer(entry.layer)
            history = (*history, entry.layer, entry.threshold, entry.pattern, entry.weights)
            part = ctx.part(number / len(entries), (number + 1) / len(entries))
            learned = self.graph.remembered(
                history,
                lambda layer=layer, entry=entry, number=number, part=part: self._learned(  # type: ignore[misc]
                    rounding, layer, entry, number, part
                ),
            )
            rounding.put(layer, learned.weight.dense(), learned.bias)
            found.append((entry, learned))
        return found

    def _fixed(self, weights: Mapping[str, CompressedWeight]) -> tuple[object, ...]:
        """What is quantized otherwise: the settings of all activations, and of the weights that are not learned."""
        return tuple(
            (
                entry.layer,
                entry.activations,
                (entry.threshold, entry.pattern, entry.weights) if entry.layer in weights else None,
            )
            for entry in self.plan.layers
        )

    def _learned(
        self, rounding: SequentialRounding, layer: Layer, entry: LayerPlan, seed: int, ctx: JobContext
    ) -> LearnedLayer:
        assert entry.weights is not None
        weight = self.graph.model.weight(layer.name)
        kept = self.kept.get(layer.name)
        rows = layer_rows(layer, parse_granularity(entry.weights.granularity))
        params = weight_params(rows, weight if kept is None else weight * kept, entry.weights)
        least = self._least_scale(layer, entry)
        return rounding.learn(layer, weight, kept=kept, rows=rows, params=params, least=least, seed=seed, ctx=ctx)
