"""Evaluating a model on samples: progressive, paired with the original, stopped at once when asked."""

import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from workbench.engine.core.errors import DataError
from workbench.engine.core.measurement import Figure, Origin
from workbench.engine.core.reports import ChangedSample, EvaluationReport
from workbench.engine.data.dataset import Dataset, seeded_order
from workbench.engine.evaluate.answers import Answers, answers_of, kl_divergence
from workbench.engine.evaluate.intervals import mean_interval, paired_difference_interval, wilson_interval
from workbench.engine.evaluate.reference import ReferenceAnswers
from workbench.engine.runtime.session import RuntimeSession
from workbench.jobs import JobContext

_FIRST_BATCH, _BATCH = 8, 50
_REPORT_SECONDS = 0.1
_MAX_CHANGED = 200

Feeds = dict[str, npt.NDArray[np.generic]]


@dataclass
class _Counts:
    """What has been counted so far; the tables of hits are (this, original)."""

    metric: str
    done: int = 0
    hits: int = 0
    reference_hits: int = 0
    only_this: int = 0
    only_reference: int = 0
    agreed: int = 0
    kl_total: float = 0.0
    kl_squares: float = 0.0
    kl_count: int = 0
    changed: list[ChangedSample] = field(default_factory=list)


def evaluate(
    session: RuntimeSession,
    dataset: Dataset,
    ctx: JobContext,
    *,
    limit: int | None = None,
    reference: ReferenceAnswers | None = None,
    recipe_digest: str = "",
) -> Iterator[EvaluationReport]:
    """Reports as samples are evaluated: after the first few, then about ten a second, the last one complete.

    Args:
        session: the model.
        dataset: the samples.
        ctx: asked before each batch; told the progress.
        limit: number of samples, drawn by seed 0; all of them, in order, if not given or larger.
        reference: the original's answers, for the paired difference.
        recipe_digest: noted in the reports.

    Raises:
        Cancelled: somebody asked to stop.
        DataError: samples do not fit the model, or there are neither labels nor a reference.
    """
    total = min(limit or len(dataset), len(dataset))
    order = seeded_order(len(dataset))[:total] if total < len(dataset) else np.arange(total)
    counts = _Counts(_metric(dataset, reference))
    batches = _batches(order, session.batch_size)
    seconds, last = 0.0, float("-inf")
    # Samples are read one batch ahead: decoding hides behind the model's own time.
    with ThreadPoolExecutor(1, thread_name_prefix="samples") as reader:
        ahead = reader.submit(_read, dataset, batches[0], session.batch_size)
        for number, indices in enumerate(batches):
            ctx.checkpoint()
            feeds = ahead.result()
            if number + 1 < len(batches):
                ahead = reader.submit(_read, dataset, batches[number + 1], session.batch_size)
            start = time.perf_counter()
            output = session.run(feeds, ctx)[0][: len(indices)]
            seconds += time.perf_counter() - start
            answers = answers_of(output)
            original = reference.answers(indices, feeds, ctx) if reference is not None else None
            _count(counts, dataset, indices, answers, original, int(np.prod(output.shape[1:], dtype=np.int64)))
            ctx.progress(counts.done, total, f"{counts.done} of {total} samples")
            now = time.perf_counter()
            if number == 0 or counts.done == total or now - last >= _REPORT_SECONDS:
                last = now
                yield _report(counts, total, seconds, recipe_digest, is_paired=reference is not None)


def _batches(order: npt.NDArray[np.int64], fixed: int | None) -> list[npt.NDArray[np.int64]]:
    """A small first batch, so that a figure comes soon, then larger ones."""
    size = fixed or _BATCH
    first = fixed or min(_FIRST_BATCH, len(order))
    rest = order[first:]
    return [order[:first], *(rest[start : start + size] for start in range(0, len(rest), size))]


def _read(dataset: Dataset, indices: npt.NDArray[np.int64], fixed: int | None) -> Feeds:
    """A batch; filled up with its last sample where the model wants more."""
    missing = (fixed or len(indices)) - len(indices)
    filled = np.concatenate([indices, np.repeat(indices[-1:], missing)]) if missing > 0 else indices
    return dataset.batch([int(index) for index in filled])


def _metric(dataset: Dataset, reference: ReferenceAnswers | None) -> str:
    asked = dataset.info.preprocessing.metric
    if asked in ("top1", "top5") or (not asked and dataset.info.has_labels):
        if not dataset.info.has_labels:
            raise DataError(f"{dataset.info.path}: {asked} needs labels", "set `metric: agreement`")
        return asked or "top1"
    if asked == "psnr":
        raise DataError(f"{dataset.info.path}: psnr needs target images, which this kind of data has not")
    if reference is None:
        raise DataError(f"{dataset.info.path}: no labels, so only agreement with another model can be measured")
    return "agreement"


def _count(
    counts: _Counts,
    dataset: Dataset,
    indices: Sequence[int] | npt.NDArray[np.int64],
    answers: Answers,
    original: Answers | None,
    num_classes: int,
) -> None:
    hits = _hits(counts.metric, dataset, indices, answers, original, num_classes)
    counts.done += len(indices)
    counts.hits += int(hits.sum())
    if original is None:
        return
    reference_hits = _hits(counts.metric, dataset, indices, original, original, num_classes)
    same = answers.classes == original.classes
    counts.reference_hits += int(reference_hits.sum())
    counts.only_this += int((hits & ~reference_hits).sum())
    counts.only_reference += int((reference_hits & ~hits).sum())
    counts.agreed += int(same.sum())
    divergence = kl_divergence(original, answers)
    if divergence is not None:
        counts.kl_total += float(divergence.sum())
        counts.kl_squares += float((divergence**2).sum())
        counts.kl_count += len(divergence)
    labels = dataset.labels
    for row in np.flatnonzero(~same)[: max(0, _MAX_CHANGED - len(counts.changed))]:
        index = int(indices[row])
        label = int(labels[index]) if labels is not None else -1
        before, after = int(original.classes[row]), int(answers.classes[row])
        counts.changed.append(ChangedSample(index, dataset.name(index), label, before, after))


def _hits(
    metric: str,
    dataset: Dataset,
    indices: Sequence[int] | npt.NDArray[np.int64],
    answers: Answers,
    original: Answers | None,
    num_classes: int,
) -> npt.NDArray[np.bool_]:
    """On which samples the answer is right, shape (N,)."""
    if metric == "agreement":
        assert original is not None
        return np.asarray(answers.classes == original.classes)
    assert dataset.labels is not None
    wanted = dataset.labels[np.asarray(indices)] + dataset.info.preprocessing.labels_offset
    outside = np.flatnonzero((wanted < 0) | (wanted >= num_classes))
    if outside.size:
        index = int(indices[outside[0]])
        raise DataError(
            f"{dataset.info.path}: sample {dataset.name(index)} has label {int(dataset.labels[index])}, "
            f"but the model has {num_classes} outputs",
            "correct the labels, or set labels_offset",
        )
    width = 5 if metric == "top5" else 1
    return np.asarray((answers.best[:, :width] == wanted[:, None]).any(axis=1))


def _report(counts: _Counts, total: int, seconds: float, recipe_digest: str, *, is_paired: bool) -> EvaluationReport:
    done = counts.done
    reference = difference = agreement = divergence = None
    if is_paired:
        reference = _proportion(counts.reference_hits, done)
        agreement = _proportion(counts.agreed, done)
        both = counts.hits - counts.only_this
        neither = done - both - counts.only_this - counts.only_reference
        low, high = paired_difference_interval(both, counts.only_this, counts.only_reference, neither)
        value = (counts.hits - counts.reference_hits) / done
        difference = Figure(value, "fraction", Origin.MEASURED, low, high, done)
    if counts.kl_count:
        low_kl, high_kl = mean_interval(counts.kl_total, counts.kl_squares, counts.kl_count)
        mean = counts.kl_total / counts.kl_count
        divergence = Figure(mean, "nat", Origin.MEASURED, low_kl, high_kl, counts.kl_count)
    return EvaluationReport(
        metric=counts.metric,
        figure=_proportion(counts.hits, done),
        done=done,
        total=total,
        seconds=seconds,
        recipe_digest=recipe_digest,
        reference=reference,
        difference=difference,
        agreement=agreement,
        kl_divergence=divergence,
        changed=tuple(counts.changed),
    )


def _proportion(successes: int, count: int) -> Figure:
    low, high = wilson_interval(successes, count)
    return Figure(successes / count, "fraction", Origin.MEASURED, low, high, count)
