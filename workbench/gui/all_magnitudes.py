"""The magnitude tables of many layers behind each other, so that a move of a thousand layers is a few look-ups."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from workbench.engine.core.layer import Layer
from workbench.gui.magnitude_tables import max_magnitude, own_zeros

_BISECTIONS = 30  # 2^-30 of the largest weight is finer than float32

Places = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class _Together:
    """All magnitudes of a group of layers whose tables are exact, rising, and how many weights go up to each."""

    levels: npt.NDArray[np.float32]
    counts: Places


class AllMagnitudes:
    """Counts and thresholds of many layers at once. A layer's place is that in the list it was made from."""

    def __init__(self, layers: Sequence[Layer]) -> None:
        tables = [_table(layer) for layer in layers]
        sizes = np.array([table.size for table in tables], np.int64)
        self._flat = np.concatenate(tables) if tables else np.zeros(0, np.int64)
        levels = [_levels(layer, table.size) for layer, table in zip(layers, tables, strict=True)]
        self._levels = np.concatenate(levels) if levels else np.zeros(0, np.float32)
        self._start = np.cumsum(sizes) - sizes
        self._steps = sizes - 1
        self._is_read = np.array([table[-1] > 0 for table in tables], np.bool_)
        self._is_exact = np.array([_is_exact(layer) for layer in layers], np.bool_)
        self._largest = np.array([max_magnitude(layer) or 1.0 for layer in layers])
        self._num_weights = np.array([layer.num_weights for layer in layers], np.int64)
        self._own_zeros = np.array([own_zeros(layer) for layer in layers], np.int64)
        self._together: tuple[bytes, _Together] | None = None

    def zeros_below(self, places: Places, threshold: float) -> Places:
        """Weights of each layer with |w| < threshold; never fewer than the zeros there are, none for threshold 0.

        Args:
            places: which layers, shape (L,).
            threshold: as the weights.
        """
        if threshold <= 0:
            return np.zeros(places.size, np.int64)
        found = np.rint(self._count_even(places, threshold)).astype(np.int64)
        exact = self._is_exact[places]
        at = places[exact]
        lower = _first_at_least(self._levels, self._start[at] + 1, self._steps[at], np.float32(threshold))
        found[exact] = self._flat[self._start[at] + lower]
        found = np.where(threshold > self._largest[places], self._num_weights[places], found)
        # Of a layer that was not read nothing is known.
        return np.where(self._is_read[places], np.maximum(found, self._own_zeros[places]), 0)

    def zeros_at_sparsity(self, places: Places, sparsity: float) -> Places:
        """Weights that each layer's threshold for this sparsity zeroes: equal magnitudes go together.

        Args:
            places: which layers, shape (L,).
            sparsity: 0…1, as asked.
        """
        asked = np.rint(sparsity * self._num_weights[places]).astype(np.int64)
        start, steps = self._start[places] + 1, self._steps[places]
        place = np.minimum(_first_at_least(self._flat, start, steps, asked), steps - 1)
        reached = self._flat[start + place]
        zeros = np.maximum(asked, np.where(self._is_exact[places], reached, self._own_zeros[places]))
        return np.where(asked > 0, zeros, 0)

    def common_threshold(self, places: Places, sparsity: float) -> float:
        """The one threshold that zeroes this fraction of the weights of these layers together.

        Args:
            places: which layers, shape (L,).
            sparsity: 0…1.
        """
        wanted = round(sparsity * int(self._num_weights[places].sum()))
        if wanted == 0:
            return 0.0
        exact, even = places[self._is_exact[places]], places[~self._is_exact[places]]
        together = self._put_together(exact)
        if not even.size:
            place = min(int(together.counts.searchsorted(wanted)), together.counts.size - 1)
            return float(np.nextafter(together.levels[place], np.float32(np.inf)))
        low, high = 0.0, float(np.nextafter(self._largest[places].max(), np.inf))
        for _ in range(_BISECTIONS):
            middle = (low + high) / 2
            lower = int(together.levels.searchsorted(np.float32(middle)))
            below = int(together.counts[lower - 1]) if lower else 0
            if below + float(self._count_even(even, middle).sum()) < wanted:
                low = middle
            else:
                high = middle
        return high

    def _count_even(self, places: Places, threshold: float) -> npt.NDArray[np.float64]:
        """Weights below a threshold where the steps are even, linear between them."""
        start, steps = self._start[places], self._steps[places]
        position = np.minimum(threshold / self._largest[places], 1.0) * steps
        lower = np.minimum(position.astype(np.int64), steps - 1)
        below, above = self._flat[start + lower], self._flat[start + lower + 1]
        return np.asarray(below + (position - lower) * (above - below), np.float64)

    def _put_together(self, places: Places) -> _Together:
        """Sorted once for a group of layers: a drag asks for many thresholds of the same ones."""
        key = places.tobytes()
        if self._together is None or self._together[0] != key:
            levels = np.concatenate([self._of(self._levels, place) for place in places] or [np.zeros(0)])
            number = np.concatenate([np.diff(self._of(self._flat, place, 0)) for place in places] or [np.zeros(0)])
            order = np.argsort(levels, kind="stable")
            found = _Together(levels[order].astype(np.float32), np.cumsum(number[order]).astype(np.int64))
            self._together = key, found
        return self._together[1]

    def _of(self, flat: npt.NDArray[np.generic], place: int, first: int = 1) -> npt.NDArray[np.generic]:
        start = int(self._start[place])
        return flat[start + first : start + 1 + int(self._steps[place])]


def _first_at_least(flat: npt.NDArray[np.generic], start: Places, size: Places, wanted: object) -> Places:
    """In each rising stretch of `flat` the first place whose value is at least what is wanted; its size if none is."""
    low, high = np.zeros_like(start), size.copy()
    while (is_open := low < high).any():
        middle = (low + high) // 2
        below = flat[start + np.minimum(middle, size - 1)] < wanted
        low = np.where(is_open & below, middle + 1, low)
        high = np.where(is_open & ~below, middle, high)
    return low


def _is_exact(layer: Layer) -> bool:
    return layer.statistics is not None and layer.statistics.levels is not None


def _table(layer: Layer) -> Places:
    """Cumulative counts, and before them what lies below the first step: of exact ones nothing, else the zeros."""
    if layer.statistics is None or not layer.statistics.magnitudes.size:
        return np.zeros(2, np.int64)
    first = 0 if _is_exact(layer) else own_zeros(layer)
    return np.concatenate(([first], layer.statistics.magnitudes)).astype(np.int64)


def _levels(layer: Layer, size: int) -> npt.NDArray[np.float32]:
    """The steps beside those counts, where they are not even."""
    if layer.statistics is None or layer.statistics.levels is None:
        return np.zeros(size, np.float32)
    return np.concatenate((np.zeros(1, np.float32), layer.statistics.levels))
