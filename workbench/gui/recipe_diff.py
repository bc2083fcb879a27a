"""What one recipe does otherwise than another, layer by layer, in a few words."""

from dataclasses import dataclass

from workbench.engine.core.layer import ModelInfo
from workbench.engine.core.recipe import LayerSettings, Recipe


@dataclass(frozen=True, slots=True)
class LayerDifference:
    """One layer that is treated otherwise."""

    layer: str
    before: str
    after: str


def recipe_diff(model: ModelInfo, before: Recipe, after: Recipe) -> tuple[LayerDifference, ...]:
    """The layers of which something else is asked, in graph order."""
    found = []
    for layer in model.layers:
        old, new = (recipe.settings_for(layer.name, layer.op_type) for recipe in (before, after))
        if old != new:
            found.append(LayerDifference(layer.name, settings_text(old), settings_text(new)))
    return tuple(found)


def settings_text(settings: LayerSettings) -> str:
    """What is asked of a layer.

    >>> from workbench.engine.core.recipe import Prune, WeightSettings
    >>> settings_text(LayerSettings(WeightSettings(4), prunes=(Prune("weights", sparsity=0.5),)))
    'W4, 50 % zeros'
    >>> settings_text(LayerSettings())
    'float'
    """
    weights, activations = settings.weights, settings.activations
    parts = []
    if weights is not None:
        parts.append("float16" if weights.floating else f"W{weights.bits}")
    if activations is not None:
        parts.append(f"A{activations.bits}")
    if weights is not None and not weights.floating and activations is not None:
        parts = [f"W{weights.bits}A{activations.bits}"]
    for prune in settings.prunes:
        if prune.kind == "weights" and prune.pattern is not None:
            parts.append(f"{prune.pattern} pattern")
        elif prune.kind == "weights" and prune.threshold is not None:
            parts.append(f"|w| < {prune.threshold:g} to zero")
        elif prune.kind == "weights" and prune.sparsity:
            parts.append(f"{100 * prune.sparsity:.3g} % zeros")
        elif prune.ratio:
            parts.append(f"{100 * prune.ratio:.3g} % fewer {prune.kind}")
    return ", ".join(parts) or "float"
