"""Samples that are arrays already, with labels or targets."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from workbench.engine.core.errors import DataError

Array = npt.NDArray[np.generic]
_LABEL_NAME = "y"


@dataclass(frozen=True, slots=True, eq=False)
class ArraySource:
    """Arrays whose first axis counts the samples.

    Args:
        arrays: the samples, by input name; "x" where there is one input.
        labels: of each sample, shape (N,); None if there are none.
        targets: images that the outputs should be like, shape (N, …); None if there are none.
        digest: SHA-256 of the files.
    """

    path: Path
    arrays: Mapping[str, Array]
    labels: npt.NDArray[np.int64] | None
    targets: Array | None
    digest: str

    @property
    def names(self) -> tuple[str, ...]:
        """The samples have no names; their numbers stand for them."""
        return tuple(str(index) for index in range(len(next(iter(self.arrays.values())))))


def array_source(path: Path, arrays: Mapping[str, Array], digest: str) -> ArraySource:
    """Arrays by name, `y` taken as the labels, or as the target images if it has more than one axis.

    Raises:
        DataError: an array is empty, of objects, or of another length; or labels are no whole numbers.
    """
    inputs = {name: array for name, array in arrays.items() if name != _LABEL_NAME}
    if not inputs:
        raise DataError(f"{path}: has no array `x`", "name the samples x and the labels y")
    first = next(iter(inputs))
    for name, array in arrays.items():
        if array.dtype.kind not in "fiub":
            raise DataError(f"{path}: array {name!r} holds {array.dtype}, not numbers", "save it as numbers")
        if array.ndim == 0 or len(array) == 0:
            raise DataError(f"{path}: array {name!r} holds no samples", "its first axis must count the samples")
        if len(array) != len(inputs[first]):
            raise DataError(
                f"{path}: {len(array)} entries in {name!r}, {len(inputs[first])} in {first!r}", "give one a sample"
            )
    labels, targets = _labels_or_targets(path, arrays.get(_LABEL_NAME))
    return ArraySource(path, inputs, labels, targets, digest)


def _labels_or_targets(path: Path, y: Array | None) -> tuple[npt.NDArray[np.int64] | None, Array | None]:
    if y is None:
        return None, None
    if y.ndim == 2 and y.shape[1] == 1:
        y = y[:, 0]
    if y.ndim >= 3:
        return None, y
    whole = y.astype(np.int64)
    if y.ndim != 1 or not np.array_equal(whole, y):
        raise DataError(f"{path}: `y` must be one whole number for each sample", "give class numbers, not one-hot rows")
    return whole, None
