"""Samples in memory, made when first asked for and kept up to a number of bytes."""

import math
import threading
from collections.abc import Callable

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.generic]
Indices = npt.NDArray[np.int64]
Checkpoint = Callable[[], None]
# Fills the rows of an array (N, …) with the samples of these N indices, asking the checkpoint as it goes.
Make = Callable[[Indices, Array, Checkpoint], None]


class SampleStore:
    """Samples of one shape. May be asked from several threads.

    Samples that were first asked for one after the other lie so in memory: asked for again in that order,
    as every evaluation does, they are given as they lie, without a copy.

    Args:
        make: writes samples into an array.
        count: number of samples.
        shape: of one sample.
        dtype: of its numbers.
        max_bytes: samples beyond are made each time.
    """

    def __init__(self, make: Make, count: int, shape: tuple[int, ...], dtype: npt.DTypeLike, *, max_bytes: int) -> None:
        self._make = make
        self._dtype = np.dtype(dtype)
        capacity = min(count, max_bytes // max(1, math.prod(shape) * self._dtype.itemsize))
        # np.empty takes no memory until a row is written, so few samples of many cost little.
        self._rows = np.empty((capacity, *shape), self._dtype)
        self._slots = np.full(count, -1, np.int64)
        self._num_taken = 0
        self._free: list[int] = []
        self._lock = threading.Lock()

    @property
    def keeps_all(self) -> bool:
        """Whether there is room for every sample."""
        return len(self._rows) == len(self._slots)

    def rows(self, indices: Indices, checkpoint: Checkpoint) -> Array:
        """The samples, shape (N, …); perhaps a view that cannot be written to.

        Args:
            indices: which, shape (N,); may repeat.
            checkpoint: asked between samples that have to be made; may raise.

        Raises what `make` and the checkpoint raise.
        """
        self._keep(np.unique(indices[self._slots[indices] < 0]), indices, checkpoint)
        slots = self._slots[indices]
        missing = np.flatnonzero(slots < 0)
        if missing.size == 0:
            return self._kept(slots)
        batch = np.empty((len(indices), *self._rows.shape[1:]), self._dtype)
        if missing.size == len(indices):
            self._make(indices, batch, checkpoint)
            return batch
        known = np.flatnonzero(slots >= 0)
        batch[known] = self._rows[slots[known]]
        made = np.empty((missing.size, *batch.shape[1:]), self._dtype)
        self._make(indices[missing], made, checkpoint)
        batch[missing] = made
        return batch

    def _kept(self, slots: Indices) -> Array:
        first = int(slots[0]) if slots.size else 0
        if not np.array_equal(slots, np.arange(first, first + slots.size)):
            return self._rows[slots]
        view = self._rows[first : first + slots.size]
        view.flags.writeable = False
        return view

    def _keep(self, wanted: Indices, indices: Indices, checkpoint: Checkpoint) -> None:
        """Make as many of the wanted samples as there is room for, in the order in which they are asked for."""
        if wanted.size == 0:
            return
        places = np.sort([np.flatnonzero(indices == index)[0] for index in wanted])
        slots = self._take_slots(len(places))
        kept = indices[places[: len(slots)]]
        done: set[int] = set()
        try:
            for run in np.split(np.arange(len(slots)), np.flatnonzero(np.diff(slots) != 1) + 1):
                if run.size:
                    self._make(kept[run], self._rows[slots[run[0]] : slots[run[-1]] + 1], checkpoint)
                    done |= self._publish(kept[run], slots[run])
        finally:
            with self._lock:
                self._free += [slot for slot in slots.tolist() if slot not in done]

    def _take_slots(self, count: int) -> Indices:
        with self._lock:
            returned = [self._free.pop() for _ in range(min(count, len(self._free)))]
            first = self._num_taken
            self._num_taken = min(len(self._rows), first + count - len(returned))
            return np.array([*returned, *range(first, self._num_taken)], np.int64)

    def _publish(self, indices: Indices, slots: Indices) -> set[int]:
        """Show the rows to other threads, unless one of them was quicker; gives the slots in use."""
        with self._lock:
            is_new = self._slots[indices] < 0
            # Only now, when the rows are whole: readers take no lock.
            self._slots[indices[is_new]] = slots[is_new]
            return set(slots[is_new].tolist())
