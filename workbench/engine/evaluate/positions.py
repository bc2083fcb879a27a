"""Outputs that say something of many positions of a sample, such as pixels, anchors or tokens: a class at each."""

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.generic]


def has_positions(output: Array) -> bool:
    """Whether more than one dimension of a sample counts something, so that it is no single row of scores.

    Args:
        output: shape (N, …), first axis by sample.
    """
    return sum(1 for size in output.shape[1:] if size != 1) > 1


def class_axis(output: Array) -> int:
    """The axis along which scores stand for classes: the last, or of maps (N, C, H, W) the second where it is short."""
    is_map = output.ndim >= 4 and output.shape[1] <= output.shape[-1]
    return 1 if is_map else output.ndim - 1


def classes_by_position(output: Array) -> npt.NDArray[np.int32]:
    """The best class at each position, shape (N, positions)."""
    best = np.asarray(output, np.float32).argmax(axis=class_axis(output))
    return np.asarray(best.reshape(len(output), -1), np.int32)
