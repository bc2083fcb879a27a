"""The session as the window sees it: what lies on the bench, the undo stack, and figures as they come."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from PySide6.QtCore import QObject, Signal, Slot
from PySide6.QtGui import QUndoStack

from workbench.engine.core.errors import WorkbenchError
from workbench.engine.core.layer import ModelInfo
from workbench.engine.core.plan import Plan
from workbench.engine.core.quantization_reports import SqnrReport
from workbench.engine.core.recipe import Recipe
from workbench.engine.core.reports import (
    DataInfo,
    EvaluationReport,
    LatencyReport,
    LayerPreview,
    ModelFootprint,
)
from workbench.engine.core.weight_curves import WeightCurves
from workbench.engine.core.whole_file import write_whole
from workbench.gui.awaited_jobs import AwaitedJobs
from workbench.gui.calibration_data import CalibrationData
from workbench.gui.edits import BUDGETS_EDIT, RECIPE_EDIT, Edit
from workbench.gui.engine import SESSION_FACTORY, Engine
from workbench.gui.known_activations import KnownActivations
from workbench.gui.known_figures import KnownFigures, evaluated_digest
from workbench.gui.known_plan import KnownPlan
from workbench.gui.lanes import LatestLane
from workbench.gui.measuring import Measuring
from workbench.gui.project_opening import OpenedProject, ProjectOpening
from workbench.gui.running_jobs import RunningJobs
from workbench.project.budgets import Budgets
from workbench.project.measurement_store import MeasurementStore
from workbench.project.project_file import Project, ProjectData, save_project
from workbench.project.recipe_text import format_recipe, parse_recipe
from workbench.project.tool_version import tool_version
from workbench.worker.messages import Failed


class Document(QObject):
    """What lies on the bench. Only the main thread touches it; the engine answers through queued signals.

    Args:
        factory: "module:name" of what makes the session in the worker.
        store: where measurements are kept between runs; None to keep them for this run only.
    """

    model_changed = Signal()
    dataset_changed = Signal()
    recipe_changed = Signal(object, object)
    budgets_changed = Signal()
    selection_changed = Signal()
    measured = Signal(object)
    probing = Signal(str)
    layer_previewed = Signal(object)
    sqnr_changed = Signal()
    message = Signal(str, str)
    model_refused = Signal()
    data_refused = Signal(object, str)
    saved_changed = Signal()

    def __init__(
        self, factory: str = SESSION_FACTORY, parent: QObject | None = None, *, store: MeasurementStore | None = None
    ) -> None:
        super().__init__(parent)
        self.model: ModelInfo | None = None
        self.footprint: ModelFootprint | None = None
        self.dataset: DataInfo | None = None
        self.data_overrides: dict[str, object] = {}
        self.recipe = Recipe()
        self.budgets = Budgets()
        self.selection: tuple[str, ...] = ()
        self.accuracy: EvaluationReport | None = None
        self.latency: LatencyReport | None = None
        self.sqnr: SqnrReport | None = None
        self.notes = ""
        self.project_path: Path | None = None
        self._saved_data: tuple[object, ...] = ()
        self._store = store
        self.undo_stack = QUndoStack(self)
        self.engine = Engine(factory, self)
        self.engine.restarted.connect(self.message)
        self.engine.restarted.connect(self._on_engine_restarted)
        self.jobs = RunningJobs(self.engine, self)
        self.measuring = Measuring(self.engine, self.jobs, KnownFigures(store), self)
        self.measuring.measured.connect(self._on_measured)
        self.measuring.probe.said.connect(self.probing)
        self.measuring.failed.connect(self.message)
        self.awaited = AwaitedJobs(self.jobs, self.measuring, self)
        self.awaited.failed.connect(self.message)
        self.awaited.sqnr_measured.connect(self._put_sqnr)
        self._opening = ProjectOpening(self.engine, self)
        self._opening.opened.connect(self._on_project)
        self._opening.failed.connect(self.message)
        self.calibration = CalibrationData(self.engine, self)
        self.calibration.changed.connect(self._on_calibration)
        self.calibration.failed.connect(self.message)
        self.activations = KnownActivations(self.engine, self)
        self.plans = KnownPlan(self.engine, self)
        self._layer_lane = LatestLane(self.engine, "quick", parent=self)
        self.engine.start()

    @property
    def baseline(self) -> EvaluationReport | None:
        """The original's evaluation."""
        return self.measuring.figures.evaluation(Recipe())

    @property
    def exact_bytes(self) -> int | None:
        """Exact size of the file that the recipe gives; None until it is known."""
        return self.measuring.figures.size(self.recipe)

    @property
    def is_modified(self) -> bool:
        """Whether there is anything that a project file would keep and does not hold yet."""
        if not self.undo_stack.isClean():
            return True
        return self.project_path is not None and self._saved_data != self._data_now()

    def is_current(self, report: EvaluationReport | LatencyReport) -> bool:
        """Whether a report holds for the recipe as it is now."""
        if isinstance(report, EvaluationReport):
            return report.recipe_digest == evaluated_digest(self.recipe)
        return report.recipe_digest in ("", self.recipe.digest)

    def close(self) -> None:
        """End the engine's process."""
        self.measuring.stop()
        # The stack says that it is cleared while it is taken down, to a window that may still be there.
        self.undo_stack.blockSignals(True)
        self.engine.close()
        if self._store is not None:
            self._store.close()

    # Opening and saving

    def open_model(self, path: str | Path) -> None:
        """Read a model; the bench changes when it is read whole."""
        if self._opening.is_running:
            self.message.emit(f"{path}: wait until the project is open, then open the model", "")
            return

        def on_failed(failure: Failed) -> None:
            self.model_refused.emit()
            self._on_failed(failure)

        self.engine.request("quick", "open_model", str(path), on_done=self._on_model, on_failed=on_failed)

    def open_data(self, path: str | Path, overrides: Mapping[str, object] | None = None) -> None:
        """Read samples; the bench changes when they are known to fit. Else `data_refused(path, reason)`."""
        values = dict(overrides or {})

        def on_done(info: object) -> None:
            assert isinstance(info, DataInfo)
            self.data_overrides = values
            self._put_data(info)
            self.measuring.now()

        def on_failed(failure: Failed) -> None:
            self.data_refused.emit(Path(path), failure.text)
            self._on_failed(failure)

        self.engine.request("quick", "open_data", str(path), values, on_done=on_done, on_failed=on_failed)

    def open_project(self, path: str | Path) -> None:
        """Put what a project file names on the bench, when all of it is read.

        Raises:
            WorkbenchError: the file is no project, or its model is not there.
        """
        self._opening.open(Path(path))

    def open_recipe(self, path: str | Path) -> None:
        """Take the recipe of a file, if it fits the model, as one step that can be undone.

        Raises:
            WorkbenchError: the file holds no recipe.
        """
        path = Path(path)
        try:
            recipe = parse_recipe(path.read_text(encoding="utf-8"), str(path))
        except UnicodeDecodeError as error:
            raise WorkbenchError(f"{path}: is no text", "choose a recipe, a .yaml file") from error

        def on_done(plan: object) -> None:
            self.edit(recipe, f"Open {path.name}")
            if isinstance(plan, Plan) and not plan.is_changed:
                self.message.emit(f"{path.name}: {plan.remarks[0]}", "")

        self.engine.request("quick", "plan", recipe, source=str(path), on_done=on_done, on_failed=self._on_failed)

    def save_recipe(self, path: str | Path) -> None:
        """Write the recipe as text. Raises ExportError."""
        write_whole(Path(path), format_recipe(self.recipe).encode("utf-8"), force=True)

    def save_project(self, path: str | Path) -> None:
        """Write what lies on the bench as a project. Raises ExportError; then nothing counts as saved."""
        path = Path(path)
        assert self.model is not None
        figures, data = self.measuring.figures, self.dataset
        project = Project(
            model_path=Path(self.model.path),
            model_sha256=self.model.sha256,
            recipe=self.recipe,
            data=_project_data(data, self.data_overrides),
            calibration=_project_data(self.calibration.info, self.calibration.overrides),
            budgets=self.budgets,
            evaluations=figures.evaluations,
            sizes=figures.sizes,
            notes=self.notes,
            tool=tool_version(),
            model_digest=self.model.digest,
        )
        save_project(path, project)
        self._mark_saved(path)

    # Editing

    def edit(self, recipe: Recipe, text: str, gesture: object = None) -> None:
        """Change the recipe, as one step that can be undone; steps of one gesture become one."""
        if recipe != self.recipe:
            step = Edit(RECIPE_EDIT, self._put_recipe, self.recipe, recipe, text=text, gesture=gesture)
            self.undo_stack.push(step)

    def set_budgets(self, budgets: Budgets, gesture: object = None) -> None:
        """Change the limits, as one step that can be undone."""
        if budgets != self.budgets:
            step = Edit(BUDGETS_EDIT, self._put_budgets, self.budgets, budgets, text="Budget", gesture=gesture)
            self.undo_stack.push(step)

    def set_encoding(self, encoding: str) -> None:
        """Choose between the smallest encodings and those that other tools read."""
        self.edit(replace(self.recipe, encoding=encoding), "Encoding")

    def released(self) -> None:
        """A slider was let go: measure now."""
        self.measuring.let_go()

    def pressed(self) -> None:
        """A slider is held: what takes long waits until it is let go."""
        self.measuring.hold()

    def select(self, names: Sequence[str]) -> None:
        """Select layers by name."""
        if tuple(names) != self.selection:
            self.selection = tuple(names)
            self.selection_changed.emit()
            self._preview_layer()

    def request_curves(self, layer: str, answer: Callable[[str, WeightCurves], None]) -> None:
        """Ask for a layer's tables; `answer(layer, curves)` follows on the main thread."""

        def on_curves(curves: object) -> None:
            assert isinstance(curves, WeightCurves)
            answer(layer, curves)

        self.engine.request("quick", "curves", layer, on_done=on_curves, on_failed=self._on_failed)

    # Jobs that somebody waits for

    def evaluate(self) -> None:
        """Evaluate the recipe on all samples, as a job."""
        if self.model is None or self.dataset is None:
            self.message.emit("There is nothing to evaluate yet; open a model and samples first", "")
            return
        self.awaited.evaluate(self.recipe)

    def measure_latency(self) -> None:
        """Measure the recipe's latency on this computer, as a job."""
        self.awaited.measure_latency(self.recipe)

    def measure_sqnr(self) -> None:
        """Measure the SQNR of every layer, as a job."""
        self.awaited.measure_sqnr(self.recipe)

    def suggest_float_layers(self) -> None:
        """Measure which layers should stay in float, as a job."""
        self.awaited.suggest_float_layers(self.recipe)

    def compare_cpus(self) -> None:
        """Evaluate the recipe by the rules of every kind of processor, as a job."""
        self.awaited.compare_cpus(self.recipe)

    def export(self, path: str | Path, force: bool) -> None:
        """Write the compressed model and verify it, as a job."""
        self.awaited.export(self.recipe, path, force=force)

    # What comes onto the bench

    def _on_model(self, info: object) -> None:
        assert isinstance(info, ModelInfo)
        self._put_model(info)
        self._mark_saved(None)
        self.engine.request("quick", "footprint", on_done=self._on_footprint, on_failed=self._on_failed)
        self.measuring.now()

    def _put_model(self, info: ModelInfo, recipe: Recipe | None = None, budgets: Budgets | None = None) -> None:
        """Clear the bench, and lay a model and a sheet on it, with nothing to undo."""
        self.awaited.give_up_model()
        self._put_sqnr(None)
        self.activations.forget()
        self.measuring.set_model(info)
        self.model, self.footprint, self.dataset = info, None, None
        self.data_overrides = {}
        self.calibration.take(None, {})
        self.accuracy = self.latency = None
        self.selection = ()
        self.notes = ""
        self.undo_stack.clear()
        old, self.recipe = self.recipe, recipe or Recipe()
        self.budgets = budgets or Budgets()
        self.measuring.set_recipe(self.recipe)
        self.plans.begin_again(self.recipe)
        self.model_changed.emit()
        self.dataset_changed.emit()
        self.budgets_changed.emit()
        self.recipe_changed.emit(old, self.recipe)

    def _put_data(self, info: DataInfo) -> None:
        self.awaited.give_up_data()
        self._put_sqnr(None)
        self.activations.forget()
        self.measuring.set_data(info)
        self.dataset = info
        self.accuracy = self.measuring.figures.evaluation(self.recipe)
        self.plans.begin_again(self.recipe)
        self.dataset_changed.emit()
        self.saved_changed.emit()

    @Slot(object)
    def _put_sqnr(self, report: SqnrReport | None) -> None:
        self.sqnr = report
        self.sqnr_changed.emit()

    @Slot()
    def _on_calibration(self) -> None:
        """Ranges are set on other samples: what was found with the old ones holds no more."""
        self.measuring.set_calibration(self.calibration.digest)
        self.accuracy = self.measuring.figures.evaluation(self.recipe)
        self.latency = self.measuring.figures.latency(self.recipe)
        self._put_sqnr(None)
        self.activations.forget()
        self.plans.begin_again(self.recipe)
        self.dataset_changed.emit()
        self.saved_changed.emit()
        self.measuring.after_rest()

    def _put_recipe(self, recipe: Recipe) -> None:
        """Lay a sheet on the bench; called by the undo stack."""
        old, self.recipe = self.recipe, recipe
        self.measuring.set_recipe(recipe)
        self.plans.set_recipe(recipe)
        self._show_known()
        self.recipe_changed.emit(old, recipe)
        self._preview_layer()
        self.measuring.after_rest()

    def _put_budgets(self, budgets: Budgets) -> None:
        self.budgets = budgets
        self.budgets_changed.emit()

    def _on_footprint(self, footprint: object) -> None:
        assert isinstance(footprint, ModelFootprint)
        self.footprint = footprint
        self.recipe_changed.emit(self.recipe, self.recipe)

    def _on_project(self, opened: object) -> None:
        assert isinstance(opened, OpenedProject)
        project = opened.project
        self._put_model(opened.model, opened.recipe, project.budgets)
        self.notes = project.notes
        figures = self.measuring.figures
        if opened.data is not None:
            self.data_overrides = dict(project.data.overrides) if project.data is not None else {}
            self._put_data(opened.data)
        if opened.calibration is not None and project.calibration is not None:
            self.calibration.take(opened.calibration, project.calibration.overrides)
        for evaluation in opened.evaluations:
            figures.add_evaluation(evaluation)
        figures.add_known_sizes(opened.sizes)
        self._show_known()
        self._mark_saved(opened.path)
        self._on_footprint(opened.footprint)
        self.measuring.now()

    def _mark_saved(self, path: Path | None) -> None:
        self.project_path = path
        self._saved_data = self._data_now()
        self.undo_stack.setClean()
        self.saved_changed.emit()

    def _data_now(self) -> tuple[object, ...]:
        data, calibration = self.dataset, self.calibration
        evaluated = (data.path, self.data_overrides) if data is not None else ()
        return (*evaluated, calibration.info.path, calibration.overrides) if calibration.info is not None else evaluated

    # Answers

    def _show_known(self) -> None:
        """Figures that are known of this recipe; without any, the old ones stay, and are shown as such."""
        self.accuracy = self.measuring.figures.evaluation(self.recipe) or self.accuracy
        self.latency = self.measuring.figures.latency(self.recipe) or self.latency

    @Slot(object)
    def _on_measured(self, report: object) -> None:
        self._show_known()
        self.measured.emit(report)

    def _preview_layer(self) -> None:
        if self.model is None or not self.selection:
            return
        layer = next((layer for layer in self.model.layers if layer.name == self.selection[0]), None)
        if layer is not None and layer.editable:
            self._layer_lane.submit("layer_preview", layer.name, self.recipe, on_done=self._on_previewed)

    def _on_previewed(self, preview: object) -> None:
        if isinstance(preview, LayerPreview) and preview.recipe_digest == self.recipe.digest:
            self.layer_previewed.emit(preview)

    @Slot(str, str)
    def _on_engine_restarted(self, text: str, details: str) -> None:
        self.measuring.begin_again()
        self.activations.forget()
        self.plans.begin_again(self.recipe)

    def _on_failed(self, failure: object) -> None:
        if isinstance(failure, Failed):
            self.message.emit(failure.text, failure.details)


def _project_data(info: DataInfo | None, overrides: Mapping[str, object]) -> ProjectData | None:
    return ProjectData(Path(info.path), dict(overrides), info.digest) if info is not None else None
