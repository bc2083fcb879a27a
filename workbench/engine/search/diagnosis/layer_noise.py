"""SQNR of every layer under a recipe: of its weights, and of its output on samples."""

import onnx

from workbench.engine.compress.activations.calibration import CalibrationSet
from workbench.engine.compress.compressor import Compressor
from workbench.engine.core.plan import Plan
from workbench.engine.core.quantization_reports import LayerSqnr, SqnrReport
from workbench.engine.evaluate.layer_sqnr import output_sqnr_db
from workbench.engine.graph.links import Links
from workbench.engine.graph.weight_place import first_output
from workbench.jobs import JobContext


def layer_noise(
    bench: Compressor, plan: Plan, data: bytes, recipe_digest: str, samples: CalibrationSet, ctx: JobContext
) -> SqnrReport:
    """Every editable layer's SQNR, float against quantized.

    Args:
        bench: has the model.
        plan: of a recipe.
        data: what was built of it.
        recipe_digest: of that recipe.
        samples: which samples.
        ctx: asked before each batch; told the progress.

    Raises:
        Cancelled: somebody asked to stop.
        RunError: the model does not run on the samples.
    """
    # Folded and equalized models have other tensors inside than the one that was opened.
    model = bench.quantizer.graph(plan).model if plan.needs_preparation else bench.model
    original = model.to_proto()
    links = Links(original.graph)
    nodes = {first_output(node): node for node in original.graph.node}
    layers = [layer for layer in model.info.layers if layer.editable and layer.node_output in nodes]
    tensors = {layer.name: links.bounded_output(nodes[layer.node_output]) for layer in layers}
    quantized = onnx.load_from_string(data)
    found = output_sqnr_db(original, quantized, tensors, samples.dataset, samples.indices, ctx)
    entries = {entry.layer: entry for entry in plan.layers if entry.weights is not None or entry.is_pruned}
    return SqnrReport(
        recipe_digest,
        tuple(
            LayerSqnr(
                layer.name,
                bench.weight_sqnr_db(entries[layer.name]) if layer.name in entries else None,
                found[layer.name],
            )
            for layer in layers
        ),
        len(samples.indices),
    )
