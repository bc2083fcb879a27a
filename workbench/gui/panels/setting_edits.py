"""What taking a setting of the heat map means for the recipe: one rule for the layers, as the scan tried it."""

from collections.abc import Sequence
from dataclasses import replace

from workbench.engine.core.layer import Layer, ModelInfo
from workbench.engine.core.recipe import Recipe
from workbench.engine.core.sensitivity import ScanAxes, ScanSetting
from workbench.gui.channels_now import ChannelsNow, groups_of
from workbench.gui.panels import layer_edits
from workbench.gui.panels.channel_edits import ChannelWish, with_channels


def with_setting(
    recipe: Recipe,
    model: ModelInfo,
    now: ChannelsNow,
    layers: Sequence[Layer],
    axes: ScanAxes,
    setting: ScanSetting,
) -> Recipe:
    """The recipe with a setting for some layers; channels go with the whole groups that the layers are in.

    Args:
        recipe: what is asked so far; what the setting says nothing of stays.
        model: what is on the bench.
        now: its channels.
        layers: those that take the setting, each as far as it can.
        axes: how the scan did what the setting says.
        setting: to take.
    """
    if setting.weights is not None:
        recipe = layer_edits.with_weights(recipe, model, layers, replace(axes.style, bits=setting.weights))
    if setting.activations is not None:
        rule = replace(axes.activation_style, bits=setting.activations)
        recipe = layer_edits.with_activations(recipe, model, layers, rule)
    if setting.sparsity is not None:
        recipe = layer_edits.with_sparsity(recipe, model, layers, setting.sparsity)
    if setting.ratio is not None:
        wish = ChannelWish(ratio=setting.ratio, criterion=axes.criterion)
        recipe = with_channels(recipe, now, groups_of(layers, now), wish)
    return recipe
