"""A mix of a scan's settings as a recipe: layers that are treated alike share one rule."""

from collections.abc import Mapping
from dataclasses import replace

from workbench.engine.core.recipe import Prune, Recipe, escape_selector
from workbench.engine.core.sensitivity import ScanAxes, ScanSetting

Mix = Mapping[str, ScanSetting]


def mix_recipe(base: Recipe, axes: ScanAxes, mix: Mix, kinds: Mapping[str, str]) -> Recipe:
    """The recipe that gives every layer its setting, and does nothing to the others.

    Args:
        base: whose encoding, calibration and preparation are kept; its rules are not.
        axes: how settings are carried out, as the scan did.
        mix: by the layer's name; of channels, by that of the first layer of the group.
        kinds: of the channels of each layer that loses some: "filters" or "neurons".
    """
    recipe = replace(base, rules=())
    alike: dict[tuple[int | None, int | None, float | None], list[str]] = {}
    for layer, setting in mix.items():
        said = (setting.weights, setting.activations, setting.sparsity or None)
        if any(one is not None for one in said):
            alike.setdefault(said, []).append(layer)
    for (weights, activations, sparsity), layers in alike.items():
        recipe = recipe.with_rule(
            [escape_selector(layer) for layer in layers],
            weights=None if weights is None else replace(axes.style, bits=weights),
            activations=None if activations is None else replace(axes.activation_style, bits=activations),
            prune=None if sparsity is None else Prune("weights", sparsity=sparsity),
        )
    cut: dict[tuple[str, float], list[str]] = {}
    for layer, setting in mix.items():
        if setting.ratio:
            cut.setdefault((kinds.get(layer, "filters"), setting.ratio), []).append(layer)
    for (kind, ratio), layers in cut.items():
        prune = Prune(kind, ratio=ratio, criterion=axes.criterion)
        recipe = recipe.with_rule([escape_selector(layer) for layer in layers], prune=prune)
    return recipe
