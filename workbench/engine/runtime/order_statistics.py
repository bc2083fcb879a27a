"""Quantiles of measured times with intervals that assume nothing of their distribution."""

import math

import numpy as np
import numpy.typing as npt

from workbench.engine.core.measurement import Figure, Origin

_TAIL = 0.025


def quantile_figure(values: npt.NDArray[np.float64], share: float, unit: str) -> Figure:
    """A quantile with an interval that covers the true one in at least 95 % of cases.

    Args:
        values: independent measurements, shape (N,), in `unit`.
        share: 0…1; 0.5 for the median.
        unit: of the values.

    Returns:
        A figure without interval where N is too small for one: below 6 for the median, below 36 for 0.9.
    """
    ordered = np.sort(values)
    low, high = quantile_ranks(ordered.size, share)
    has_interval = low >= 1 and high <= ordered.size
    return Figure(
        float(np.quantile(ordered, share)),
        unit,
        Origin.MEASURED,
        float(ordered[low - 1]) if has_interval else None,
        float(ordered[high - 1]) if has_interval else None,
        int(ordered.size),
    )


def quantile_ranks(count: int, share: float) -> tuple[int, int]:
    """Ranks, from 1, of the order statistics between which the quantile lies with at least 95 %.

    Rank 0 or count + 1 means that no measured value is low or high enough.

    >>> quantile_ranks(10, 0.5)
    (2, 9)

    Source: David & Nagaraja, Order Statistics (3rd ed.), section 7.1: P(X(r) ≤ ξ < X(s)) is the sum of
    binomial probabilities from r to s − 1.
    """
    cumulative = np.cumsum([_binomial(count, share, successes) for successes in range(count + 1)])
    # The probability of fewer than r successes is in the lower tail; of s or more, in the upper.
    low = int(np.searchsorted(cumulative, _TAIL, side="right"))
    high = int(np.searchsorted(cumulative, 1 - _TAIL, side="left")) + 1
    return low, high


def _binomial(count: int, share: float, successes: int) -> float:
    failures = count - successes
    ways = math.lgamma(count + 1) - math.lgamma(successes + 1) - math.lgamma(failures + 1)
    return math.exp(ways + successes * math.log(share) + failures * math.log1p(-share))
