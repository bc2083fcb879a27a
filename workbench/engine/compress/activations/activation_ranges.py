"""Ranges of activations from their statistics: by min-max, percentile or least squared error."""

import numpy as np
import numpy.typing as npt

from workbench.engine.compress.activations.range_entropy import entropy_range
from workbench.engine.compress.weights.affine import QuantParams, fake_quantize, params_for_range
from workbench.engine.core.recipe import ActivationSettings
from workbench.engine.core.tensor_statistics import TensorStatistics

KEPT_PERCENT = 99.99
_SMALLEST_SHRINK = 0.3
_NUM_TRIES = 36
# With fewer bins to a step than this the histogram cannot tell which range is better.
_LEAST_BINS_PER_STEP = 2

Range = tuple[float, float]


def activation_range(statistics: TensorStatistics, settings: ActivationSettings) -> Range:
    """The range that quantization should keep: (low, high), low <= 0 <= high.

    Args:
        statistics: of the tensor; with a histogram for all methods but min-max.
        settings: bits and range estimator.
    """
    low, high = min(0.0, statistics.low), max(0.0, statistics.high)
    if settings.range == "minmax" or not statistics.counts.any():
        return low, high
    if (high - low) / (1 << settings.bits) < _LEAST_BINS_PER_STEP * statistics.bin_width:
        return low, high
    if settings.range == "percentile":
        return percentile_range(statistics)
    if settings.range == "entropy":
        return entropy_range(statistics, settings.bits)
    return mse_range(statistics, settings)


def percentile_range(statistics: TensorStatistics, kept_percent: float = KEPT_PERCENT) -> Range:
    """The range that leaves half of the rest outside at each end; never wider than min-max.

    Args:
        statistics: of the tensor, with a histogram.
        kept_percent: share of the values that is kept, in percent.
    """
    total = statistics.counts.sum()
    tail = total * (100 - kept_percent) / 200
    summed = np.cumsum(statistics.counts)
    edges = statistics.centers
    half = statistics.bin_width / 2
    first = int(np.searchsorted(summed, tail, side="right"))
    last = int(np.searchsorted(summed, total - tail, side="left"))
    low, high = edges[min(first, len(edges) - 1)] - half, edges[min(last, len(edges) - 1)] + half
    return max(min(0.0, low), min(0.0, statistics.low)), min(max(0.0, high), max(0.0, statistics.high))


def mse_range(statistics: TensorStatistics, settings: ActivationSettings) -> Range:
    """The range with the least squared error: both ends are shrunk by a common factor.

    Args:
        statistics: of the tensor, with a histogram.
        settings: bits and symmetry.

    Source: the criterion is that of Sung et al. 2015 (arXiv:1511.06488), section 3.
    """
    used = statistics.counts > 0
    values = statistics.centers[used].astype(np.float32)
    counts = statistics.counts[used].astype(np.float64)
    low, high = min(0.0, statistics.low), max(0.0, statistics.high)

    def error(factor: float) -> float:
        params = params_of_range((low * factor, high * factor), settings)
        difference = fake_quantize(values, params) - values
        return float(np.sum(counts * np.square(difference, dtype=np.float64)))

    factors = np.linspace(1.0, _SMALLEST_SHRINK, _NUM_TRIES)
    best = float(min(factors, key=error))
    return low * best, high * best


def params_of_range(kept: Range, settings: ActivationSettings) -> QuantParams:
    """Scale and zero point of one tensor, both of shape (), for a range that holds zero.

    Unsigned symmetric codes have their zero in the middle, 2^(b−1); signed asymmetric ones are the unsigned
    codes less 2^(b−1).
    """
    low, high = (np.asarray(limit, np.float32) for limit in kept)
    params = params_for_range(low, high, settings.bits, symmetric=settings.symmetric)
    if params.signed == settings.signed:
        return params
    shift = np.int32(1 << (settings.bits - 1)) * (-1 if settings.signed else 1)
    zero_point: npt.NDArray[np.int32] = (params.zero_point + shift).astype(np.int32)
    return QuantParams(params.scale, zero_point, settings.bits, settings.signed)
