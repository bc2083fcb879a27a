"""Evaluating a model on samples: progressive, paired with the original, stopped at once when asked."""

import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import numpy as np

from workbench.engine.core.errors import DataError
from workbench.engine.core.reports import EvaluationReport
from workbench.engine.data.dataset import Dataset, seeded_subset
from workbench.engine.data.sample_batches import BATCH, FIRST_BATCH, sample_batches
from workbench.engine.evaluate.judge import Judge, check_labels, choose_metric, num_outputs
from workbench.engine.evaluate.nan_outputs import num_with_nan
from workbench.engine.evaluate.reference import ReferenceAnswers
from workbench.engine.evaluate.tally import Tally
from workbench.engine.runtime.session import RuntimeSession
from workbench.jobs import JobContext

_REPORT_SECONDS = 0.1


def evaluate(
    model: RuntimeSession | bytes | Path,
    dataset: Dataset,
    ctx: JobContext,
    *,
    limit: int | None = None,
    skip: int = 0,
    seed: int = 0,
    metric: str | None = None,
    reference: ReferenceAnswers | None = None,
    recipe_digest: str = "",
    batch_size: int = BATCH,
    first_batch: int = FIRST_BATCH,
) -> Iterator[EvaluationReport]:
    """Reports as samples are evaluated: after the first few, then about ten a second, the last one complete.

    Samples are drawn by seed also where all are evaluated: class folders lie in order, and the interval of a
    figure so far holds only for samples drawn at random.

    Args:
        model: the file's bytes, its path, or a session that has it open.
        dataset: the samples.
        ctx: asked before each batch; told the progress.
        limit: number of samples; all of them if not given or larger.
        skip: number of samples that are left out first: those that an evaluation with such a limit had.
        seed: of the order; smaller limits give the beginning of larger ones.
        metric: wins over the one in the data set's preprocessing.
        reference: the original's answers, for the paired difference.
        recipe_digest: noted in the reports.
        batch_size: samples in one run, after the first.
        first_batch: samples in the first run.

    Raises:
        Cancelled: somebody asked to stop.
        DataError: samples or labels do not fit the model, or the data has not what the metric needs.
        RunError: the model does not run.
    """
    session = model if isinstance(model, RuntimeSession) else RuntimeSession(model)
    order = seeded_subset(len(dataset), len(dataset) if limit is None else skip + limit, seed)[skip:]
    asked = dataset.info.preprocessing.metric if metric is None else metric
    chosen = choose_metric(asked, dataset, session.outputs[0])
    if chosen == "agreement" and reference is None:
        message = f"{dataset.info.path}: only agreement with another model can be measured"
        raise DataError(message, "give labels or another model")
    judge = Judge(chosen, dataset)
    needs_check = judge.uses_labels
    width = num_outputs(session.outputs[0])
    if needs_check and width is not None:
        check_labels(dataset, width)
        needs_check = False
    tally = Tally(judge, is_paired=reference is not None)
    seconds, last = 0.0, float("-inf")
    with closing(sample_batches(dataset, order, ctx, first=first_batch, size=batch_size)) as batches:
        for indices, feeds in batches:
            start = time.perf_counter()
            output = session.run_samples(feeds, len(indices), ctx)[0]
            seconds += time.perf_counter() - start
            if needs_check:
                check_labels(dataset, max(2, int(np.prod(output.shape[1:], dtype=np.int64))))
                needs_check = False
            original = reference.answers(indices, feeds, ctx, judge) if reference is not None else None
            # Probabilities are for the divergence from the original alone.
            found = judge.answers(output, indices, with_probabilities=original is not None)
            tally.add(indices, found, original)
            tally.num_nan += num_with_nan([output], len(indices))
            ctx.progress(tally.done, len(order), f"{tally.done} of {len(order)} samples")
            now = time.perf_counter()
            if tally.done == len(order) or now - last >= _REPORT_SECONDS:
                last = now
                yield tally.report(len(order), seconds, recipe_digest)
