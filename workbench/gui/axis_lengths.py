"""How long the axes of many tensors are under a choice of channels, as one sum over all of them."""

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

from workbench.engine.core.channel_group import AxisChannels, ChannelGroup

Lengths = npt.NDArray[np.int64]


class AxisLengths:
    """Lengths by the places of the axes in the list that it was made from, shape (A,).

    Args:
        axes: what each is made of.
        groups: those that they are made of.

    Attributes:
        whole: where nothing goes.
    """

    def __init__(self, axes: Sequence[AxisChannels], groups: Sequence[ChannelGroup]) -> None:
        sizes = [size for group in groups for size in group.class_sizes]
        starts = np.cumsum([0, *(len(group.class_sizes) for group in groups)]).tolist()
        self._start = dict(zip((group.name for group in groups), starts, strict=False))
        self._sizes = np.array(sizes, np.int64)
        self._fixed = np.array([axis.fixed for axis in axes], np.int64)
        parts = [
            (place, self._start[name] + number, each)
            for place, axis in enumerate(axes)
            for name, number, each in axis.parts
        ]
        self._axis, self._class, self._each = np.array(parts, np.int64).reshape(-1, 3).T
        self.whole = self._lengths(self._sizes)

    def left(self, kept: Mapping[str, tuple[int, ...]]) -> Lengths:
        """How long they are where so many units of each class stay, for the groups that lose some."""
        counts = self._sizes.copy()
        for name, numbers in kept.items():
            start = self._start[name]
            counts[start : start + len(numbers)] = numbers
        return self._lengths(counts)

    def _lengths(self, counts: Lengths) -> Lengths:
        # Sums of doubles, which are exact far beyond any number of channels.
        sums = np.bincount(self._axis, weights=counts[self._class] * self._each, minlength=self._fixed.size)
        return np.asarray(self._fixed + sums.astype(np.int64), np.int64)
