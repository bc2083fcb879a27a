"""How many weights lie below a threshold, and which threshold zeroes how many, from the layers' cumulative tables."""

import math

import numpy as np
import numpy.typing as npt

from workbench.engine.core.layer import Layer

_NEIGHBOURS = 4
_STANDS_OUT = 8
_BISECTIONS = 30  # 2^-30 of the largest weight is finer than float32


def own_zeros(layer: Layer) -> int:
    """Weights that are zero as the model comes."""
    return round(layer.statistics.sparsity * layer.num_weights) if layer.statistics is not None else 0


def max_magnitude(layer: Layer) -> float:
    """Largest |w| of a layer; 0 where the weights were not read."""
    statistics = layer.statistics
    if statistics is None:
        return 0.0
    largest = max(abs(statistics.minimum), abs(statistics.maximum))
    return largest if math.isfinite(largest) else 0.0


def zeros_below(layer: Layer, threshold: float) -> int:
    """Weights with |w| < threshold, to within a step of the table; never fewer than the zeros there are."""
    if layer.statistics is None or threshold <= 0 or not layer.statistics.magnitudes.size:
        return 0
    if threshold > max_magnitude(layer):
        return layer.num_weights
    return max(own_zeros(layer), round(_count_below(layer, threshold)))


def sparsity_at(layer: Layer, threshold: float) -> float:
    """Fraction of a layer's finite weights with |w| < threshold, to within a step of its table."""
    if layer.statistics is None or threshold <= 0 or not layer.statistics.magnitudes.size:
        return 0.0
    if threshold > max_magnitude(layer):
        return 1.0
    return _count_below(layer, threshold) / max(1, int(layer.statistics.magnitudes[-1]))


def threshold_at(layer: Layer, sparsity: float) -> float:
    """The threshold that zeroes this fraction of a layer's weights, to within a step of its table."""
    statistics, largest = layer.statistics, max_magnitude(layer)
    if statistics is None or sparsity <= 0 or not statistics.magnitudes.size:
        return 0.0
    table = statistics.magnitudes
    wanted = sparsity * int(table[-1])
    # The smallest step whose count reaches what is wanted; int64 against a float would copy the table.
    upper = min(int(table.searchsorted(math.ceil(wanted))), table.size - 1)
    below = int(table[upper - 1]) if upper else 0
    step = int(table[upper]) - below
    return largest * (upper + ((wanted - below) / step if step else 1.0)) / table.size


def _count_below(layer: Layer, threshold: float) -> float:
    """Weights with |w| < threshold, linear between the steps; for 0 < threshold <= max |w|."""
    assert layer.statistics is not None
    table = layer.statistics.magnitudes
    position = threshold / max_magnitude(layer) * table.size
    lower = min(int(position), table.size - 1)
    below = float(table[lower - 1]) if lower else 0.0
    return below + (position - lower) * (float(table[lower]) - below)


def zeros_at_sparsity(layer: Layer, sparsity: float) -> int:
    """Weights that the threshold for this sparsity zeroes: equal magnitudes go together, so it may be more.

    Args:
        layer: with statistics or without.
        sparsity: 0…1, as asked.
    """
    asked = round(sparsity * layer.num_weights)
    statistics = layer.statistics
    if asked == 0 or statistics is None or not statistics.magnitudes.size:
        return asked
    table = statistics.magnitudes
    place = min(int(np.searchsorted(table, asked)), table.size - 1)
    first, last = max(0, place - _NEIGHBOURS), min(table.size - 1, place + _NEIGHBOURS)
    here = int(table[place]) - int(table[place - 1] if place else 0)
    around = int(table[last]) - int(table[first - 1] if first else 0) - here
    # Weights that were quantized before lie on few levels; a step that stands out from its neighbours is one.
    is_level = here * 2 * _NEIGHBOURS > _STANDS_OUT * max(1, around)
    return max(asked, int(table[place])) if is_level else max(asked, own_zeros(layer))


class MagnitudeTables:
    """The tables of many layers behind each other, so that one threshold is one look-up for all."""

    def __init__(self, layers: list[Layer]) -> None:
        tables = [_table(layer) for layer in layers]
        sizes = np.array([table.size for table in tables], np.int64)
        self._flat = np.concatenate(tables) if tables else np.zeros(0, np.int64)
        self._start = np.cumsum(sizes) - sizes
        self._steps = sizes - 1
        self._largest = np.array([max_magnitude(layer) or 1.0 for layer in layers])
        self._counts = np.array([layer.num_weights for layer in layers], np.int64)

    def common_threshold(self, places: npt.NDArray[np.int64], sparsity: float) -> float:
        """The one threshold that zeroes this fraction of the weights of these layers together.

        Args:
            places: which layers, shape (L,).
            sparsity: 0…1.
        """
        wanted = round(sparsity * int(self._counts[places].sum()))
        if wanted == 0:
            return 0.0
        low, high = 0.0, float(np.nextafter(self._largest[places].max(), np.inf))
        start, steps, largest = self._start[places], self._steps[places], self._largest[places]
        for _ in range(_BISECTIONS):
            middle = (low + high) / 2
            position = np.minimum(middle / largest, 1.0) * steps
            lower = np.minimum(position.astype(np.int64), steps - 1)
            below, above = self._flat[start + lower], self._flat[start + lower + 1]
            if float(np.sum(below + (position - lower) * (above - below))) < wanted:
                low = middle
            else:
                high = middle
        return high


def _table(layer: Layer) -> npt.NDArray[np.int64]:
    if layer.statistics is None or not layer.statistics.magnitudes.size:
        return np.zeros(2, np.int64)
    return np.concatenate(([0], layer.statistics.magnitudes)).astype(np.int64)
