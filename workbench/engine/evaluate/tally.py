"""What has been counted so far, and the report it makes."""

from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt

from workbench.engine.core.measurement import Figure, Origin
from workbench.engine.core.reports import ChangedSample, EvaluationReport
from workbench.engine.evaluate.answers import Answers, kl_divergence, same_answers
from workbench.engine.evaluate.background import FoundPositions
from workbench.engine.evaluate.intervals import paired_difference_interval, wilson_interval
from workbench.engine.evaluate.judge import Judge
from workbench.engine.evaluate.running_mean import RunningMean

_MAX_CHANGED = 200


@dataclass
class Tally:
    """Counts of one evaluation, alone or paired with the original on the same samples.

    Args:
        judge: the metric.
        is_paired: whether each sample comes with the original's answer.
        done: samples so far.
        num_nan: those whose output holds NaN, which whoever has the outputs counts.
    """

    judge: Judge
    is_paired: bool
    done: int = 0
    num_nan: int = 0
    _hits: int = 0
    _reference_hits: int = 0
    _both: int = 0
    _agreed: int = 0
    _shares: RunningMean = field(default_factory=RunningMean)
    _found: FoundPositions = field(default_factory=FoundPositions)
    _kl: RunningMean = field(default_factory=RunningMean)
    _quality: RunningMean = field(default_factory=RunningMean)
    _reference_quality: RunningMean = field(default_factory=RunningMean)
    _quality_gain: RunningMean = field(default_factory=RunningMean)
    _changed: list[ChangedSample] = field(default_factory=list)

    def add(self, indices: npt.NDArray[np.int64], answers: Answers, original: Answers | None) -> None:
        """Count the answers to these samples in."""
        self.done += len(indices)
        if answers.psnr_db is not None:
            self._add_quality(answers.psnr_db, original.psnr_db if original is not None else None)
            return
        hits = self.judge.hits(answers, original, indices)
        self._hits += int(hits.sum())
        if original is None:
            return
        reference_hits = self.judge.hits(original, original, indices)
        self._reference_hits += int(reference_hits.sum())
        self._both += int((hits & reference_hits).sum())
        same = same_answers(answers, original)
        self._agreed += int((same == 1).sum())
        if answers.positions is not None and original.positions is not None:
            self._shares.add(same)
            self._found.add(original.positions, answers.positions)
            return
        divergence = kl_divergence(original, answers)
        if divergence is not None:
            self._kl.add(divergence)
        self._note_changed(indices, answers, original, np.flatnonzero(same < 1))

    def report(self, total: int, seconds: float, recipe_digest: str) -> EvaluationReport:
        """The figures so far, with their intervals."""
        is_psnr = self.judge.metric == "psnr"
        figure = self._quality.figure("dB") if is_psnr else self._proportion(self._hits)
        assert figure is not None
        reference = difference = agreement = None
        if self.is_paired and is_psnr:
            reference, difference = self._reference_quality.figure("dB"), self._quality_gain.figure("dB")
        elif self.is_paired:
            reference, agreement = self._proportion(self._reference_hits), self._proportion(self._agreed)
            difference = self._difference()
        # Positions of one sample err together, so it is samples that the interval counts.
        shares = self._shares.figure("fraction", minimum=0.0, maximum=1.0)
        if shares is not None:
            agreement = shares
        if shares is not None and self.judge.metric == "agreement":
            figure, difference = shares, _less_than_all(shares)
        return EvaluationReport(
            metric=self.judge.metric,
            figure=figure,
            done=self.done,
            total=total,
            seconds=seconds,
            recipe_digest=recipe_digest,
            reference=reference,
            difference=difference,
            agreement=agreement,
            kl_divergence=self._kl.figure("nat", minimum=0.0),
            changed=tuple(self._changed),
            found_agreement=self._found.figure(),
            background=self._found.background,
            num_nan=self.num_nan,
        )

    def _add_quality(self, quality: npt.NDArray[np.float64], reference: npt.NDArray[np.float64] | None) -> None:
        self._quality.add(quality)
        if reference is not None:
            self._reference_quality.add(reference)
            self._quality_gain.add(quality - reference)

    def _difference(self) -> Figure:
        only_this, only_reference = self._hits - self._both, self._reference_hits - self._both
        neither = self.done - self._both - only_this - only_reference
        low, high = paired_difference_interval(self._both, only_this, only_reference, neither)
        value = (self._hits - self._reference_hits) / self.done
        return Figure(value, "fraction", Origin.MEASURED, low, high, self.done)

    def _proportion(self, successes: int) -> Figure:
        low, high = wilson_interval(successes, self.done)
        return Figure(successes / self.done, "fraction", Origin.MEASURED, low, high, self.done)

    def _note_changed(
        self, indices: npt.NDArray[np.int64], answers: Answers, original: Answers, rows: npt.NDArray[np.intp]
    ) -> None:
        """A list to look through, not to count: the first 200."""
        dataset = self.judge.dataset
        for row in rows[: max(0, _MAX_CHANGED - len(self._changed))]:
            index = int(indices[row])
            label = int(dataset.labels[index]) if dataset.labels is not None else -1
            before, after = int(original.classes[row]), int(answers.classes[row])
            self._changed.append(ChangedSample(index, dataset.name(index), label, before, after))


def _less_than_all(share: Figure) -> Figure:
    """A share minus that of the original, which agrees with itself everywhere."""
    low = share.low - 1 if share.low is not None else None
    high = share.high - 1 if share.high is not None else None
    return replace(share, value=share.value - 1, low=low, high=high)
