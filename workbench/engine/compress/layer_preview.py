"""What a plan does to one layer's weights, in the figures that a preview shows."""

import numpy as np
import numpy.typing as npt

from workbench.engine.compress.compressed_layers import CompressedLayers
from workbench.engine.compress.planning import Planning
from workbench.engine.compress.storage.weight_storage import StoredTensor, stored_smallest, written_tensors
from workbench.engine.compress.weights.compressed_weight import CompressedWeight
from workbench.engine.core.footprint import Encoding
from workbench.engine.core.layer import Layer
from workbench.engine.core.plan import LayerPlan, Plan
from workbench.engine.core.recipe import Recipe
from workbench.engine.core.reports import LayerPreview


def layer_preview(layer_name: str, recipe: Recipe, planning: Planning, layers: CompressedLayers) -> LayerPreview:
    """What a recipe does to one layer's weights; of channels it does nothing here.

    Args:
        layer_name: which one.
        recipe: what is asked.
        planning: of the model.
        layers: of the same.

    Raises:
        RecipeError: the recipe does not fit the model.
    """
    layer = planning.info.layer(layer_name)
    plan = planning.plan(recipe)
    entry = plan.layer(layer_name) or LayerPlan(layer_name, "", "", num_kept=layer.num_weights)
    if not layer.editable:
        return _untouched(layer, recipe)
    found = layers.of(layer, entry)
    stored = _stored(plan, entry, recipe, planning)
    low, high, clipped = _clipping(planning.read_weight(layer_name), found.weight)
    channel_low, channel_high = _by_channel(low, layer), _by_channel(high, layer)
    return LayerPreview(
        layer=layer_name,
        recipe_digest=recipe.digest,
        threshold=entry.threshold or 0.0,
        sparsity=found.sparsity,
        pruned=1 - entry.num_kept / max(1, layer.num_weights) if entry.is_pruned else 0.0,
        clip_low=None if low is None else float(low.min()),
        clip_high=None if high is None else float(high.max()),
        channel_clip_low=channel_low,
        channel_clip_high=channel_high,
        clipped=clipped,
        sqnr_db=found.sqnr_db,
        size_bytes=stored.num_bytes,
        encoding=stored.storage.encoding,
    )


def _stored(plan: Plan, entry: LayerPlan, recipe: Recipe, planning: Planning) -> StoredTensor:
    """How the plan stores the layer of one entry, beside all others: they share tables."""
    changed = [other for other in plan.layers if other.is_changed and other.layer != entry.layer]
    tensors = written_tensors(planning.info, [entry, *changed])
    return stored_smallest(tensors, planning.footprint(), containers=planning.containers(recipe.encoding))[0]


def _clipping(
    original: npt.NDArray[np.float32], weight: CompressedWeight
) -> tuple[npt.NDArray[np.float32] | None, npt.NDArray[np.float32] | None, float]:
    """Range kept for each weight, in a shape that broadcasts, and the fraction of weights outside it."""
    if weight.params is None:
        return None, None, 0.0
    low = weight.rows.spread(weight.params.low).astype(np.float32)
    high = weight.rows.spread(weight.params.high).astype(np.float32)
    # Half a step beyond the last code still rounds to it: that is rounding, not clipping.
    half = weight.rows.spread(weight.params.scale).astype(np.float32) / 2
    outside = (original < low - half) | (original > high + half)
    return low, high, float(outside.mean()) if original.size else 0.0


def _by_channel(limit: npt.NDArray[np.float32] | None, layer: Layer) -> npt.NDArray[np.float32] | None:
    """The widest limit of each output channel, shape (C,)."""
    if limit is None or layer.axis is None:
        return None
    full = np.broadcast_to(limit, layer.weight_shape)
    others = tuple(index for index in range(full.ndim) if index not in layer.channel_axes)
    widest = full.max(axis=others) if float(limit.max()) > 0 else full.min(axis=others)
    return np.asarray(widest, np.float32).reshape(-1)


def _untouched(layer: Layer, recipe: Recipe) -> LayerPreview:
    sparsity = layer.statistics.sparsity if layer.statistics else 0.0
    return LayerPreview(
        layer.name, recipe.digest, 0.0, sparsity, 0.0, None, None, None, None, 0.0, float("inf"), 0, Encoding.DENSE
    )
