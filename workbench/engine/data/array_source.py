"""Samples that are arrays already, with labels or targets."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import numpy.typing as npt

from workbench.engine.core.errors import DataError

Array = npt.NDArray[np.generic]
_SAMPLE_NAME, _LABEL_NAME = "x", "y"


@dataclass(frozen=True, slots=True, eq=False)
class ArraySource:
    """Arrays whose first axis counts the samples.

    Args:
        arrays: the samples, by input name; "x" where there is one input.
        labels: of each sample, shape (N,); None if there are none.
        targets: images that the outputs should be like, shape (N, …); None if there are none.
        digest: SHA-256 of the files.
        refused: why other arrays cannot be samples, by name; an error only where a model asks for one of them.
    """

    path: Path
    arrays: Mapping[str, Array]
    labels: npt.NDArray[np.int64] | None
    targets: Array | None
    digest: str
    refused: Mapping[str, str] = field(default_factory=dict)

    @property
    def names(self) -> tuple[str, ...]:
        """The samples have no names; their numbers stand for them."""
        return tuple(str(index) for index in range(len(next(iter(self.arrays.values())))))


def array_source(path: Path, arrays: Mapping[str, Array], digest: str) -> ArraySource:
    """Arrays by name, `y` taken as the labels, or as the target images if it has more than one axis.

    Raises:
        DataError: the samples `x` or the labels are empty, of objects, or of different lengths; nothing else can be
            samples; or labels are no whole numbers.
    """
    names = [name for name in arrays if name != _LABEL_NAME]
    if not names:
        raise DataError(f"{path}: has no array `x`", "name the samples x and the labels y")
    counting = next((name for name in (_SAMPLE_NAME, _LABEL_NAME) if name in arrays), names[0])
    problems = {name: _problem(name, arrays, counting) for name in arrays}
    refused = {name: problem for name, problem in problems.items() if problem}
    needed = [name for name in (_SAMPLE_NAME, _LABEL_NAME) if name in refused]
    if needed or len([name for name in names if name in refused]) == len(names):
        raise DataError(f"{path}: {refused[(needed or names)[0]]}", "save one number or array of numbers a sample")
    inputs = {name: arrays[name] for name in names if name not in refused}
    labels, targets = _labels_or_targets(path, arrays.get(_LABEL_NAME))
    return ArraySource(path, inputs, labels, targets, digest, refused)


def _problem(name: str, arrays: Mapping[str, Array], counting: str) -> str:
    """Why an array cannot hold something of each sample, of which there are as many as in `counting`; else empty."""
    array = arrays[name]
    if array.dtype.kind not in "fiub":
        held = "Python objects" if array.dtype.hasobject else str(array.dtype)
        return f"array {name!r} holds {held}, not numbers"
    if array.ndim == 0 or len(array) == 0:
        return f"array {name!r} holds no samples"
    count = len(arrays[counting]) if arrays[counting].ndim else 0
    return f"{len(array)} entries in {name!r}, {count} in {counting!r}" if len(array) != count else ""


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
