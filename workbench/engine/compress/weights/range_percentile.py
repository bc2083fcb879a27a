"""Range by percentile: a small share of the largest weights is clipped."""

import numpy as np
import numpy.typing as npt

from workbench.engine.compress.weights.affine import QuantParams, params_for_range

KEPT_PERCENT = 99.9


def percentile_params(rows: npt.NDArray[np.float32], num_bits: int, *, symmetric: bool) -> QuantParams:
    """Scales that cover 99.9 % of each row: of |w| if symmetric, otherwise half of the rest cut at each end.

    Args:
        rows: shape (scales, weights).
        num_bits: 2 to 16.
        symmetric: with zero point 0.

    Returns:
        QuantParams with scale and zero_point of shape (scales,).
    """
    if symmetric:
        high = np.percentile(np.abs(rows), KEPT_PERCENT, axis=1).astype(np.float32)
        return params_for_range(-high, high, num_bits, symmetric=True)
    tail = (100 - KEPT_PERCENT) / 2
    low, high = np.percentile(rows, [tail, 100 - tail], axis=1).astype(np.float32)
    return params_for_range(low, high, num_bits, symmetric=False)
