"""One option for every choice, and what that adds up to."""

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Picks = npt.NDArray[np.int64]

# Sums of floats that mathematics has equal differ by so much of themselves.
ROUNDING = 1e-9


def most(limit: float) -> float:
    """A little more than the limit, as sums of floats are not exact."""
    return limit + ROUNDING * abs(limit)


def total(values: Floats, picks: Picks) -> float:
    """The sum over all choices.

    Args:
        values: of each option, shape (N, O).
        picks: number of the option of every choice, shape (N,).
    """
    return float(values[np.arange(len(values)), picks].sum())
