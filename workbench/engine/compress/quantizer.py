"""One model being quantized with samples: its prepared forms, and what is known of them, are made once."""

from workbench.engine.compress.activations.activation_preview import activation_preview
from workbench.engine.compress.activations.calibration import CalibrationSet
from workbench.engine.compress.integers.integer_graph import INTEGER_OPSET, WIDE_OPSET
from workbench.engine.compress.prepare.prepared import prepared
from workbench.engine.compress.prepare.prepared_graph import PreparedGraph, reads_own_output
from workbench.engine.compress.quantized_layers import QuantizedLayers, quantize_layers
from workbench.engine.compress.weights.kept_weights import kept_weights
from workbench.engine.core.plan import Plan
from workbench.engine.core.quantization_reports import LayerActivations
from workbench.engine.core.tensor_statistics import TensorStatistics
from workbench.engine.graph.model import Model
from workbench.jobs import JobContext

_LARGEST_INTEGER_BITS = 8


class Quantizer:
    """Calibrates and rounds one model as plans ask.

    Args:
        model: as it was opened.
    """

    def __init__(self, model: Model) -> None:
        self._model = model
        self._graphs: dict[tuple[bool, int], PreparedGraph] = {}

    def graph(self, plan: Plan) -> PreparedGraph:
        """The model made ready for what the plan quantizes. Raises ModelError."""
        entries = [entry.activations for entry in plan.layers if entry.activations is not None]
        wide = any(entry.bits > _LARGEST_INTEGER_BITS for entry in entries)
        key = (plan.equalize, max(plan.opset, WIDE_OPSET if wide else INTEGER_OPSET))
        if key not in self._graphs:
            self._graphs[key] = PreparedGraph(prepared(self._model, equalize=key[0], opset=key[1]))
        return self._graphs[key]

    def layers(self, plan: Plan, samples: CalibrationSet | None, ctx: JobContext) -> QuantizedLayers:
        """What calibration and rounding give for a plan that needs them.

        Raises:
            Cancelled: somebody asked to stop.
            RunError: the model does not run on the samples.
        """
        # Chosen among the weights as they were opened, before anything was folded into them.
        kept = {
            entry.layer: mask
            for entry in plan.layers
            if entry.is_pruned
            and (mask := kept_weights(self._model.weight(entry.layer), self._model.info.layer(entry.layer), entry))
            is not None
        }
        return quantize_layers(self.graph(plan), plan, kept, samples, ctx)

    def activations(
        self, layer_name: str, plan: Plan, recipe_digest: str, samples: CalibrationSet | None, ctx: JobContext
    ) -> LayerActivations:
        """What goes into a layer and what comes out of it, with the ranges that the plan keeps.

        Without samples there are no tensors, but the reason why. The first call runs the samples once, for all layers.

        Raises:
            Cancelled: somebody asked to stop.
            RunError: the model does not run on the samples.
        """
        entry = plan.layer(layer_name)
        why = entry.reason if entry is not None else ""
        if not why and reads_own_output(self._model.info.layer(layer_name)):
            why = "what goes into these weights is what they gave at the step before, inside of the node"
        if samples is None:
            return LayerActivations(layer_name, recipe_digest, (), why or "ranges need samples, and none are open")
        graph = self.graph(plan)
        # Of the prepared model: what is folded into a layer gives the output now.
        layer = graph.model.info.layer(layer_name)
        if layer.node_output not in graph.nodes:
            return LayerActivations(layer_name, recipe_digest, (), layer.reason or "it is not in the main graph")
        graph.statistics(graph.tensors_of_layers(), samples, ctx)
        tensors = graph.integer_tensors(plan)
        previews = []
        for name in graph.tensors_of(layer):
            root = tensors.root(name)
            # What is only moved has the scale of where it comes from, and so its statistics.
            statistics = graph.statistics((root,), samples, ctx)[root]
            is_input = name == graph.data_input(layer)
            previews.append(activation_preview(name, statistics, tensors.settings.get(root), is_input=is_input))
        return LayerActivations(layer_name, recipe_digest, tuple(previews), why)

    def input_statistics(self, layer_name: str, plan: Plan, samples: CalibrationSet) -> TensorStatistics | None:
        """What is known of the tensor that a layer reads; None if the samples were not run yet."""
        graph = self.graph(plan)
        return graph.known_statistics(graph.data_input(graph.model.info.layer(layer_name)), samples)
