"""Decoded samples in memory, decoded when first asked for and kept up to a number of bytes."""

import math
import threading
from collections.abc import Callable

import numpy as np
import numpy.typing as npt

Pixels = npt.NDArray[np.uint8]


class SampleStore:
    """Samples of one shape. May be asked from several threads.

    Args:
        decode: gives a sample by its index; always the same shape.
        count: number of samples.
        shape: of one sample.
        max_bytes: samples beyond are decoded each time.
    """

    def __init__(self, decode: Callable[[int], Pixels], count: int, shape: tuple[int, ...], max_bytes: int) -> None:
        self._decode = decode
        capacity = min(count, max_bytes // max(1, math.prod(shape)))
        # np.empty takes no memory until a row is written, so few samples of many cost little.
        self._rows = np.empty((capacity, *shape), np.uint8)
        self._slots = np.full(count, -1, np.int64)
        self._num_kept = 0
        self._lock = threading.Lock()

    def rows(self, indices: npt.NDArray[np.int64]) -> Pixels:
        """The samples, shape (N, …). Raises what `decode` raises."""
        slots = self._slots[indices]
        missing = np.flatnonzero(slots < 0)
        if missing.size == 0:
            return self._rows[slots]
        batch = np.empty((len(indices), *self._rows.shape[1:]), np.uint8)
        known = np.flatnonzero(slots >= 0)
        batch[known] = self._rows[slots[known]]
        for place in missing:
            index = int(indices[place])
            batch[place] = self._decode(index)
            self._keep(index, batch[place])
        return batch

    def _keep(self, index: int, sample: Pixels) -> None:
        with self._lock:
            if self._slots[index] < 0 and self._num_kept < len(self._rows):
                self._rows[self._num_kept] = sample
                # The slot is published last, so that readers without the lock see whole samples only.
                self._slots[index] = self._num_kept
                self._num_kept += 1
