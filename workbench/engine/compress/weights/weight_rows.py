"""How a weight tensor is seen when scales are chosen: as rows of weights that share one scale."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from workbench.engine.compress.weights.affine import QuantParams
from workbench.engine.core.footprint import ScaleLayout
from workbench.engine.core.granularity import Granularity, PerChannel, PerGroup
from workbench.engine.core.layer import Layer
from workbench.engine.core.scale_blocks import ScaleBlocks, scale_blocks, summed_axes


@dataclass(frozen=True, slots=True)
class WeightRows:
    """Which weights of a tensor share a scale.

    The tensor is seen as (outer, length, inner): `length` weights are summed into one output, for each
    of outer × inner outputs. A Conv weight (O, I, kh, kw) is (O, I·kh·kw, 1), a MatMul weight (K, N) is
    (1, K, N), a recurrent weight (D, G, I) is (D·G, I, 1).

    Args:
        shape: of the weight.
        axis: of the output channels.
        granularity: how many scales.
        is_stacked: whether the axes before `axis` list output channels, too.
    """

    shape: tuple[int, ...]
    axis: int
    granularity: Granularity
    is_stacked: bool = False

    @property
    def view(self) -> tuple[int, int, int]:
        """The shape (outer, length, inner)."""
        span = summed_axes(self.shape, self.axis, is_stacked=self.is_stacked)
        start, stop = span.start, span.stop
        return _size(self.shape[:start]), _size(self.shape[start:stop]), _size(self.shape[stop:])

    @property
    def channel_axes(self) -> tuple[int, ...]:
        """The axes that list output channels, in order."""
        return tuple(range(self.axis + 1)) if self.is_stacked else (self.axis,)

    @property
    def group_size(self) -> int:
        """Weights per group; the row's length where there are no groups."""
        length = self.view[1]
        return min(self.granularity.size, length) if isinstance(self.granularity, PerGroup) else length

    @property
    def num_groups(self) -> int:
        """Groups per row; the last one may be shorter."""
        return -(-self.view[1] // self.group_size)

    @property
    def blocks(self) -> ScaleBlocks | None:
        """How scales by group lie along one axis; None where there are none, or groups run over several axes."""
        is_grouped = isinstance(self.granularity, PerGroup)
        return scale_blocks(self.shape, self.axis, self.group_size, is_stacked=self.is_stacked) if is_grouped else None

    @property
    def scale_layout(self) -> ScaleLayout:
        """How the scales lie beside the weights."""
        if isinstance(self.granularity, PerGroup):
            return ScaleLayout.RAGGED if self.view[1] % self.group_size else ScaleLayout.GROUP
        return ScaleLayout.CHANNEL if isinstance(self.granularity, PerChannel) else ScaleLayout.TENSOR

    @property
    def scale_shape(self) -> tuple[int, ...]:
        """Shape of the scales: () per tensor, (C, 1, …) per channel, (outer, groups, inner) per group."""
        if isinstance(self.granularity, PerGroup):
            outer, _, inner = self.view
            return outer, self.num_groups, inner
        if isinstance(self.granularity, PerChannel):
            return tuple(size if index in self.channel_axes else 1 for index, size in enumerate(self.shape))
        return ()

    @property
    def num_scales(self) -> int:
        """How many scales there are."""
        return _size(self.scale_shape)

    def ranges(self, weight: npt.NDArray[np.float32]) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
        """Minimum and maximum of the weights of each scale, both of `scale_shape`."""
        if isinstance(self.granularity, PerGroup):
            starts = np.arange(0, self.view[1], self.group_size)
            view = weight.reshape(self.view)
            return np.minimum.reduceat(view, starts, axis=1), np.maximum.reduceat(view, starts, axis=1)
        axes = self._reduced_axes
        low, high = weight.min(axis=axes, keepdims=True), weight.max(axis=axes, keepdims=True)
        return low.reshape(self.scale_shape), high.reshape(self.scale_shape)

    def rows(self, weight: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        """The weights with one row a scale, shape (num_scales, weights of a scale).

        Short last groups are filled up with their own last weight, which moves no range.
        """
        if isinstance(self.granularity, PerGroup):
            outer, length, inner = self.view
            view = weight.reshape(self.view)
            missing = self.num_groups * self.group_size - length
            if missing:
                view = np.concatenate([view, np.repeat(view[:, -1:], missing, axis=1)], axis=1)
            grouped = view.reshape(outer, self.num_groups, self.group_size, inner)
            return np.ascontiguousarray(np.moveaxis(grouped, 2, 3)).reshape(self.num_scales, -1)
        if isinstance(self.granularity, PerChannel):
            first = tuple(range(len(self.channel_axes)))
            return np.ascontiguousarray(np.moveaxis(weight, self.channel_axes, first)).reshape(self.num_scales, -1)
        return weight.reshape(1, -1)

    def spread(self, per_scale: npt.NDArray[np.generic]) -> npt.NDArray[np.generic]:
        """One value a scale, in a shape that broadcasts against the weight."""
        if not isinstance(self.granularity, PerGroup):
            return per_scale.reshape(self.scale_shape)
        repeated = np.repeat(per_scale.reshape(self.scale_shape), self.group_size, axis=1)
        return repeated[:, : self.view[1]].reshape(self.shape)

    def spread_params(self, params: QuantParams) -> QuantParams:
        """Scales and zero points in a shape that broadcasts against the weight."""
        return QuantParams(
            self.spread(params.scale).astype(np.float32),
            self.spread(params.zero_point).astype(np.int32),
            params.num_bits,
            params.signed,
        )

    @property
    def _reduced_axes(self) -> tuple[int, ...]:
        if isinstance(self.granularity, PerChannel):
            return tuple(index for index in range(len(self.shape)) if index not in self.channel_axes)
        return tuple(range(len(self.shape)))


def layer_rows(layer: Layer, granularity: Granularity) -> WeightRows:
    """The rows of a layer whose output channels are known."""
    assert layer.axis is not None
    return WeightRows(layer.weight_shape, layer.axis, granularity, layer.is_stacked)


def _size(shape: tuple[int, ...]) -> int:
    return int(np.prod(shape, dtype=np.int64)) if shape else 1
