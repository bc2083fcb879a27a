"""What goes of each stored tensor with channels, so that sizes of what is left are computed at once."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from workbench.engine.core.channel_group import ModelChannels
from workbench.engine.core.layer import ModelInfo
from workbench.gui.axis_lengths import AxisLengths
from workbench.gui.channels_now import ChannelsNow, Kept


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
    """What goes under a recipe; of many recipes, `ChannelCuts` tells it sooner.

    Args:
        now: the channels under it.
        file_bytes: of the file that is written where nothing changes.
    """
    channels = now.channels
    return NO_CUT if channels is None or not now.kept else ChannelCuts(channels).of(now.kept, file_bytes)


class ChannelCuts:
    """What goes of one model under one recipe after the other: what no recipe changes is listed once.

    Args:
        channels: the model's groups and all that they change.
    """

    def __init__(self, channels: ModelChannels) -> None:
        tensors = channels.tensors
        self._tensors = AxisLengths([axis for tensor in tensors for axis in tensor.axes], channels.groups)
        self._tensor_of_axis = np.repeat(np.arange(len(tensors)), [len(tensor.axes) for tensor in tensors])
        self._sizes = np.array([tensor.size for tensor in tensors], np.int64)
        self._item_bytes = np.array([tensor.item_bytes for tensor in tensors], np.int64)
        place_of = {tensor.name: place for place, tensor in enumerate(tensors)}
        self._layers = [(layer, place_of[name]) for layer, name in channels.weights.items() if name in place_of]
        self._outputs = AxisLengths(list(channels.outputs.values()), channels.groups)
        self._output_of = {layer: place for place, layer in enumerate(channels.outputs)}
        self._base_bytes = channels.base_bytes

    def of(self, kept: Kept, file_bytes: int) -> ChannelCut:
        """What goes.

        Args:
            kept: how many units of each class stay, for the groups that lose some.
            file_bytes: of the file that is written where nothing changes.
        """
        if not kept:
            return NO_CUT
        tensor_shares = np.ones(self._sizes.size)
        np.multiply.at(tensor_shares, self._tensor_of_axis, _ratios(self._tensors, kept))
        lost = np.rint(self._sizes * (1 - tensor_shares)).astype(np.int64)
        lost_bytes = lost * self._item_bytes
        by_tensor, by_output = tensor_shares.tolist(), _ratios(self._outputs, kept).tolist()
        shares, outputs, weight_bytes = {}, {}, {}
        for layer, place in self._layers:
            if by_tensor[place] < 1:
                shares[layer] = by_tensor[place]
                output = self._output_of.get(layer)
                outputs[layer] = 1.0 if output is None else by_output[output]
                weight_bytes[layer] = int(lost_bytes[place])
        return ChannelCut(
            shares,
            outputs,
            weight_bytes,
            int(lost_bytes.sum()),
            file_bytes - self._base_bytes,
            int(lost.sum()),
        )


def _ratios(axes: AxisLengths, kept: Kept) -> npt.NDArray[np.float64]:
    """The share of its length that each axis keeps."""
    return np.divide(axes.left(kept), axes.whole, out=np.ones(axes.whole.size), where=axes.whole > 0)
