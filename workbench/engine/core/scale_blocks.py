"""Scales by group as the standard DequantizeLinear lays them out: blocks along one axis of the weight."""

import math
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ScaleBlocks:
    """One scale for each block of weights along an axis; every other axis keeps a scale for each of its places.

    Args:
        axis: of the weight, along which the blocks lie.
        size: weights in a block; the last one may be shorter.
        shape: of the scales: that of the weight, with the number of blocks on the axis.

    Source: ONNX DequantizeLinear, opset 21, attribute `block_size`.
    """

    axis: int
    size: int
    shape: tuple[int, ...]


def summed_axes(shape: Sequence[int], axis: int, *, is_stacked: bool = False) -> range:
    """The axes along which weights are summed into one output: a row of weights, in the order of the tensor.

    Args:
        shape: of the weight.
        axis: of the output channels.
        is_stacked: whether the axes before `axis` list output channels, too.

    >>> summed_axes((64, 3, 7, 7), 0), summed_axes((128, 64), 1), summed_axes((3, 64, 2, 2), 1)
    (range(1, 4), range(0, 1), range(0, 1))
    """
    last = len(shape) - 1
    if is_stacked:
        return range(axis + 1, last + 1)
    if axis == last and last > 0:
        return range(last - 1, last)
    if axis == 1 and last > 1:
        # ConvTranspose: the input channels come first and are what is summed.
        return range(1)
    return range(axis + 1, last + 1)


def scale_blocks(shape: Sequence[int], axis: int, group_size: int, *, is_stacked: bool = False) -> ScaleBlocks | None:
    """Groups of a row as blocks along one axis; None where a group would run over several axes.

    Args:
        shape: of the weight.
        axis: of the output channels.
        group_size: weights that share a scale, counted along the row.
        is_stacked: whether the axes before `axis` list output channels, too.

    >>> scale_blocks((64, 128, 1, 1), 0, 32)
    ScaleBlocks(axis=1, size=32, shape=(64, 4, 1, 1))
    >>> scale_blocks((64, 128, 3, 3), 0, 32) is None
    True
    """
    span = summed_axes(shape, axis, is_stacked=is_stacked)
    long = [place for place in span if shape[place] > 1] or list(span[:1])
    if not long:
        return None
    along = long[-1]
    if len(long) > 1 and shape[along] % group_size:
        return None
    blocks = tuple(-(-size // group_size) if place == along else size for place, size in enumerate(shape))
    return ScaleBlocks(along, min(group_size, shape[along]), blocks)


def rows_are_channels(shape: Sequence[int], axis: int, *, is_stacked: bool = False) -> bool:
    """Whether each row of weights is all that its output channel has, so that a scale a row is one a channel."""
    channels = math.prod(shape[: axis + 1]) if is_stacked else shape[axis]
    row = math.prod(shape[place] for place in summed_axes(shape, axis, is_stacked=is_stacked))
    return row * channels == math.prod(shape)
