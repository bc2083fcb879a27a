"""Range by least squared error: the range is shrunk as long as finer steps gain more than clipping costs."""

import numpy as np
import numpy.typing as npt

from workbench.engine.compress.weights.affine import QuantParams, params_for_range

_SMALLEST_SHRINK = 0.2
_NUM_COARSE = 17
_NUM_FINE = 9
# Keeps the temporaries of some tries inside the cache; of a small layer many are made at once.
_WEIGHTS_AT_ONCE = 1 << 18

Floats = npt.NDArray[np.float32]


def mse_params(rows: npt.NDArray[np.float32], num_bits: int, *, symmetric: bool) -> QuantParams:
    """Scales that leave each row with the least squared error.

    Both ends of the min-max range are shrunk by a common factor from 0.2 to 1: seventeen tries, then nine
    around the best one. The error is not convex in the factor, so this is the best of the tries.

    Args:
        rows: shape (scales, weights).
        num_bits: 2 to 16.
        symmetric: with zero point 0.

    Returns:
        QuantParams with scale and zero_point of shape (scales,). Cost: 26 passes over the weights.

    Source: the criterion is that of Sung et al. 2015 (arXiv:1511.06488), section 3.
    """
    num_rows, length = rows.shape
    step = max(1, _WEIGHTS_AT_ONCE // max(1, length))
    low, high = rows.min(axis=1), rows.max(axis=1)
    shrink = np.ones(num_rows, np.float32)
    for start in range(0, num_rows, step):
        part = slice(start, start + step)
        shrink[part] = _best_shrink(rows[part], low[part], high[part], num_bits, symmetric)
    return params_for_range(low * shrink, high * shrink, num_bits, symmetric=symmetric)


def _best_shrink(rows: Floats, low: Floats, high: Floats, num_bits: int, symmetric: bool) -> npt.NDArray[np.float32]:
    best = np.ones(len(rows), np.float32)
    least = np.full(len(rows), np.inf)

    def attempt(factors: Floats) -> None:
        """Several of each row, shape (tries, rows)."""
        at_once = max(1, _WEIGHTS_AT_ONCE // max(1, rows.size))
        for start in range(0, len(factors), at_once):
            some = factors[start : start + at_once]
            errors = _squared_errors(rows, params_for_range(low * some, high * some, num_bits, symmetric=symmetric))
            # Of equally good ones the first.
            places = errors.argmin(axis=0)[None]
            found = np.take_along_axis(errors, places, axis=0)[0]
            better = found < least
            best[better], least[better] = np.take_along_axis(some, places, axis=0)[0, better], found[better]

    coarse = np.linspace(1.0, _SMALLEST_SHRINK, _NUM_COARSE, dtype=np.float32)
    attempt(np.tile(coarse[:, None], len(rows)))
    width = float(coarse[0] - coarse[1])
    offsets = np.linspace(-width, width, _NUM_FINE + 2, dtype=np.float32)[1:-1, None]
    attempt(np.clip(best + offsets, np.float32(0.01), np.float32(1.0)))
    return best


def _squared_errors(rows: Floats, params: QuantParams) -> npt.NDArray[np.float64]:
    """Σ(x − x̂)² of each row with scales of shape (tries, rows), in that shape; in place, as weights are many."""
    scale = params.scale[..., None]
    zero_point = params.zero_point[..., None].astype(np.float32)
    codes = rows / scale
    np.rint(codes, out=codes)
    np.clip(codes, params.code_min - zero_point, params.code_max - zero_point, out=codes)
    codes *= scale
    codes -= rows
    errors: npt.NDArray[np.float64] = np.einsum("tij,tij->ti", codes, codes, dtype=np.float64)
    return errors
