"""Which layers should stay in float: each is quantized alone, and what that does to the outputs is measured."""

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np

from workbench.engine.core.measurement import Figure, Origin
from workbench.engine.core.plan import LayerPlan, Plan
from workbench.engine.core.quantization_reports import FloatSuggestion, LayerEffect
from workbench.engine.core.tensor_statistics import TensorStatistics
from workbench.jobs import JobContext

# What a plan does to the outputs: their divergence from the float model's.
Measure = Callable[[Plan, JobContext], Figure]
# A layer stands out if it alone does so much of the damage, and so many times that of the middle one.
_LEAST_SHARE, _TIMES_MEDIAN = 0.1, 4.0
_MOST_LAYERS = 5
# The bulk of the values in a fraction of the range: the rest of the codes serves a few outliers.
_BULK, _OUTLIER_RATIO = 0.9999, 4.0


def suggest_float_layers(
    plan: Plan,
    recipe_digest: str,
    measure: Measure,
    ctx: JobContext,
    *,
    statistics: Callable[[str], TensorStatistics | None] = lambda _: None,
) -> FloatSuggestion:
    """Quantize each layer alone, and suggest those in float that do most of the damage.

    Rounding to nearest stands in for learned rounding, which would take its time for every layer.

    Args:
        plan: of a recipe that quantizes something.
        recipe_digest: of that recipe.
        measure: gives the divergence that a plan causes, on some samples.
        ctx: asked before each layer; told the progress.
        statistics: of the tensor that a layer reads, by the layer's name, where they are known.

    Raises:
        Cancelled: somebody asked to stop.
    """
    quantized = [entry for entry in plan.layers if entry.weights is not None or entry.activations is not None]
    effects = []
    total = len(quantized) + 2
    for number, entry in enumerate(quantized):
        ctx.checkpoint()
        alone = replace(plan, layers=(_nearest(entry),))
        found = measure(alone, ctx.part(number / total, (number + 1) / total))
        effects.append(LayerEffect(entry.layer, found, _reason(entry, quantized, statistics(entry.layer))))
        ctx.progress(number + 1, total, f"{entry.layer} alone")
    effects.sort(key=lambda effect: -effect.divergence.value)
    layers = _standing_out(effects)
    before = measure(plan, ctx.part(len(quantized) / total, (total - 1) / total))
    after = before
    if layers:
        rest = tuple(entry for entry in plan.layers if entry.layer not in layers)
        after = measure(replace(plan, layers=rest), ctx.part((total - 1) / total, 1)) if rest else _none(before)
    return FloatSuggestion(recipe_digest, tuple(effects), layers, before, after)


def _none(before: Figure) -> Figure:
    """The divergence of the float model from itself."""
    return Figure(0.0, before.unit, Origin.MEASURED, 0.0, 0.0, before.n)


def _nearest(entry: LayerPlan) -> LayerPlan:
    return entry if entry.weights is None else replace(entry, weights=replace(entry.weights, rounding="nearest"))


def _standing_out(effects: Sequence[LayerEffect]) -> tuple[str, ...]:
    values = np.array([max(0.0, effect.divergence.value) for effect in effects])
    if len(values) < 3 or values.sum() == 0:
        return ()
    limit = max(_LEAST_SHARE * float(values.sum()), _TIMES_MEDIAN * float(np.median(values)))
    return tuple(effect.layer for effect, value in zip(effects, values, strict=True) if value >= limit)[:_MOST_LAYERS]


def _reason(entry: LayerPlan, quantized: Sequence[LayerPlan], statistics: TensorStatistics | None) -> str:
    reasons = []
    if entry is quantized[0]:
        reasons.append("the first layer")
    if entry is quantized[-1]:
        reasons.append("the last layer")
    ratio = _outlier_ratio(statistics) if statistics is not None else 1.0
    if ratio >= _OUTLIER_RATIO:
        reasons.append(f"{_BULK:.2%} of what it reads lies in 1/{ratio:.0f} of its range")
    return "; ".join(reasons)


def _outlier_ratio(statistics: TensorStatistics) -> float:
    """How many times wider the whole range of magnitudes is than that of all but the largest values."""
    order = np.argsort(np.abs(statistics.centers))
    summed = np.cumsum(statistics.counts[order])
    if not summed[-1]:
        return 1.0
    place = int(np.searchsorted(summed, _BULK * summed[-1]))
    bulk = abs(float(statistics.centers[order][min(place, len(order) - 1)])) + statistics.bin_width / 2
    return max(abs(statistics.low), abs(statistics.high)) / bulk
