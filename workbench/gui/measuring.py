"""When what is measured of the recipe: a few samples at once, then latency and all samples behind it."""

from functools import partial

from PySide6.QtCore import QObject, QTimer, Signal, Slot

from workbench.engine.core.layer import ModelInfo
from workbench.engine.core.recipe import Recipe
from workbench.engine.core.reports import DataInfo, EvaluationReport, LatencyReport
from workbench.gui.background import Background, Step
from workbench.gui.engine import Engine
from workbench.gui.known_figures import KnownFigures, evaluated_digest
from workbench.gui.lanes import LatestLane
from workbench.gui.probe_row import ProbeRow
from workbench.gui.recipe_needs import learns_rounding, needs_ranges
from workbench.gui.running_jobs import RunningJobs, outcome_text
from workbench.worker.messages import Failed

STOPPED = "stopped"
_REST_MS = 300
_PROBE_SECONDS = 0.2
_LEAST_PROBE, _FIRST_PROBE, _MOST_PROBE = 2, 16, 128


class Measuring(QObject):
    """Follows the bench. `measured(report)` whenever a figure of any recipe has come or has become better.

    `stopped_changed` when the accuracy is not measured to the end any more, or is again.
    """

    measured = Signal(object)
    stopped_changed = Signal()
    failed = Signal(str, str)

    def __init__(self, engine: Engine, jobs: RunningJobs, figures: KnownFigures, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.figures = figures
        self._model: ModelInfo | None = None
        self._data: DataInfo | None = None
        self._recipe = Recipe()
        self._is_paused = False
        self._size_asked = self._calibration_digest = ""
        self._is_held = False
        # Why the accuracy of a recipe is left as it is, by the digest that it is known under.
        self._stopped: dict[str, str] = {}
        self.probe = ProbeRow(jobs, self)
        # Both build the file, which may take a minute: not in the lane that a drag looks at layers through.
        self._size_lane = LatestLane(engine, "probe", cancels=True, parent=self)
        self._probe_lane = LatestLane(engine, "probe", cancels=True, parent=self)
        self._background = Background(jobs, self)
        self._rest = QTimer(self, interval=_REST_MS, singleShot=True)
        self._rest.timeout.connect(self.now)

    @property
    def is_idle(self) -> bool:
        """Whether everything that can be known of the recipe by itself is measured."""
        return (
            not self._rest.isActive()
            and self._probe_lane.is_idle
            and self._size_lane.is_idle
            and self._background.is_idle
        )

    @property
    def stopped(self) -> str:
        """Why the recipe's accuracy is not measured to the end; empty while it is, and when it is known."""
        known = self.figures.evaluation(self._recipe)
        return "" if known is not None and known.is_final else self._stopped.get(evaluated_digest(self._recipe), "")

    def set_model(self, model: ModelInfo) -> None:
        """Another model lies on the bench, and no samples."""
        self._rest.stop()
        self._background.forget()
        self._model, self._data = model, None
        self._size_asked = ""
        self._calibration_digest = ""
        self.figures.begin_model(model.digest)

    def set_data(self, data: DataInfo) -> None:
        """Other samples lie on the bench."""
        self._background.forget()
        self._data = data
        self.figures.begin_data(data.digest)
        self._begin_ranges()

    def set_calibration(self, digest: str) -> None:
        """Ranges are set on samples with this digest; "" for those that are evaluated on."""
        self._background.forget()
        self._calibration_digest = digest
        self._begin_ranges()

    def _begin_ranges(self) -> None:
        data_digest = self._data.digest if self._data is not None else ""
        self._stopped.clear()
        self._give_up_probe("given up for other samples")
        self.figures.begin_ranges(self._calibration_digest or data_digest)

    def set_recipe(self, recipe: Recipe) -> None:
        """Another recipe lies on the bench; what runs for the old one is given up."""
        self._recipe = recipe
        self._background.stop()
        self._give_up_probe("given up for an edit")

    def after_rest(self) -> None:
        """Measure when nothing has moved for a while; what takes long, only when the slider is let go."""
        if self._model is not None and not (self._is_held and learns_rounding(self._recipe)):
            self._rest.start()

    def hold(self) -> None:
        """A drag begins."""
        self._is_held = True

    def let_go(self) -> None:
        """A drag has ended: measure at once."""
        self._is_held = False
        self.now()

    def pause(self) -> None:
        """Leave the engine to what somebody waits for."""
        self._is_paused = True
        self._background.stop()
        # An edit just before the job would be measured beside it; `resume` looks what is missing then.
        self._rest.stop()
        # It would build the same file beside the job.
        self._give_up_probe("given up for a job")

    def resume(self) -> None:
        """Go on measuring by itself."""
        self._is_paused = False
        self.now()

    def stop(self) -> None:
        """Measure nothing more."""
        self._rest.stop()
        self._is_paused = True

    def begin_again(self) -> None:
        """The engine was started anew: what it was asked for is lost."""
        self._size_asked = ""
        self.probe.end("the engine was started again", "muted")
        self.after_rest()

    def give_up(self, job: int) -> None:
        """Somebody stopped a job: do not start it again by itself."""
        if job == self.probe.number:
            self._give_up_probe("cancelled")
            self._stop(evaluated_digest(self._recipe), STOPPED)
        elif given_up := self._background.give_up(job):
            self._stop(given_up, STOPPED)

    def give_up_recipe(self, recipe: Recipe) -> None:
        """Somebody stopped the evaluation of a recipe: do not finish it by itself."""
        self._stop(evaluated_digest(recipe), STOPPED)

    def take_up(self, recipe: Recipe) -> None:
        """Somebody wants a recipe measured after all."""
        self._background.take_up()
        if self._stopped.pop(evaluated_digest(recipe), ""):
            self.stopped_changed.emit()

    @Slot()
    def again(self) -> None:
        """Measure the recipe's accuracy to the end after it was stopped."""
        self.take_up(self._recipe)
        self.now()

    def _stop(self, digest: str, why: str) -> None:
        self._stopped[digest] = why
        self.stopped_changed.emit()

    @Slot()
    def now(self) -> None:
        """Measure what is not known yet of the recipe: a few samples first, and then the rest."""
        self._rest.stop()
        if self._model is None:
            return
        if self._data is None or self.figures.evaluation(self._recipe) is not None:
            self._ask_size()
            self._refine()
            return
        if self.stopped:
            return
        self.probe.begin()
        self._probe_lane.submit(
            "evaluate", self._recipe, limit=self._probe_samples(), on_partial=self._on_probe, on_done=self._on_probed,
            on_failed=self._on_probe_failed, on_progress=self.probe.progress,
        )  # fmt: skip

    def _give_up_probe(self, reason: str) -> None:
        self._probe_lane.clear()
        self._size_lane.clear()
        self._size_asked = ""
        self.probe.end(reason, "muted")

    def take(self, report: object) -> None:
        """A report has come, of whichever recipe; one of another model or of other samples is dropped."""
        if not isinstance(report, EvaluationReport | LatencyReport) or not self.figures.is_of_these(report):
            return
        if isinstance(report, EvaluationReport):
            self.measured.emit(self.figures.add_evaluation(report))
        else:
            self.figures.add_latency(report)
            self.measured.emit(report)

    def _probe_samples(self) -> int:
        """As many samples as the model takes in a fifth of a second; the rest refines the figure later."""
        seconds = self.figures.seconds_per_sample
        if seconds is None:
            latency = self.figures.latency(Recipe())
            seconds = latency.p50.value / 1000 if latency is not None else _PROBE_SECONDS / _FIRST_PROBE
        return max(_LEAST_PROBE, min(_MOST_PROBE, round(_PROBE_SECONDS / max(seconds, 1e-6))))

    def _on_probe(self, report: object) -> None:
        self.take(report)
        # The file has been built by now, and its size costs nothing more.
        self._ask_size()

    def _on_probe_failed(self, failure: object) -> None:
        why = failure.text if isinstance(failure, Failed) else "failed"
        self.probe.end(why, "bad")
        self._stop(evaluated_digest(self._recipe), f"not measured: {why}")
        self._on_failed(failure)

    def _on_probed(self, report: object) -> None:
        self.probe.end(outcome_text(report), "good")
        self._on_probe(report)
        self._refine()

    def _ask_size(self) -> None:
        recipe = self._recipe
        if needs_ranges(recipe) and self._data is None and not self._calibration_digest:
            # The file would have float activations: no size of what is asked.
            return
        if self._size_asked == recipe.digest or self.figures.size(recipe) is not None:
            return
        self._size_asked = recipe.digest

        def on_size(size: object) -> None:
            if isinstance(size, int):
                self.figures.add_size(recipe, size)
                self.measured.emit(size)

        def on_failed(failure: object) -> None:
            self._size_asked = ""
            self._on_failed(failure)

        self._size_lane.submit("preview_bytes", recipe, on_done=on_size, on_failed=on_failed)

    def _refine(self) -> None:
        """Latency first, as it takes a few seconds at most; then all samples."""
        if self._is_paused:
            return
        recipe, steps = self._recipe, []
        if self.figures.latency(recipe) is None:
            steps.append(Step("Latency", recipe.digest, "measure_latency", (recipe,), self.take))
        known = self.figures.evaluation(recipe) if self._data is not None else None
        is_missing = self._data is not None and (known is None or known.done < self._data.num_samples)
        if is_missing and not self.stopped:
            digest = evaluated_digest(recipe)
            # What is known by then is worth keeping: nothing else may bring this recipe back.
            keep = partial(self.figures.keep_evaluation, digest)
            steps.append(Step("Accuracy, all samples", digest, "evaluate", (recipe,), self.take, keep))
        self._background.start(steps)

    def _on_failed(self, failure: object) -> None:
        if isinstance(failure, Failed):
            self.failed.emit(failure.text, failure.details)
