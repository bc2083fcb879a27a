"""Range by min-max: nothing is clipped."""

import numpy as np
import numpy.typing as npt

from workbench.engine.compress.weights.affine import QuantParams, params_for_range


def minmax_params(rows: npt.NDArray[np.float32], num_bits: int, *, symmetric: bool) -> QuantParams:
    """Scales that cover each row from its minimum to its maximum.

    Args:
        rows: shape (scales, weights).
        num_bits: 2 to 16.
        symmetric: with zero point 0.

    Returns:
        QuantParams with scale and zero_point of shape (scales,).
    """
    return params_for_range(rows.min(axis=1), rows.max(axis=1), num_bits, symmetric=symmetric)
