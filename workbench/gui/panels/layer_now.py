"""What a layer has now, in the words of a sensitivity scan."""

from workbench.engine.core.layer import Layer
from workbench.gui.channels_now import ChannelsNow
from workbench.gui.panels.layer_state import LayerStates
from workbench.gui.setting_now import SettingNow


def setting_now(layer: Layer, states: LayerStates, channels: ChannelsNow) -> SettingNow:
    """What the recipe asks of a layer and can be done to it.

    Args:
        layer: of the model on the bench.
        states: what is asked of its weights and activations.
        channels: what is asked of the group that it is in.
    """
    state = states.of(layer)
    asked = None
    if channels.asked and channels.channels is not None:
        asked = channels.asked.get(channels.channels.group_of.get(layer.name, ""))
    ratio = asked.prune.ratio or 0.0 if asked is not None else 0.0
    sparsity = state.sparsity if state.is_pruned else 0.0
    return SettingNow(state.bits, state.activation_bits, sparsity, ratio, state.settings)
