"""Jobs that somebody asked for: evaluating all samples, timing, exporting. Measuring by itself waits meanwhile."""

from pathlib import Path

from PySide6.QtCore import QObject, QTimer, Signal, Slot

from workbench.engine.core.export_formats import ONNX_FORMAT
from workbench.engine.core.recipe import Recipe
from workbench.engine.core.reports import ApplyReport, FormatReport
from workbench.gui.measuring import Measuring
from workbench.gui.running_jobs import RunningJobs
from workbench.worker.messages import Failed

# Verbs whose answer holds for the samples that lie on the bench.
_ON_SAMPLES = ("evaluate", "measure_sqnr", "suggest_float_layers", "compare_cpus", "scan", "fit_accuracy", "search")
# Sums of pairs take ten times as long as the model; so many samples tell a difference of some points.
_CPU_SAMPLES = 500


class AwaitedJobs(QObject):
    """Starts jobs on request. `failed(text, details)` when one fails; an export tells how it ended besides."""

    exported = Signal(object)
    sqnr_measured = Signal(object)
    suggested = Signal(object)
    not_suggested = Signal(str)
    cpus_compared = Signal(object)
    some_cpus_compared = Signal(object)
    cpus_not_compared = Signal(str)
    export_failed = Signal(str, str)
    export_stopped = Signal()
    failed = Signal(str, str)

    def __init__(self, jobs: RunningJobs, measuring: Measuring, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._jobs = jobs
        self._measuring = measuring
        self._running: dict[int, tuple[str, Recipe | None]] = {}
        self.export_job = self.suggestion_job = self.cpus_job = 0
        jobs.finished.connect(self._on_finished)

    def evaluate(self, recipe: Recipe) -> None:
        """Evaluate a recipe on all samples."""
        take = self._measuring.take
        self._measuring.take_up(recipe)
        self.start("Evaluate", "evaluate", recipe, on_partial=take, on_done=take, on_failed=self._on_failed)

    def measure_latency(self, recipe: Recipe) -> None:
        """Measure a recipe's latency on this computer."""
        take = self._measuring.take
        self.start("Latency", "measure_latency", recipe, on_done=take, on_failed=self._on_failed)

    def measure_sqnr(self, recipe: Recipe) -> None:
        """Measure the SQNR of every layer under a recipe."""
        self.start("SQNR", "measure_sqnr", recipe, on_done=self.sqnr_measured.emit, on_failed=self._on_failed)

    def suggest_float_layers(self, recipe: Recipe) -> None:
        """Measure which of the layers that a recipe quantizes should stay in float."""
        self.suggestion_job = self.start(
            "Layers in float", "suggest_float_layers", recipe,
            on_done=self.suggested.emit, on_failed=self._on_no_suggestion, on_stopped=self._on_suggestion_stopped,
        )  # fmt: skip

    def compare_cpus(self, recipe: Recipe) -> None:
        """Evaluate a recipe by the rules of every kind of processor."""
        self.cpus_job = self.start(
            "Other CPUs", "compare_cpus", recipe, limit=_CPU_SAMPLES,
            on_partial=self.some_cpus_compared.emit, on_done=self.cpus_compared.emit,
            on_failed=self._on_no_comparison, on_stopped=self._on_comparison_stopped,
        )  # fmt: skip

    def export(self, recipe: Recipe, path: str | Path, *, force: bool, format_name: str = ONNX_FORMAT.name) -> None:
        """Write the compressed model: as ONNX and verify it, or in the format of a plugin."""
        is_onnx = format_name == ONNX_FORMAT.name
        verb, named = ("export", ()) if is_onnx else ("export_to", (format_name,))
        self.export_job = self.start(
            "Export", verb, recipe, str(path), *named, force=force,
            on_done=self._on_exported, on_failed=self._on_refused, on_stopped=self._on_export_stopped,
        )  # fmt: skip

    @Slot(int)
    def cancel(self, job: int) -> None:
        """Ask a job to stop, whoever has started it."""
        verb, recipe = self._running.get(job, ("", None))
        if verb == "evaluate" and recipe is not None:
            self._measuring.give_up_recipe(recipe)
        else:
            self._measuring.give_up(job)
        self._jobs.cancel(job)

    @Slot()
    def cancel_export(self) -> None:
        """Ask the export to stop."""
        self.cancel(self.export_job)

    @Slot()
    def cancel_suggestion(self) -> None:
        """Ask the suggestion of layers to stop."""
        self.cancel(self.suggestion_job)

    @Slot()
    def cancel_cpus(self) -> None:
        """Ask the comparison of processors to stop."""
        self.cancel(self.cpus_job)

    def give_up_model(self) -> None:
        """Another model lies on the bench: what waits would be done to that one."""
        self._give_up(tuple(self._running))

    def give_up_data(self) -> None:
        """Other samples lie on the bench: what is measured on the old ones is wanted no more."""
        self._give_up(tuple(job for job, (verb, _) in self._running.items() if verb in _ON_SAMPLES))

    def _give_up(self, jobs: tuple[int, ...]) -> None:
        for job in jobs:
            # Nobody said stop, so an operator that takes long must not cost the worker.
            self._jobs.cancel(job, insist=False)

    def start(self, title: str, verb: str, *args: object, **answers: object) -> int:
        """Start any other job; the arguments are those of `RunningJobs.start`, which gives its number."""
        self._measuring.pause()
        job = self._jobs.start(title, verb, *args, **answers)  # type: ignore[arg-type] # they are those of `start`
        self._running[job] = verb, next((one for one in args if isinstance(one, Recipe)), None)
        return job

    @Slot(int, str, str)
    def _on_finished(self, job: int, text: str, tone: str) -> None:
        if job in self._running:
            del self._running[job]
            # The answer comes after this word that the job has ended, and may be all that there was to measure.
            QTimer.singleShot(0, self, self._resume)

    @Slot()
    def _resume(self) -> None:
        if not self._running:
            self._measuring.resume()

    def _on_exported(self, report: object) -> None:
        if isinstance(report, ApplyReport | FormatReport):
            self.exported.emit(report)

    def _on_export_stopped(self) -> None:
        self.export_stopped.emit()

    def _on_no_suggestion(self, failure: Failed) -> None:
        self.not_suggested.emit(failure.text)
        self._on_failed(failure)

    def _on_suggestion_stopped(self) -> None:
        self.not_suggested.emit("it was stopped before all layers were measured")

    def _on_no_comparison(self, failure: Failed) -> None:
        self.cpus_not_compared.emit(failure.text)
        self._on_failed(failure)

    def _on_comparison_stopped(self) -> None:
        self.cpus_not_compared.emit("it was stopped before all samples were computed")

    def _on_refused(self, failure: Failed) -> None:
        self.export_failed.emit(failure.text, failure.details)
        self._on_failed(failure)

    def _on_failed(self, failure: Failed) -> None:
        self.failed.emit(failure.text, failure.details)
