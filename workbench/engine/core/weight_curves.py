"""Tables of one weight tensor, computed once, from which every drag reads.

Building costs one sort, O(n log n) for n weights; each look-up is O(log of the table's size).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

NUM_BINS = 2048
NUM_QUANTILES = 65_537


@dataclass(frozen=True, slots=True, eq=False)
class WeightCurves:
    """Histogram, quantiles of |w| and channel ranges of one weight tensor.

    Args:
        num_weights: number of weights, finite or not.
        counts: histogram, shape (2048,), over [low, high].
        magnitude_quantiles: quantiles of |w|, float32, at `size` equal steps of probability 0…1,
            at most 65,537 of them.
        channel_low, channel_high: range of each output channel, shape (C,), float32.
        mean, std, kurtosis: moments of the finite weights; kurtosis is 3 for a normal distribution.
    """

    num_weights: int
    low: float
    high: float
    counts: npt.NDArray[np.int64]
    magnitude_quantiles: npt.NDArray[np.float32]
    channel_low: npt.NDArray[np.float32]
    channel_high: npt.NDArray[np.float32]
    mean: float
    std: float
    kurtosis: float

    @property
    def max_magnitude(self) -> float:
        """Largest |w|."""
        return float(self.magnitude_quantiles[-1])

    def sparsity_at(self, threshold: float) -> float:
        """Fraction of weights with |w| < threshold, read from the quantile table."""
        table = self.magnitude_quantiles
        if threshold <= 0:
            return 0.0
        # float32: a Python float would make numpy copy the whole table to float64.
        position = int(np.searchsorted(table, np.float32(threshold), side="left"))
        if position in (0, table.size):
            return 1.0 if position else 0.0
        below, above = float(table[position - 1]), float(table[position])
        inside = (threshold - below) / (above - below) if above > below else 0.0
        return (position - 1 + inside) / (table.size - 1)

    def threshold_at(self, sparsity: float) -> float:
        """The smallest threshold that zeroes this fraction; beyond 65,537 weights to within a step of the table."""
        table = self.magnitude_quantiles
        num_zeros = round(min(1.0, sparsity) * self.num_weights)
        if num_zeros <= 0:
            return 0.0
        if table.size == self.num_weights:
            return float(np.nextafter(table[num_zeros - 1], np.float32(np.inf)))
        position = min(1.0, sparsity) * (table.size - 1)
        lower = int(position)
        upper = min(lower + 1, table.size - 1)
        value = float(table[lower]) + (position - lower) * (float(table[upper]) - float(table[lower]))
        return float(np.nextafter(np.float32(value), np.float32(np.inf)))


def build_weight_curves(weight: npt.NDArray[np.float32], channel_axes: Sequence[int]) -> WeightCurves:
    """The tables of one weight tensor; values that are not finite are left out.

    Args:
        weight: any shape, not empty.
        channel_axes: the axes of the output channels; none for one channel.
    """
    flat = weight.reshape(-1)
    finite = flat if bool(np.isfinite(flat).all()) else flat[np.isfinite(flat)]
    if finite.size == 0:
        finite = np.zeros(1, np.float32)
    low, high = float(finite.min()), float(finite.max())
    channel_low, channel_high = _channel_ranges(weight, channel_axes)
    mean, std = float(finite.mean(dtype=np.float64)), float(finite.std(dtype=np.float64))
    return WeightCurves(
        num_weights=flat.size,
        low=low,
        high=high,
        counts=_histogram(finite, low, high),
        magnitude_quantiles=_magnitude_quantiles(finite),
        channel_low=channel_low,
        channel_high=channel_high,
        mean=mean,
        std=std,
        kurtosis=_kurtosis(finite, mean, std),
    )


def _histogram(finite: npt.NDArray[np.float32], low: float, high: float) -> npt.NDArray[np.int64]:
    """Counts by bincount on scaled values: a third of the time of np.histogram."""
    if high <= low:
        counts = np.zeros(NUM_BINS, np.int64)
        counts[NUM_BINS // 2] = finite.size
        return counts
    position = (finite - np.float32(low)) * np.float32(NUM_BINS / (high - low))
    bins = np.minimum(position.astype(np.int32), NUM_BINS - 1)
    return np.bincount(bins, minlength=NUM_BINS).astype(np.int64)


def _magnitude_quantiles(finite: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    magnitudes = np.abs(finite)
    magnitudes.sort()
    if magnitudes.size <= NUM_QUANTILES:
        return magnitudes if magnitudes.size > 1 else np.repeat(magnitudes, 2)
    position = np.linspace(0, magnitudes.size - 1, NUM_QUANTILES).round().astype(np.int64)
    return magnitudes[position]


def _channel_ranges(
    weight: npt.NDArray[np.float32], channel_axes: Sequence[int]
) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
    clean = weight if bool(np.isfinite(weight).all()) else np.nan_to_num(weight, nan=0.0, posinf=0.0, neginf=0.0)
    others = tuple(other for other in range(clean.ndim) if other not in channel_axes)
    low, high = clean.min(axis=others).reshape(-1), clean.max(axis=others).reshape(-1)
    return low.astype(np.float32), high.astype(np.float32)


def _kurtosis(finite: npt.NDArray[np.float32], mean: float, std: float) -> float:
    if std == 0:
        return 0.0
    centred = (finite - np.float32(mean)) / np.float32(std)
    squared = centred * centred
    return float(np.mean(squared * squared, dtype=np.float64))
