"""What a recipe asks of the layers that a scan knows, in the terms in which accuracy is predicted."""

import math
from collections.abc import Mapping, Sequence

from workbench.engine.core.channel_wishes import CHANNEL_KINDS
from workbench.engine.core.layer import ModelInfo
from workbench.engine.core.recipe import LayerSettings, Recipe, WeightSettings
from workbench.engine.core.sensitivity import ScanAxes, ScanSetting
from workbench.engine.core.sensitivity_table import AskedOfLayers
from workbench.engine.core.weight_pattern import KeptOfEvery, pattern_of

# What the scan's rule leaves out is what a recipe has by itself.
_USUAL = WeightSettings(bits=8)


def asked_of_mix(layers: Sequence[str], mix: Mapping[str, ScanSetting]) -> AskedOfLayers:
    """What a mix of a scan's settings asks.

    Args:
        layers: of the scan, in its order.
        mix: by the layer's name; of channels, by that of the first layer of the group.
    """
    asked = AskedOfLayers.nothing(len(layers))
    for place, layer in enumerate(layers):
        setting = mix.get(layer)
        if setting is None:
            continue
        asked.weight_bits[place] = math.inf if setting.weights is None else setting.weights
        asked.activation_bits[place] = math.inf if setting.activations is None else setting.activations
        asked.sparsity[place] = setting.sparsity or 0.0
        asked.ratio[place] = setting.ratio or 0.0
    return asked


def asked_of_settings(
    settings: Sequence[LayerSettings], sparsities: Sequence[float] | None = None, ratios: Sequence[float] | None = None
) -> AskedOfLayers:
    """What resolved settings ask.

    Args:
        settings: of each layer of the scan, in its order.
        sparsities: fraction of zeros that pruning gives, which of a threshold only the weights tell; where it is not
            given, what the settings say.
        ratios: of the channels that go, at the first layer of each group.
    """
    asked = AskedOfLayers.nothing(len(settings))
    for place, one in enumerate(settings):
        if one.weights is not None and not one.weights.floating:
            asked.weight_bits[place] = one.weights.bits
        if one.activations is not None:
            asked.activation_bits[place] = one.activations.bits
        asked.sparsity[place] = _sparsity(one) if sparsities is None else sparsities[place]
    if ratios is not None:
        asked.ratio[:] = ratios
    return asked


def asked_of_recipe(info: ModelInfo, recipe: Recipe, layers: Sequence[str], groups: Mapping[str, str]) -> AskedOfLayers:
    """What a recipe asks, as far as its words tell without a look at the weights.

    Args:
        info: the model's layers.
        recipe: what is asked.
        layers: of the scan, in its order.
        groups: for each layer whose channels are pruned with others', the first layer of its group.
    """
    settings = [recipe.settings_for(name, info.layer(name).op_type) for name in layers]
    asked = asked_of_settings(settings)
    places = {name: place for place, name in enumerate(layers)}
    for name, one in zip(layers, settings, strict=True):
        ratio = max((prune.ratio or 0.0 for prune in one.prunes if prune.kind in CHANNEL_KINDS), default=0.0)
        first = places.get(groups.get(name, name))
        if first is not None:
            asked.ratio[first] = max(asked.ratio[first], ratio)
    return asked


def is_as_scanned(axes: ScanAxes, settings: LayerSettings) -> bool:
    """Whether weights are quantized in the style that was scanned: another loses more or less than is predicted.

    Args:
        axes: of the scan.
        settings: of one layer.
    """
    weights = settings.weights
    if weights is None or weights.floating:
        return True
    style = axes.style
    pairs = (
        (weights.granularity, style.granularity, _USUAL.granularity),
        (weights.symmetric, style.symmetric, _USUAL.symmetric),
        (weights.range, style.range, _USUAL.range),
        (weights.rounding, style.rounding, _USUAL.rounding),
    )
    return all(asked == (usual if scanned is None else scanned) for asked, scanned, usual in pairs)


def _sparsity(settings: LayerSettings) -> float:
    prune = settings.prune("weights")
    if prune is None:
        return 0.0
    pattern = pattern_of(prune)
    return 1 - pattern.kept / pattern.size if isinstance(pattern, KeptOfEvery) else prune.sparsity or 0.0
