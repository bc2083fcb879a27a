"""Pruning of single weights by magnitude: |w| < threshold becomes zero."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt


def kept_mask(weight: npt.NDArray[np.float32], threshold: float) -> npt.NDArray[np.bool_]:
    """Which weights stay: those with |w| >= threshold. Same shape as the weight.

    >>> int((~kept_mask(np.float32([0.2, 0.3, -0.1]), 0.3)).sum())
    2
    """
    # float32, as the weights are: the double 0.3 is not the weight 0.3, and the rule is strict.
    return np.abs(weight) >= np.float32(threshold)


def threshold_for_sparsity(weights: Sequence[npt.NDArray[np.float32]], sparsity: float) -> float:
    """The smallest threshold that zeroes at least this fraction of all the weights together.

    Args:
        weights: tensors that get one common threshold; finite values.
        sparsity: 0…1.

    Returns:
        A float32 value; 0 if nothing has to go. Weights of equal magnitude go together, so the
        sparsity reached can be higher than asked.
    """
    total = sum(weight.size for weight in weights)
    num_zeros = round(sparsity * total)
    if num_zeros == 0:
        return 0.0
    magnitudes = np.concatenate([np.abs(weight).reshape(-1) for weight in weights])
    last_zeroed = np.partition(magnitudes, num_zeros - 1)[num_zeros - 1]
    return float(np.nextafter(last_zeroed, np.float32(np.inf)))
