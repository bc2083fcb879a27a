"""Sizes and totals of the recipe as it stands, for the preview: arithmetic on what is known of each layer."""

from dataclasses import dataclass

from workbench.engine.core.channel_group import ModelChannels
from workbench.engine.core.layer import ModelInfo
from workbench.engine.core.recipe import Recipe
from workbench.engine.core.reports import ModelFootprint
from workbench.gui.channel_cut import NO_CUT, ChannelCut, ChannelCuts
from workbench.gui.channels_now import ChannelsNow, Kept
from workbench.gui.instant import instant_size
from workbench.gui.magnitude_tables import own_zeros
from workbench.gui.widgets.size_bars import SizeBar

_FLOAT_BITS = 32


@dataclass(frozen=True, slots=True)
class SizesNow:
    """Totals over the model.

    Args:
        zeros_before, zeros: weights that are exactly zero, in the original and as pruning leaves them.
        num_weights: weights that are left of all layers whose statistics are known.
        num_weights_before: how many there were; 0 where none have gone.
        mean_bits: mean over those weights.
        bars: the layers with the most bytes in the original, largest first.
        num_more: how many layers have no bar.
        num_params, macs: of what is left of the model; None where they are not known.
    """

    total_bytes: int
    zeros_before: int
    zeros: int
    num_weights: int
    mean_bits: float
    bars: tuple[SizeBar, ...] = ()
    num_more: int = 0
    num_params: int = 0
    macs: int | None = None
    num_weights_before: int = 0

    @property
    def sparsity_before(self) -> float:
        """Fraction of zeros in the original."""
        before = self.num_weights_before or self.num_weights
        return self.zeros_before / before if before else 0.0

    @property
    def sparsity(self) -> float:
        """Fraction of zeros after pruning."""
        return self.zeros / self.num_weights if self.num_weights else 0.0


class Sizes:
    """What holds for a model whatever the recipe is summed up once, so that a move costs what it changes.

    Args:
        num_bars: for how many layers the bytes are listed.
    """

    def __init__(self, num_bars: int) -> None:
        self._num_bars = num_bars
        self._model: ModelInfo | None = None
        self._footprint: ModelFootprint | None = None
        self._cuts: tuple[ModelChannels, ChannelCuts] | None = None
        self._cut: tuple[Kept, ChannelCut] | None = None
        self._num_weights = self._zeros_before = 0
        self._fixed_weights = self._fixed_zeros = 0
        self._largest: tuple[tuple[str, int], ...] = ()

    def now(
        self, model: ModelInfo, footprint: ModelFootprint | None, recipe: Recipe, channels: ChannelsNow | None = None
    ) -> SizesNow:
        """Totals of the file that the recipe gives; those of the original until the footprint is known.

        Args:
            model: on the bench.
            footprint: its bytes by encoding.
            recipe: what is asked.
            channels: those that stay under it.
        """
        if model is not self._model or footprint is not self._footprint:
            self._sum_up(model, footprint)
        if footprint is None:
            before = self._zeros_before
            return SizesNow(
                model.file_bytes, before, before, self._num_weights, float(_FLOAT_BITS),
                num_params=model.num_params, macs=model.macs,
            )  # fmt: skip
        cut = self._cut_of(channels or ChannelsNow(), footprint)
        size = instant_size(model, footprint, recipe, cut)
        num_left = size.num_weights + self._fixed_weights
        bits = size.mean_bits * size.num_weights + _FLOAT_BITS * self._fixed_weights
        return SizesNow(
            size.total_bytes,
            self._zeros_before,
            size.num_zeros + self._fixed_zeros,
            num_left,
            bits / num_left if num_left else float(_FLOAT_BITS),
            tuple(SizeBar(name, original, size.layers.get(name, original)) for name, original in self._largest),
            len(footprint.layers) - len(self._largest),
            model.num_params - cut.lost_params,
            cut.macs(model),
            self._num_weights,
        )

    def _cut_of(self, channels: ChannelsNow, footprint: ModelFootprint) -> ChannelCut:
        """What goes; the very same for the same channels, so that nothing is computed again of it."""
        if channels.channels is None:
            return NO_CUT
        if self._cuts is None or self._cuts[0] is not channels.channels:
            self._cuts, self._cut = (channels.channels, ChannelCuts(channels.channels)), None
        if self._cut is None or self._cut[0] is not channels.kept:
            self._cut = channels.kept, self._cuts[1].of(channels.kept, footprint.file_bytes)
        return self._cut[1]

    def _sum_up(self, model: ModelInfo, footprint: ModelFootprint | None) -> None:
        self._model, self._footprint, self._cut = model, footprint, None
        layers = [layer for layer in model.layers if layer.statistics is not None]
        self._num_weights = sum(layer.num_weights for layer in layers)
        self._zeros_before = sum(own_zeros(layer) for layer in layers)
        entries = footprint.layers if footprint is not None else ()
        counted = {entry.layer for entry in entries}
        fixed = [layer for layer in layers if layer.name not in counted]
        self._fixed_weights = sum(layer.num_weights for layer in fixed)
        self._fixed_zeros = sum(own_zeros(layer) for layer in fixed)
        by_size = sorted(entries, key=lambda entry: -entry.original_bytes)[: self._num_bars]
        self._largest = tuple((entry.layer, entry.original_bytes) for entry in by_size)
