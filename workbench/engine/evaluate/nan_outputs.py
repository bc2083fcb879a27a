"""Outputs that are no numbers: a best class is found in them all the same, so that a figure alone does not tell."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt


def num_with_nan(outputs: Sequence[npt.NDArray[np.generic]], count: int) -> int:
    """How many of so many samples have NaN in one of the outputs; an output that is not by sample is of all of them."""
    has_nan = np.zeros(count, np.bool_)
    for output in outputs:
        if output.dtype.kind == "f":
            rows = count if output.ndim and len(output) == count else 1
            has_nan |= np.isnan(output).reshape(rows, -1).any(axis=1)
    return int(has_nan.sum())
