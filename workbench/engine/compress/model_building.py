"""The compressed model that a plan gives, channels aside: weights replaced, or the whole graph quantized."""

from collections.abc import Mapping, Sequence

import onnx

from workbench.engine.compress.activations.calibration import CalibrationSet
from workbench.engine.compress.compressed_layers import CompressedLayers
from workbench.engine.compress.planning import Planning
from workbench.engine.compress.quantized_model import quantized_model
from workbench.engine.compress.quantizer import Quantizer
from workbench.engine.compress.storage.replaced_weights import Replacement, replace_weights
from workbench.engine.compress.storage.weight_storage import stored_smallest, written_tensors
from workbench.engine.compress.weights.compressed_weight import CompressedWeight
from workbench.engine.core.footprint import Containers, opset_needed
from workbench.engine.core.layer import ModelInfo
from workbench.engine.core.plan import LayerPlan, Plan
from workbench.engine.graph.model import Model
from workbench.engine.graph.opset import opset_of, raised
from workbench.jobs import JobContext


class ModelBuilding:
    """Builds compressed models of one model.

    Args:
        model: as it was opened.
        planning: of the same, as all that follows.
        layers: its compressed weights.
        quantizer: what is calibrated.
    """

    def __init__(self, model: Model, planning: Planning, layers: CompressedLayers, quantizer: Quantizer) -> None:
        self._model, self._planning, self._layers, self._quantizer = model, planning, layers, quantizer
        self._numbers = {layer.name: number for number, layer in enumerate(model.info.layers)}

    def build(self, plan: Plan, encoding: str, samples: CalibrationSet | None, ctx: JobContext) -> onnx.ModelProto:
        """The compressed model.

        Args:
            plan: of this very model, without groups.
            encoding: of the recipe.
            samples: what a plan that quantizes activations or learns is calibrated with.
            ctx: asked before each batch of samples; told the progress.

        Raises:
            Cancelled: somebody asked to stop.
            ModelError: the model's opset cannot be raised to what the encoding needs.
            RunError: the model does not run on the samples.
        """
        containers = self._planning.containers(encoding)
        if plan.needs_preparation:
            return self._quantized(self._planning.with_opset(plan, containers), containers, samples, ctx)
        changed = [entry for entry in plan.layers if entry.is_changed]
        proto = self._model.to_proto()
        if not changed:
            return proto
        info = self._model.info
        weights = {entry.layer: self._layers.of(info.layer(entry.layer), entry).weight for entry in changed}
        replacements = self._replacements(info, changed, weights, containers)
        needed = max(opset_needed(item.storage, item.weight.tensor_shape) for item in replacements)
        proto = raised(proto, needed)
        replace_weights(proto, replacements, opset_of(proto))
        return proto

    def _quantized(
        self, plan: Plan, containers: Containers, samples: CalibrationSet | None, ctx: JobContext
    ) -> onnx.ModelProto:
        graph = self._quantizer.graph(plan)
        quantized = self._quantizer.layers(plan, samples, ctx)
        entries = [entry for entry in plan.layers if entry.layer in quantized.weights]
        replacements = self._replacements(graph.model.info, entries, quantized.weights, containers)
        return quantized_model(graph, plan, quantized, replacements)

    def _replacements(
        self,
        info: ModelInfo,
        changed: Sequence[LayerPlan],
        weights: Mapping[str, CompressedWeight],
        containers: Containers,
    ) -> list[Replacement]:
        """One replacement for all layers that read the same tensor and are treated alike."""
        # Where a bias needs it, a scale is larger than the settings alone give.
        scales = {name: weight.params.scale.tobytes() for name, weight in weights.items() if weight.params is not None}
        tensors = written_tensors(info, [entry for entry in changed if entry.layer in weights], scales)
        stored = stored_smallest(tensors, self._planning.footprint(), containers=containers)
        return [
            Replacement(
                number=self._numbers[tensor.layers[0].name],
                weight_name=tensor.layers[0].weight_name,
                readers=tuple((layer.node_output, layer.place) for layer in tensor.layers),
                weight=weights[tensor.layers[0].name],
                storage=one.storage,
                dtype=self._model.weight_dtype(tensor.layers[0].name),
                as_codes=tensor.entry.runs_on_integers,
            )
            for tensor, one in zip(tensors, stored, strict=True)
        ]
