"""Range by entropy: the clipping that changes the tensor's distribution least, as TensorRT calibrates."""

import numpy as np
import numpy.typing as npt

from workbench.engine.core.tensor_statistics import HALF_BINS, TensorStatistics

_NUM_BINS = 2048
_NUM_TRIES = 64


def entropy_range(statistics: TensorStatistics, num_bits: int) -> tuple[float, float]:
    """The range whose quantized distribution has the least Kullback-Leibler divergence from the real one.

    Magnitudes are clipped at a common limit. What lies beyond counts to the last bin that is kept; the first bin,
    around zero, does not count.

    Args:
        statistics: of the tensor, with a histogram.
        num_bits: of the codes.

    Returns:
        (low, high), low <= 0 <= high, no wider than min-max.

    Source: Migacz 2017, 8-bit inference with TensorRT, slides 23 to 38.
    """
    is_one_sided = statistics.low >= 0 or statistics.high <= 0
    num_codes = 1 << (num_bits if is_one_sided else num_bits - 1)
    above, below = statistics.counts[HALF_BINS:], statistics.counts[:HALF_BINS][::-1]
    magnitudes = (above + below).astype(np.float64)
    width = statistics.bin_width * HALF_BINS / _NUM_BINS
    magnitudes = magnitudes.reshape(_NUM_BINS, -1).sum(axis=1)
    # Zeros of a Relu have an exact code whatever the range: they would outweigh everything else.
    magnitudes[0] = magnitudes[1]
    used = np.flatnonzero(magnitudes) + 1
    # A range that ends in an empty bin would count what it clips as impossible.
    tries = used[used >= min(int(used[-1]), num_codes)] if used.size else np.array([_NUM_BINS])
    tries = tries[np.unique(np.linspace(0, len(tries) - 1, _NUM_TRIES).astype(int))]
    best = min(tries, key=lambda kept: _divergence(magnitudes, int(kept), num_codes))
    limit = float(best) * width
    return max(min(0.0, statistics.low), -limit), min(max(0.0, statistics.high), limit)


def _divergence(magnitudes: npt.NDArray[np.float64], kept: int, num_codes: int) -> float:
    """KL divergence, in nats, of the distribution of `num_codes` codes over the first `kept` bins."""
    real = magnitudes[:kept].copy()
    beyond = magnitudes[kept:].sum()
    real[-1] += beyond
    is_used = magnitudes[:kept] > 0
    # Every code stands for the bins that it covers, and is spread evenly over those that hold anything.
    code_of_bin = np.minimum(np.arange(kept) * num_codes // kept, num_codes - 1)
    total = np.bincount(code_of_bin, magnitudes[:kept], num_codes)
    used = np.bincount(code_of_bin, is_used, num_codes)
    spread = np.where(is_used, total[code_of_bin] / np.maximum(used[code_of_bin], 1), 0.0)
    if not spread.any():
        return float("inf")
    p, q = real / real.sum(), spread / spread.sum()
    # A bin that only the clipped values fill has no counterpart: it counts with the smallest share there is.
    q = np.maximum(q, 1e-12)
    both = p > 0
    return float(np.sum(p[both] * np.log(p[both] / q[both])))
