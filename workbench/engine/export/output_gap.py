"""How far two outputs of the same samples lie apart."""

import numpy as np
import numpy.typing as npt


def output_gap(expected: npt.NDArray[np.generic], found: npt.NDArray[np.generic]) -> float:
    """Largest absolute difference; infinite where one is NaN or infinite and the other is not, or the shapes differ.

    Outputs that are no numbers are the same, or infinitely far apart.

    >>> output_gap(np.array([1.0, np.inf]), np.array([1.5, np.inf]))
    0.5
    """
    if expected.shape != found.shape:
        return float("inf")
    if expected.dtype.kind not in "fiub":
        return 0.0 if np.array_equal(expected, found) else float("inf")
    one, two = expected.astype(np.float64), found.astype(np.float64)
    same = (one == two) | (np.isnan(one) & np.isnan(two))
    # Infinities are subtracted too, only to be left out.
    with np.errstate(invalid="ignore"):
        gap = np.where(same, 0.0, np.nan_to_num(np.abs(one - two), nan=np.inf, posinf=np.inf))
    return float(gap.max(initial=0.0))


def largest_magnitude(output: npt.NDArray[np.generic]) -> float:
    """Of all finite values; 0 if there are none, or no numbers.

    >>> largest_magnitude(np.array([-3.0, np.inf, 2.0]))
    3.0
    """
    if output.dtype.kind not in "fiub":
        return 0.0
    values = output.astype(np.float64)
    return float(np.abs(values[np.isfinite(values)]).max(initial=0.0))
