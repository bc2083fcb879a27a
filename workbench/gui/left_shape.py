"""What of a layer's weight sizes depend on, as the channels that go leave it."""

import math
from functools import lru_cache
from typing import NamedTuple

from workbench.engine.core.layer import Layer
from workbench.engine.core.reports import LayerFootprint


class LeftShape(NamedTuple):
    """The shape of a weight, and what its scales lie along.

    Args:
        dims: of the weight.
        num_channels: scales per channel.
        num_rows, row_length: rows of weights that are summed into one output, and how long they are.
    """

    dims: tuple[int, ...]
    num_channels: int
    num_rows: int
    row_length: int

    @property
    def num_weights(self) -> int:
        """Number of weights."""
        return math.prod(self.dims) if self.dims else 0


def whole_shape(layer: Layer, entry: LayerFootprint) -> LeftShape:
    """That of a layer of which nothing goes."""
    return LeftShape(layer.weight_shape, entry.num_channels, entry.num_rows, entry.row_length)


# Layers repeat their shapes, and all members of a group lose channels at the same move.
@lru_cache(maxsize=4096)
def left_shape(whole: LeftShape, axis: int, share: float, outputs: float) -> LeftShape:
    """What channels that go leave. Right where one axis lists outputs and one other the inputs.

    Args:
        whole: that of the whole layer.
        axis: which lists the output channels.
        share: of its weights that stay.
        outputs: of its output channels that stay.

    >>> left_shape(LeftShape((16, 8, 3, 3), 16, 16, 72), 0, 0.25, 0.5)
    LeftShape(dims=(8, 4, 3, 3), num_channels=8, num_rows=8, row_length=36)
    """
    dims = list(whole.dims)
    dims[axis] = max(1, round(dims[axis] * outputs))
    inputs = share / outputs if outputs else 1.0
    other = next((place for place in (1, 0) if place != axis and place < len(dims)), None)
    if other is not None and inputs < 1:
        dims[other] = max(1, round(dims[other] * inputs))
    num_rows = max(1, round(whole.num_rows * outputs))
    return LeftShape(
        tuple(dims),
        max(1, round(whole.num_channels * outputs)),
        num_rows,
        max(1, math.prod(dims) // num_rows),
    )
