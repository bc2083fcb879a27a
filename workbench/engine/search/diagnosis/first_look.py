"""Weights or activations? Each alone in all layers; then each layer alone, and all without it.

As practitioners begin: what is quantized is turned on and off part by part, and the outputs say which part to look at.
Source: Siddegowda et al. 2022 (arXiv:2201.08442), section 3.7, "debugging workflow".
"""

from collections.abc import Callable, Iterator
from dataclasses import replace

from workbench.engine.core.errors import RecipeError
from workbench.engine.core.first_look import FirstLook, LayerLook
from workbench.engine.core.measurement import Figure
from workbench.engine.core.plan import LayerPlan, Plan
from workbench.jobs import JobContext

# What a plan does to the outputs: their divergence from the float model's.
Measure = Callable[[Plan, JobContext], Figure]


def first_look(plan: Plan, recipe_digest: str, measure: Measure, ctx: JobContext) -> Iterator[FirstLook]:
    """What is known so far: the whole, the two kinds, then layer by layer.

    Args:
        plan: of a recipe that quantizes something; rounding to nearest stands in for learned rounding, which would
            take its time for each part.
        recipe_digest: of that recipe.
        measure: gives the divergence that a plan causes, on some samples.
        ctx: asked before each part; told the progress. What was yielded stays valid when it is cancelled.

    Raises:
        Cancelled: somebody asked to stop.
        RecipeError: the recipe quantizes nothing.
    """
    entries = tuple(
        _nearest(entry) for entry in plan.layers if entry.weights is not None or entry.activations is not None
    )
    if not entries:
        raise RecipeError("the recipe quantizes nothing, so there is nothing to look at", "give some layer bits")
    look = FirstLook(recipe_digest, layers=tuple(LayerLook(entry.layer) for entry in entries))
    weights = tuple(replace(entry, activations=None) for entry in entries if entry.weights is not None)
    activations = tuple(replace(entry, weights=None) for entry in entries if entry.activations is not None)
    total = 1 + bool(weights) + bool(activations) + 2 * len(entries)
    done = 0

    def measured(parts: tuple[LayerPlan, ...], text: str) -> Figure:
        nonlocal done
        ctx.checkpoint()
        found = measure(replace(plan, layers=parts), ctx.part(done / total, (done + 1) / total))
        done += 1
        ctx.progress(done, total, text)
        return found

    look = replace(look, everything=measured(entries, "all of it"))
    yield look
    if weights:
        look = replace(look, weights=measured(weights, "all weights"))
        yield look
    if activations:
        look = replace(look, activations=measured(activations, "all activations"))
        yield look
    for place, entry in enumerate(entries):
        alone = measured((entry,), f"{entry.layer} alone")
        others = entries[:place] + entries[place + 1 :]
        # The only layer, left out, leaves nothing to measure: the model as it is.
        nothing = replace(alone, value=0.0, low=0.0, high=0.0)
        without = measured(others, f"all without {entry.layer}") if others else nothing
        layers = (*look.layers[:place], LayerLook(entry.layer, alone, without), *look.layers[place + 1 :])
        look = replace(look, layers=layers)
        yield look
    yield replace(look, is_complete=True)


def _nearest(entry: LayerPlan) -> LayerPlan:
    return entry if entry.weights is None else replace(entry, weights=replace(entry.weights, rounding="nearest"))
