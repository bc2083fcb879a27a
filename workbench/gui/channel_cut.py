"""What goes of each stored tensor with channels, so that sizes of what is left are computed at once."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from workbench.engine.core.layer import Layer, ModelInfo
from workbench.engine.core.reports import LayerFootprint
from workbench.gui.channels_now import ChannelsNow


@dataclass(frozen=True, slots=True, eq=False)
class ChannelCut:
    """The model without some channels, against the whole one.

    Args:
        shares: by layer the share of its weights that stays, for the layers that lose some.
        outputs: by layer the share of its output channels that stays, for the same layers.
        weight_bytes: by layer the bytes that its stored weight loses.
        lost_bytes: of the whole file, biases and all.
        folded_bytes: what goes beside them, as constants are computed and shapes are no longer told.
        lost_params: of the whole model.
    """

    shares: Mapping[str, float] = field(default_factory=dict)
    outputs: Mapping[str, float] = field(default_factory=dict)
    weight_bytes: Mapping[str, int] = field(default_factory=dict)
    lost_bytes: int = 0
    folded_bytes: int = 0
    lost_params: int = 0

    def macs(self, model: ModelInfo) -> int | None:
        """Multiply-adds of what is left; None where those of a layer are not known."""
        if model.macs is None:
            return None
        lost = sum(
            (layer.macs or 0) * (1 - self.shares[layer.name]) for layer in model.layers if layer.name in self.shares
        )
        return model.macs - round(lost)


NO_CUT = ChannelCut()


def cut_of(now: ChannelsNow, file_bytes: int) -> ChannelCut:
    """What goes under a recipe.

    Args:
        now: the channels under it.
        file_bytes: of the file that is written where nothing changes.
    """
    channels = now.channels
    if channels is None or not now.kept:
        return NO_CUT
    tensors = channels.shares(now.kept)
    lost = {one.name: (round(one.size * (1 - tensors[one.name])), one.item_bytes) for one in channels.tensors}
    shares, outputs, weight_bytes = {}, {}, {}
    for layer, weight in channels.weights.items():
        share = tensors.get(weight, 1.0)
        if share < 1:
            shares[layer] = share
            counted = now.of_layer(layer)
            outputs[layer] = counted.left / counted.whole if counted is not None and counted.whole else 1.0
            count, item_bytes = lost[weight]
            weight_bytes[layer] = count * item_bytes
    return ChannelCut(
        shares,
        outputs,
        weight_bytes,
        sum(count * item_bytes for count, item_bytes in lost.values()),
        file_bytes - channels.base_bytes,
        sum(count for count, _ in lost.values()),
    )


def cut_layer(layer: Layer, share: float, outputs: float) -> Layer:
    """A layer without some channels. Its shape is right where one axis lists outputs and one other the inputs.

    Args:
        layer: the whole one.
        share: of its weights that stay.
        outputs: of its output channels that stay.
    """
    shape, axis = list(layer.weight_shape), layer.axis if layer.axis is not None else 0
    shape[axis] = max(1, round(shape[axis] * outputs))
    inputs = share / outputs if outputs else 1.0
    other = next((place for place in (1, 0) if place != axis and place < len(shape)), None)
    if other is not None and inputs < 1:
        shape[other] = max(1, round(shape[other] * inputs))
    return replace(layer, weight_shape=tuple(shape))


def cut_entry(entry: LayerFootprint, layer: Layer, outputs: float, weight_bytes: int) -> LayerFootprint:
    """What size previews need of a layer without some channels.

    Args:
        entry: of the whole layer.
        layer: without the channels.
        outputs: share of its output channels that stay.
        weight_bytes: that its stored weight loses.
    """
    num_rows = max(1, round(entry.num_rows * outputs))
    # Nothing goes away with the weight where something else reads it.
    original = max(0, entry.original_bytes - weight_bytes) if entry.original_bytes else 0
    raised = entry.raised_bytes
    return replace(
        entry,
        original_bytes=original,
        raised_bytes=max(0, raised - weight_bytes) if raised else raised,
        num_channels=max(1, round(entry.num_channels * outputs)),
        num_rows=num_rows,
        row_length=max(1, layer.num_weights // num_rows),
    )
