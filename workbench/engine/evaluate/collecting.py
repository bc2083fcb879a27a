"""All outputs of a model on some samples, batch by batch, for comparing one model with another."""

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from workbench.engine.data.dataset import Dataset
from workbench.engine.data.sample_batches import BATCH, sample_batches
from workbench.engine.runtime.session import RuntimeSession
from workbench.jobs import JobContext

Indices = npt.NDArray[np.int64]
Outputs = list[npt.NDArray[np.generic]]


def collect_outputs(
    model: RuntimeSession | bytes | Path,
    dataset: Dataset,
    indices: Sequence[int] | Indices,
    ctx: JobContext,
    on_batch: Callable[[Indices, Outputs], None],
) -> None:
    """Run the model on these samples and hand on each batch's outputs, in the order of the indices.

    Batches are cut the same way each time, so that two models of the same bytes give the same bits.

    Args:
        model: the file's bytes, its path, or a session that has it open.
        dataset: the samples.
        indices: which of them.
        ctx: asked before each batch; told the progress.
        on_batch: gets the samples' indices and every output of the model, first axis by sample.

    Raises:
        Cancelled: somebody asked to stop.
        DataError: a sample cannot be read.
        RunError: the model does not run.
    """
    session = model if isinstance(model, RuntimeSession) else RuntimeSession(model)
    order = np.asarray(indices, np.int64)
    done = 0
    for places, feeds in sample_batches(dataset, order, ctx, first=BATCH):
        on_batch(places, session.run_samples(feeds, len(places), ctx))
        done += len(places)
        ctx.progress(done, len(order), f"{done} of {len(order)} samples")
