"""Long requests that have a row in the list of jobs."""

import itertools
import math
from collections.abc import Callable

from PySide6.QtCore import QObject, Signal

from workbench.engine.core.accuracy_prediction import AccuracyPrediction
from workbench.engine.core.cpu_rules import CpuComparison
from workbench.engine.core.cpu_texts import cpu_verdict
from workbench.engine.core.format import format_bytes, format_figure, format_ms, format_ratio
from workbench.engine.core.operator_times import OperatorTimes
from workbench.engine.core.quantization_reports import FloatSuggestion, SqnrReport
from workbench.engine.core.reports import ApplyReport, EvaluationReport, FormatReport, LatencyReport
from workbench.engine.core.search_result import SearchResult
from workbench.engine.core.sensitivity import SensitivityScan
from workbench.gui.engine import Engine, Ticket
from workbench.jobs import Progress
from workbench.worker.messages import Failed


class RunningJobs(QObject):
    """Requests in the worker's "run" lane. `finished` tells how a job ended, and the tone to say it in."""

    started = Signal(int, str)
    progressed = Signal(int, object)
    finished = Signal(int, str, str)

    def __init__(self, engine: Engine, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._engine = engine
        self._tickets: dict[int, Ticket] = {}
        self._numbers = itertools.count(1)

    def new_number(self) -> int:
        """A number for a job that will be started again and again in the same row."""
        return next(self._numbers)

    def start(
        self,
        title: str,
        verb: str,
        *args: object,
        on_done: Callable[[object], None],
        on_partial: Callable[[object], None] | None = None,
        on_failed: Callable[[Failed], None] | None = None,
        on_stopped: Callable[[], None] | None = None,
        job: int | None = None,
        **kwargs: object,
    ) -> int:
        """Begin a job; exactly one of done, failed and stopped follows.

        Args:
            title: what the row says.
            verb: of the session.
            *args: the verb's.
            on_done: called with the result; like the others, on the main thread.
            on_partial: called with each result before it.
            on_failed: called with the failure.
            on_stopped: called when the job was stopped.
            job: the number of a row that is used again.
            **kwargs: the verb's.
        """
        number = self.new_number() if job is None else job
        self.started.emit(number, title)

        def end(text: str, tone: str) -> None:
            self._tickets.pop(number, None)
            self.finished.emit(number, text, tone)

        def done(value: object) -> None:
            end(outcome_text(value), outcome_tone(value))
            on_done(value)

        def failed(failure: Failed) -> None:
            end(failure.text, "bad")
            if on_failed is not None:
                on_failed(failure)

        def stopped(reason: str) -> None:
            end(reason, "muted")
            if on_stopped is not None:
                on_stopped()

        def progressed(progress: Progress) -> None:
            self.progressed.emit(number, progress)

        self._tickets[number] = self._engine.request(
            "run", verb, *args, on_done=done, on_partial=on_partial, on_progress=progressed, on_failed=failed,
            on_stopped=stopped, **kwargs,
        )  # fmt: skip
        return number

    def is_running(self, job: int) -> bool:
        """Whether a job has not ended."""
        return job in self._tickets

    def is_stopping(self, job: int) -> bool:
        """Whether a job has been asked to stop and has not ended."""
        return job in self._tickets and self._tickets[job].is_cancelled

    def cancel(self, job: int, *, insist: bool = True) -> None:
        """Ask a job to stop; with `insist`, one that does not hear costs the worker a restart."""
        if job in self._tickets:
            self._engine.cancel(self._tickets[job], insist=insist)


def sqnr_text(report: SqnrReport) -> str:
    """The layer with the most noise in its output."""
    noisy = [entry for entry in report.layers if math.isfinite(entry.output_db)]
    if not noisy:
        return f"no layer differs, n = {report.num_samples}"
    least = min(noisy, key=lambda entry: entry.output_db)
    return f"least {least.output_db:.1f} dB in {least.layer}, n = {report.num_samples}"


def scan_text(scan: SensitivityScan) -> str:
    """How many cells are measured, and on how many samples."""
    failed = sum(1 for cell in scan.cells if cell.error)
    parts = (
        f"{len(scan.cells) - failed:,} cells",
        f"{failed:,} cannot be" if failed else "",
        _n_text([cell.num_samples for cell in scan.cells if not cell.error] or [scan.num_samples]),
    )
    return ", ".join(part for part in parts if part)


def _n_text(counts: list[int]) -> str:
    """What was measured before, on more samples, counts with them."""
    least, most = min(counts), max(counts)
    return f"n = {least:,}" if least == most else f"n = {least:,} to {most:,}"


def search_text(result: SearchResult) -> str:
    """The best recipe, or why there is none."""
    best = result.best
    if best is None:
        return result.refusal or "nothing found"
    accuracy = "" if best.measured is None else f", {format_figure(best.measured.figure)}"
    return f"{format_bytes(best.file_bytes)}{accuracy}"


def outcome_tone(value: object) -> str:
    """The colour of how a job has ended: nothing found is no success, though nothing failed."""
    if isinstance(value, ApplyReport) and not value.is_written:
        return "bad"
    return "warn" if isinstance(value, SearchResult) and value.best is None else "good"


def outcome_text(value: object) -> str:
    """What a job's result says in a few words."""
    if isinstance(value, EvaluationReport):
        return f"{value.metric} {format_figure(value.figure)}, n = {value.figure.n}"
    if isinstance(value, LatencyReport):
        times = f"p50 {format_ms(value.p50.value)}, p90 {format_ms(value.p90.value)}"
        compared = format_ratio(value.ratio) if value.ratio is not None else ""
        return "; ".join(part for part in (times, compared, value.note) if part)
    if isinstance(value, OperatorTimes):
        return f"{format_ms(value.sum_ms)} in {len(value.operators)} operators"
    if isinstance(value, ApplyReport):
        verdict = "verified" if value.is_written else "NOT what was previewed, so not written"
        return f"{format_bytes(value.after.file_bytes)}, {verdict}"
    if isinstance(value, FormatReport):
        return f"{format_bytes(value.file_bytes)} for {value.format}, not compared"
    if isinstance(value, FloatSuggestion):
        return f"{len(value.layers)} of {len(value.effects)} layers suggested, n = {value.before.n}"
    if isinstance(value, CpuComparison):
        return f"emulated: {cpu_verdict(value)}"
    if isinstance(value, SqnrReport):
        return sqnr_text(value)
    if isinstance(value, SensitivityScan):
        return scan_text(value)
    if isinstance(value, AccuracyPrediction):
        return f"learned from {len(value.mixes)} mixes, n = {value.num_samples}"
    if isinstance(value, SearchResult):
        return search_text(value)
    return "done"
