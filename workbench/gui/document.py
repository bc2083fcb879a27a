"""The session as the window sees it: what lies on the bench, the undo stack, and figures as they come."""

import itertools
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from PySide6.QtCore import QObject, QTimer, Signal, Slot
from PySide6.QtGui import QUndoCommand, QUndoStack

from workbench.engine.core.errors import WorkbenchError
from workbench.engine.core.layer import ModelInfo
from workbench.engine.core.recipe import Recipe
from workbench.engine.core.reports import (
    ApplyReport,
    DataInfo,
    EvaluationReport,
    LatencyReport,
    LayerPreview,
    ModelFootprint,
)
from workbench.engine.core.weight_curves import WeightCurves
from workbench.gui.engine import SESSION_FACTORY, Engine, Ticket
from workbench.gui.lanes import LatestLane
from workbench.jobs import Progress
from workbench.project.recipe_text import format_recipe, parse_recipe
from workbench.worker.messages import Failed

_REST_MS = 300
_PROBE_SAMPLES = 128
_FORMAT = 1


class SetRecipe(QUndoCommand):
    """Lay another sheet on the bench. Edits of one gesture are one step."""

    def __init__(self, document: "Document", new: Recipe, text: str, gesture: object) -> None:
        super().__init__(text)
        self._document, self._old, self._new, self._gesture = document, document.recipe, new, gesture

    def id(self) -> int:
        """The same for all: any two may be merged, if they are of one gesture."""
        return 1

    def mergeWith(self, other: QUndoCommand) -> bool:
        """Take a later edit of the same gesture in."""
        if not isinstance(other, SetRecipe) or self._gesture is None or other._gesture is not self._gesture:
            return False
        self._new = other._new
        return True

    def redo(self) -> None:
        """Lay the new sheet down."""
        self._document.put_recipe(self._new)

    def undo(self) -> None:
        """Lay the old sheet back."""
        self._document.put_recipe(self._old)


class Document(QObject):
    """What lies on the bench. Only the main thread touches it; the engine answers through queued signals."""

    model_changed = Signal()
    dataset_changed = Signal()
    recipe_changed = Signal(object, object)
    selection_changed = Signal()
    measured = Signal(object)
    layer_previewed = Signal(object)
    message = Signal(str, str)
    job_started = Signal(int, str)
    job_progressed = Signal(int, object)
    job_finished = Signal(int, str, bool)
    exported = Signal(object)
    export_failed = Signal(str, str)

    def __init__(self, factory: str = SESSION_FACTORY, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.model: ModelInfo | None = None
        self.footprint: ModelFootprint | None = None
        self.dataset: DataInfo | None = None
        self.recipe = Recipe()
        self.selection: tuple[str, ...] = ()
        self.accuracy: EvaluationReport | None = None
        self.baseline: EvaluationReport | None = None
        self.exact_bytes: int | None = None
        self.latency: LatencyReport | None = None
        self.undo_stack = QUndoStack(self)
        self.engine = Engine(factory, self)
        self.engine.restarted.connect(self.message)
        self._layer_lane = LatestLane(self.engine, "quick", parent=self)
        self._size_lane = LatestLane(self.engine, "quick", parent=self)
        self._probe_lane = LatestLane(self.engine, "probe", cancels=True, parent=self)
        self._reports: dict[str, EvaluationReport] = {}
        self._jobs: dict[int, Ticket] = {}
        self._job_ids = itertools.count(1)
        self._export_job = 0
        self._rest = QTimer(self, interval=_REST_MS, singleShot=True)
        self._rest.timeout.connect(self._measure_now)
        self.engine.start()

    def close(self) -> None:
        """End the engine's process."""
        self._rest.stop()
        # The stack says that it is cleared while it is taken down, to a window that may still be there.
        self.undo_stack.blockSignals(True)
        self.engine.close()

    def open_model(self, path: str | Path) -> None:
        """Read a model; the bench changes when it is read whole."""
        self.engine.request("quick", "open_model", str(path), on_done=self._on_model, on_failed=self._on_failed)

    def open_data(self, path: str | Path, overrides: Mapping[str, object] | None = None) -> None:
        """Read samples; the bench changes when they are known to fit."""
        values = dict(overrides or {})
        self.engine.request("quick", "open_data", str(path), values, on_done=self._on_data, on_failed=self._on_failed)

    def edit(self, recipe: Recipe, text: str, gesture: object = None) -> None:
        """Change the recipe, as one step that can be undone; steps of one gesture become one."""
        if recipe != self.recipe:
            self.undo_stack.push(SetRecipe(self, recipe, text, gesture))

    def released(self) -> None:
        """A slider was let go: measure now."""
        self._rest.stop()
        self._measure_now()

    def put_recipe(self, recipe: Recipe) -> None:
        """Lay a sheet on the bench; called by the undo stack."""
        old, self.recipe = self.recipe, recipe
        self.exact_bytes = None
        known = self._reports.get(recipe.digest)
        if known is not None:
            self.accuracy = known
        self.recipe_changed.emit(old, recipe)
        self._preview_layer()
        if self.model is not None:
            self._rest.start()

    def select(self, names: Sequence[str]) -> None:
        """Select layers by name."""
        if tuple(names) != self.selection:
            self.selection = tuple(names)
            self.selection_changed.emit()
            self._preview_layer()

    def request_curves(self, layer: str, answer: Callable[[str, WeightCurves], None]) -> None:
        """Ask for a layer's tables; `answer(layer, curves)` follows on the main thread."""
        self.engine.request(
            "quick", "curves", layer, on_done=self._curves_answer(layer, answer), on_failed=self._on_failed
        )

    @staticmethod
    def _curves_answer(layer: str, answer: Callable[[str, WeightCurves], None]) -> Callable[[object], None]:
        def on_curves(curves: object) -> None:
            assert isinstance(curves, WeightCurves)
            answer(layer, curves)

        return on_curves

    def set_encoding(self, encoding: str) -> None:
        """Choose between the smallest encodings and those that other tools read."""
        self.edit(replace(self.recipe, encoding=encoding), "Encoding")

    def evaluate(self) -> None:
        """Evaluate the recipe on all samples, as a job."""
        if self.model is None or self.dataset is None:
            self.message.emit("There is nothing to evaluate yet; open a model and samples first", "")
            return
        self._start_job("Evaluate", "evaluate", self.recipe, on_partial=self._on_report, on_done=self._on_report)

    def measure_latency(self) -> None:
        """Measure the recipe's latency on this computer, as a job."""
        self._start_job("Latency", "measure_latency", self.recipe, on_done=self._on_latency)

    def export(self, path: str | Path, force: bool) -> None:
        """Write the compressed model and verify it, as a job."""
        self._export_job = self._start_job(
            "Export",
            "export",
            self.recipe,
            str(path),
            force=force,
            on_done=self._on_exported,
            on_failed=self._on_refused,
        )

    def cancel(self, job: int) -> None:
        """Ask a job to stop."""
        if job in self._jobs:
            self.engine.cancel(self._jobs[job])

    def cancel_export(self) -> None:
        """Ask the export to stop."""
        self.cancel(self._export_job)

    def open_recipe(self, path: str | Path) -> None:
        """Take the recipe of a file, as one step that can be undone."""
        try:
            recipe = parse_recipe(Path(path).read_text(encoding="utf-8"), str(path))
        except (WorkbenchError, OSError, UnicodeDecodeError) as error:
            self.message.emit(f"{error}", "")
            return
        self.edit(recipe, f"Open {Path(path).name}")

    def save_recipe(self, path: str | Path) -> None:
        """Write the recipe as text."""
        self._write(Path(path), format_recipe(self.recipe))

    def save_project(self, path: str | Path) -> None:
        """Write what lies on the bench as readable JSON."""
        project = {
            "format": _FORMAT,
            "model": {"path": self.model.path, "sha256": self.model.sha256} if self.model else None,
            "dataset": {"path": self.dataset.path} if self.dataset else None,
            "recipe": format_recipe(self.recipe),
        }
        if self._write(Path(path), json.dumps(project, indent=1)):
            self.undo_stack.setClean()

    def open_project(self, path: str | Path) -> None:
        """Put what a project file names on the bench."""
        try:
            project = json.loads(Path(path).read_text(encoding="utf-8"))
            recipe = parse_recipe(project["recipe"], str(path))
            model, data = project["model"]["path"], project["dataset"]
        except (WorkbenchError, OSError, ValueError, KeyError, TypeError) as error:
            self.message.emit(f"{path}: not a readable project ({error})", "")
            return
        self.open_model(model)
        if data:
            self.open_data(data["path"])
        self.engine.request("quick", "footprint", on_done=lambda _: self.edit(recipe, "Open project"))

    def _write(self, path: Path, text: str) -> bool:
        temporary = path.with_name(f".{path.name}.part")
        try:
            temporary.write_text(text, encoding="utf-8")
            temporary.replace(path)
        except OSError as error:
            temporary.unlink(missing_ok=True)
            self.message.emit(f"{path}: cannot be written ({error.strerror})", "")
            return False
        return True

    def _on_model(self, info: object) -> None:
        assert isinstance(info, ModelInfo)
        self._rest.stop()
        self.model, self.footprint, self.dataset = info, None, None
        self.accuracy = self.baseline = self.latency = None
        self.exact_bytes = None
        self._reports.clear()
        self.selection = ()
        self.undo_stack.clear()
        old, self.recipe = self.recipe, Recipe()
        self.model_changed.emit()
        self.dataset_changed.emit()
        self.recipe_changed.emit(old, self.recipe)
        self.engine.request("quick", "footprint", on_done=self._on_footprint, on_failed=self._on_failed)
        self.measure_latency()

    def _on_footprint(self, footprint: object) -> None:
        assert isinstance(footprint, ModelFootprint)
        self.footprint = footprint
        self.recipe_changed.emit(self.recipe, self.recipe)

    def _on_data(self, info: object) -> None:
        assert isinstance(info, DataInfo)
        self.dataset, self.accuracy, self.baseline = info, None, None
        self._reports.clear()
        self.dataset_changed.emit()
        self._measure_now()

    def _preview_layer(self) -> None:
        if self.model is None or not self.selection:
            return
        layer = next((layer for layer in self.model.layers if layer.name == self.selection[0]), None)
        if layer is not None and layer.editable:
            self._layer_lane.submit("layer_preview", layer.name, self.recipe, on_done=self._on_previewed)

    @Slot()
    def _measure_now(self) -> None:
        """A probe on a fixed subset, and the file's exact size."""
        if self.model is None:
            return
        self._size_lane.submit("preview_bytes", self.recipe, on_done=self._size_answer(self.recipe))
        if self.dataset is not None and self.recipe.digest not in self._reports:
            self._probe_lane.submit(
                "evaluate", self.recipe, limit=_PROBE_SAMPLES,
                on_partial=self._on_report, on_done=self._on_report, on_failed=self._on_failed,
            )  # fmt: skip

    def _size_answer(self, recipe: Recipe) -> Callable[[object], None]:
        def on_size(size: object) -> None:
            if recipe == self.recipe and isinstance(size, int):
                self.exact_bytes = size
                self.measured.emit(size)

        return on_size

    def _on_previewed(self, preview: object) -> None:
        if isinstance(preview, LayerPreview) and preview.recipe_digest == self.recipe.digest:
            self.layer_previewed.emit(preview)

    def _on_report(self, report: object) -> None:
        if not isinstance(report, EvaluationReport):
            return
        is_baseline = not report.recipe_digest
        digest = report.recipe_digest or Recipe().digest
        report = replace(report, recipe_digest=digest)
        known = self._reports.get(digest)
        if known is None or report.done >= known.done:
            self._reports[digest] = report
        if is_baseline:
            self.baseline = self._reports[digest]
        if digest == self.recipe.digest:
            self.accuracy = self._reports[digest]
        self.measured.emit(report)

    def _on_latency(self, report: object) -> None:
        if isinstance(report, LatencyReport):
            self.latency = report
            self.measured.emit(report)

    def _on_exported(self, report: object) -> None:
        if isinstance(report, ApplyReport):
            self.exported.emit(report)

    def _on_refused(self, failure: Failed) -> None:
        self.export_failed.emit(failure.text, failure.details)
        self._on_failed(failure)

    def _on_failed(self, failure: object) -> None:
        if isinstance(failure, Failed):
            self.message.emit(failure.text, failure.details)

    def _start_job(
        self,
        title: str,
        verb: str,
        *args: object,
        on_done: Callable[[object], None],
        on_partial: Callable[[object], None] | None = None,
        on_failed: Callable[[Failed], None] | None = None,
        **kwargs: object,
    ) -> int:
        """A request in the "run" lane, with a row in the list of jobs."""
        job = next(self._job_ids)
        self.job_started.emit(job, title)

        def end(text: str, *, ok: bool) -> None:
            self._jobs.pop(job, None)
            self.job_finished.emit(job, text, ok)

        def done(value: object) -> None:
            end("done", ok=True)
            on_done(value)

        def failed(failure: Failed) -> None:
            end(failure.text, ok=False)
            (on_failed or self._on_failed)(failure)

        def progressed(progress: Progress) -> None:
            self.job_progressed.emit(job, progress)

        self._jobs[job] = self.engine.request(
            "run", verb, *args, on_done=done, on_partial=on_partial, on_progress=progressed, on_failed=failed,
            on_stopped=lambda reason: end(reason, ok=False), **kwargs,
        )  # fmt: skip
        return job
