"""Samples in batches, read ahead in a thread of their own while the model runs."""

from collections.abc import Generator, Iterator
from concurrent.futures import Future, ThreadPoolExecutor

import numpy as np
import numpy.typing as npt

from workbench.engine.data.dataset import Dataset
from workbench.jobs import Cancelled, JobContext

Indices = npt.NDArray[np.int64]
Feeds = dict[str, npt.NDArray[np.generic]]

# Measured: larger batches are no faster on small networks, and a smaller first one gives a figure at once.
FIRST_BATCH, BATCH = 16, 64
# Large images go in smaller batches: as fast to run, and memory of this size is used again without page faults.
_LARGEST_BATCH_BYTES = 8 << 20


def sample_batches(
    dataset: Dataset, order: Indices, ctx: JobContext, *, first: int = FIRST_BATCH, size: int = BATCH
) -> Generator[tuple[Indices, Feeds], None, None]:
    """Batches of samples in this order, and which samples they hold; one batch is read ahead.

    Args:
        dataset: the samples.
        order: their indices, shape (N,).
        ctx: asked before each batch, and while samples are read.
        first: number of samples in the first batch.
        size: in all others; less where samples are large.

    Raises:
        Cancelled: somebody asked to stop.
        DataError: a sample cannot be read.
    """
    if len(order) == 0:
        return
    sample_bytes = sum(array.nbytes for array in dataset.batch(order[:1]).values())
    fitting = max(1, _LARGEST_BATCH_BYTES // max(1, sample_bytes))
    parts = list(_parts(order, min(first, fitting), min(size, fitting)))
    with ThreadPoolExecutor(1, thread_name_prefix="samples") as reader:
        ahead: Future[Feeds] = reader.submit(_read, dataset, parts[0], ctx)
        for number, part in enumerate(parts):
            ctx.checkpoint()
            feeds = ahead.result()
            if number + 1 < len(parts):
                ahead = reader.submit(_read, dataset, parts[number + 1], ctx)
            yield part, feeds


def _parts(order: Indices, first: int, size: int) -> Iterator[Indices]:
    yield order[:first]
    for start in range(first, len(order), size):
        yield order[start : start + size]


def _read(dataset: Dataset, indices: Indices, ctx: JobContext) -> Feeds:
    """One batch. Not `ctx.checkpoint`, which may hold a thread up: only the evaluation's own waits."""

    def stop_if_cancelled() -> None:
        if ctx.is_cancelled:
            raise Cancelled

    stop_if_cancelled()
    return dataset.batch(indices, stop_if_cancelled)
