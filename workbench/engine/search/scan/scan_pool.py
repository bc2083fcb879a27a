"""The samples of a scan: which are drawn, in batches, and what right answers to them are."""

from contextlib import closing

import numpy as np
import numpy.typing as npt

from workbench.engine.data.dataset import Dataset, seeded_subset
from workbench.engine.data.sample_batches import sample_batches
from workbench.engine.evaluate.answers import Answers
from workbench.engine.evaluate.judge import Judge
from workbench.engine.evaluate.reference import ReferenceAnswers
from workbench.engine.search.scan.scan_samples import DrawnSamples, draw_samples, entropy
from workbench.engine.search.scan.sensitivity_scan import ScanSamples
from workbench.jobs import JobContext

Floats = npt.NDArray[np.float64]
Indices = npt.NDArray[np.int64]
# How much larger the pool is that samples are drawn from: running the original on it is next to nothing beside a scan.
EARLY_SAMPLES, _TIMES, _LARGEST_POOL = 16, 4, 512


def pool_reach(total: int, count: int) -> int:
    """Of the order of all samples, as many at its beginning are what a scan on so many draws from."""
    return total if count >= total else min(total, max(_LARGEST_POOL, count))


class ScanPool:
    """What samples of one data set are drawn for scans of one model.

    Args:
        dataset: the samples.
        answers: the original's.
        metric: as `choose_metric` gives it.
    """

    def __init__(self, dataset: Dataset, answers: ReferenceAnswers, metric: str) -> None:
        self._dataset, self._answers = dataset, answers
        self._judge = Judge(metric, dataset)
        self._original: dict[int, float] = {}

    def samples(self, count: int, batch_size: int, ctx: JobContext, *, early_alone: bool = False) -> ScanSamples:
        """Batches of as many samples: those of fewer samples begin those of more, whoever asks.

        All samples, each once, if there are no more than are asked for. Otherwise the first 16 are drawn from the
        first 64, so that figures of them are there soon, and the others from up to 512.

        Args:
            count: how many in all.
            batch_size: of each batch.
            ctx: asked before each batch of the original's answers; told the progress.
            early_alone: only the first 16 of them.

        Raises:
            Cancelled: somebody asked to stop.
            RunError: the model does not run on the samples.
        """
        total = len(self._dataset)
        early = min(EARLY_SAMPLES, count)
        if count >= total:
            order = seeded_subset(total, early if early_alone else total)
            self._answer(order, ctx)
            parts = [draw_samples(part, None, len(part)) for part in (order[:early], order[early:]) if len(part)]
        else:
            parts = [self._drawn(_TIMES * EARLY_SAMPLES, early, ctx)]
            if count > early and not early_alone:
                parts.append(self._drawn(pool_reach(total, count), count - early, ctx))
        batches = [batch for part in parts for batch in _batches(part, batch_size)]
        return ScanSamples(tuple(batches), self._scores, self._right, self._classes)

    def _drawn(self, pool_size: int, count: int, ctx: JobContext) -> DrawnSamples:
        pool = seeded_subset(len(self._dataset), pool_size)
        return draw_samples(pool, self._answer(pool, ctx), count)

    def _answer(self, pool: Indices, ctx: JobContext) -> Floats | None:
        """The entropies of the original's answers to the pool; None where outputs are no classes."""
        found: list[Floats | None] = []
        done = 0
        with closing(sample_batches(self._dataset, pool, ctx)) as batches:
            for indices, feeds in batches:
                answers = self._answers.answers(indices, feeds, ctx, self._judge)
                self._note(indices, answers)
                logged = answers.log_probabilities
                found.append(None if logged is None else entropy(logged))
                done += len(indices)
                ctx.progress(done, len(pool), f"the original on {done} of {len(pool)} samples")
        known = [part for part in found if part is not None]
        return np.concatenate(known) if known and len(known) == len(found) else None

    def _note(self, indices: Indices, answers: Answers) -> None:
        if self._judge.metric == "psnr":
            return
        right = self._judge.hits(answers, answers, indices)
        self._original |= {int(index): float(one) for index, one in zip(indices, right, strict=True)}

    def _scores(self, best: Indices, agreement: Floats, indices: Indices) -> Floats | None:
        if self._judge.metric == "psnr":
            return None
        if self._judge.metric == "agreement":
            return agreement
        return np.asarray(self._judge.hits(Answers(best), None, indices), np.float64)

    def _classes(self, indices: Indices) -> Indices | None:
        # Of five classes any may be the right one: how likely that one is tells less.
        return self._judge.right_classes(indices) if self._judge.metric == "top1" else None

    def _right(self, indices: Indices) -> Floats | None:
        if self._judge.metric == "psnr":
            return None
        return np.array([self._original[int(index)] for index in indices])


def _batches(drawn: DrawnSamples, size: int) -> list[DrawnSamples]:
    return [
        DrawnSamples(drawn.indices[start : start + size], drawn.weights[start : start + size])
        for start in range(0, len(drawn), size)
    ]
