"""Outputs that say something of many positions of a sample, such as pixels, anchors or tokens: a class at each."""

import math
from collections.abc import Sequence

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


def num_classes(shape: Sequence[int | str]) -> int | None:
    """How many classes an output of this shape tells apart, two of a single score; None where it does not say.

    Args:
        shape: of the output, first axis by sample; dimensions that are no numbers are free.

    >>> num_classes(("N", 21, 64, 64)), num_classes(("N", "tokens", 5)), num_classes(("N", "classes"))
    (21, 5, None)
    """
    if len(shape) < 2:
        return 2 if shape else None
    sizes = [dim if isinstance(dim, int) else None for dim in shape]
    if all(size is not None for size in sizes[1:]) and sum(size != 1 for size in sizes[1:]) <= 1:
        return max(2, math.prod(size for size in sizes[1:] if size is not None))
    classes = sizes[-1]
    if len(shape) >= 4:
        second, last = sizes[1], sizes[-1]
        # Which axis of a map has the classes is told by comparing the two.
        if second is None or last is None:
            return None
        classes = second if second <= last else last
    return None if classes is None else max(2, classes)


def classes_by_position(output: Array) -> npt.NDArray[np.int32]:
    """The best class at each position, shape (N, positions)."""
    best = np.asarray(output, np.float32).argmax(axis=class_axis(output))
    return np.asarray(best.reshape(len(output), -1), np.int32)
