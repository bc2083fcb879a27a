"""How many weights of a layer lie below a threshold, and which threshold zeroes how many, from its cumulative table."""

import math

import numpy as np

from workbench.engine.core.layer import Layer, WeightStatistics


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


def sparsity_at(layer: Layer, threshold: float) -> float:
    """Fraction of a layer's finite weights with |w| < threshold, to within a step of its table."""
    if layer.statistics is None or threshold <= 0 or not layer.statistics.magnitudes.size:
        return 0.0
    if threshold > max_magnitude(layer):
        return 1.0
    return _count_below(layer, layer.statistics, threshold) / max(1, int(layer.statistics.magnitudes[-1]))


def threshold_at(layer: Layer, sparsity: float) -> float:
    """The threshold that zeroes this fraction of a layer's weights, to within a step of its table."""
    statistics, largest = layer.statistics, max_magnitude(layer)
    if statistics is None or sparsity <= 0 or not statistics.magnitudes.size:
        return 0.0
    table, levels = statistics.magnitudes, statistics.levels
    wanted = sparsity * int(table[-1])
    if levels is not None:
        place = int(table.searchsorted(max(1, round(wanted))))
        # As the engine does: the smallest threshold that is above the last weight to go, and those like it.
        return float(np.nextafter(levels[place], np.float32(np.inf))) if round(wanted) else 0.0
    # The smallest step whose count reaches what is wanted; int64 against a float would copy the table.
    upper = min(int(table.searchsorted(math.ceil(wanted))), table.size - 1)
    below = int(table[upper - 1]) if upper else 0
    step = int(table[upper]) - below
    return largest * (upper + ((wanted - below) / step if step else 1.0)) / table.size


def _count_below(layer: Layer, statistics: WeightStatistics, threshold: float) -> float:
    """Weights with |w| < threshold: exact where the steps are all there is, else linear between them."""
    table, levels = statistics.magnitudes, statistics.levels
    if levels is not None:
        # float32, as the weights are: the double 0.3 is not the weight 0.3, and the rule is strict.
        lower = int(levels.searchsorted(np.float32(threshold)))
        return float(table[lower - 1]) if lower else 0.0
    position = threshold / max_magnitude(layer) * table.size
    lower = min(int(position), table.size - 1)
    below = float(table[lower - 1]) if lower else float(own_zeros(layer))
    return below + (position - lower) * (float(table[lower]) - below)
