"""The session as the window sees it: the bench with the engine behind it, and who must hear when it changes."""

from collections.abc import Mapping

from PySide6.QtCore import QObject, Signal, Slot

from workbench.engine.core.layer import ModelInfo
from workbench.engine.core.recipe import Recipe
from workbench.engine.core.reports import DataInfo
from workbench.engine.core.sensitivity import SensitivityScan
from workbench.gui.awaited_jobs import AwaitedJobs
from workbench.gui.bench import Bench
from workbench.gui.calibration_data import CalibrationData
from workbench.gui.device_budget import DeviceBudget
from workbench.gui.device_times import DeviceTimes
from workbench.gui.engine import SESSION_FACTORY, Engine
from workbench.gui.known_activations import KnownActivations
from workbench.gui.known_channels import KnownChannels
from workbench.gui.known_devices import KnownDevices
from workbench.gui.known_figures import KnownFigures
from workbench.gui.known_formats import KnownFormats
from workbench.gui.known_importance import KnownImportance
from workbench.gui.known_latency import KnownLatency
from workbench.gui.known_plan import KnownPlan
from workbench.gui.known_prediction import KnownPrediction
from workbench.gui.known_scan import KnownScan
from workbench.gui.layer_looks import LayerLooks
from workbench.gui.measuring import Measuring
from workbench.gui.opening import Opening
from workbench.gui.project_opening import OpenedProject
from workbench.gui.project_saving import ProjectSaving
from workbench.gui.running_jobs import RunningJobs
from workbench.gui.search_jobs import SearchJobs
from workbench.gui.shown_figures import ShownFigures
from workbench.gui.trade_off import TradeOff
from workbench.project.budgets import Budgets
from workbench.project.measurement_store import MeasurementStore


class Document(Bench):
    """A bench whose parts each know one thing: what is read, what is measured, what is saved.

    The parts that ask the engine hear of a change before anybody who looks at the bench does; so whoever is told
    by a signal finds them up to date.

    Args:
        factory: "module:name" of what makes the session in the worker.
        store: where measurements are kept between runs; None to keep them for this run only.
    """

    message = Signal(str, str)

    def __init__(
        self, factory: str = SESSION_FACTORY, parent: QObject | None = None, *, store: MeasurementStore | None = None
    ) -> None:
        super().__init__(parent)
        self._store = store
        self.engine = Engine(factory, self)
        self.jobs = RunningJobs(self.engine, self)
        self.measuring = Measuring(self.engine, self.jobs, KnownFigures(store), self)
        self.figures = ShownFigures(self, self.measuring, self)
        self.awaited = AwaitedJobs(self.jobs, self.measuring, self)
        self.searching = SearchJobs(self.jobs, self.awaited, self)
        self.opening = Opening(self.engine, self)
        self.calibration = CalibrationData(self.opening.one, self)
        self.saving = ProjectSaving(self, self.calibration, self.measuring.figures, self)
        self.activations = KnownActivations(self.engine, self)
        self.plans = KnownPlan(self.engine, self)
        self.channels = KnownChannels(self.engine, self.plans, self)
        self.importance = KnownImportance(self.engine, self.channels, self)
        self.scans = KnownScan(self.engine, self)
        self.predictions = KnownPrediction(self.scans, self)
        self.trade_off = TradeOff(self, self.figures, self.measuring.figures, self)
        self.looks = LayerLooks(self.engine, self, self)
        self.formats = KnownFormats(self.engine, self)
        self.devices = KnownDevices(self.engine, self)
        self.latency = KnownLatency(self.engine, self.devices, self)
        self.device_budget = DeviceBudget(self, self.latency, self)
        self.device_times = DeviceTimes(self.engine, self.latency, self)
        self._connect()
        self.engine.start()

    def _connect(self) -> None:
        for failed in (
            self.engine.restarted,
            self.measuring.failed,
            self.awaited.failed,
            self.searching.failed,
            self.opening.failed,
            self.opening.one.refused,
            self.calibration.failed,
            self.looks.failed,
            self.formats.failed,
            self.channels.failed,
            self.devices.failed,
        ):
            failed.connect(self.message)
        self.engine.restarted.connect(self._on_engine_restarted)
        self.awaited.sqnr_measured.connect(self.figures.put_sqnr)
        self.measuring.measured.connect(self.plans.refine)
        self.searching.scanned.connect(self.scans.take)
        self.searching.predicted.connect(self.predictions.take)
        self.searching.found.connect(self.trade_off.take)
        self.scans.completed.connect(self._on_scan_complete)
        self.calibration.changed.connect(self._on_calibration)
        self.opening.model_read.connect(self._on_model)
        self.opening.footprint_read.connect(self._put_footprint)
        self.opening.data_read.connect(self._on_data)
        self.opening.recipe_read.connect(self.edit)
        self.opening.project_read.connect(self._on_project)

    def close(self) -> None:
        """End the engine's process."""
        self.measuring.stop()
        # The stack says that it is cleared while it is taken down, to a window that may still be there.
        self.undo_stack.blockSignals(True)
        self.engine.close()
        if self._store is not None:
            self._store.close()

    def released(self) -> None:
        """A slider was let go: measure now."""
        self.measuring.let_go()

    def pressed(self) -> None:
        """A slider is held: what takes long waits until it is let go."""
        self.measuring.hold()

    @Slot(object)
    def _on_model(self, info: ModelInfo) -> None:
        self._put_model(info, Recipe(), Budgets())
        self.saving.mark_saved(None)
        self.measuring.now()

    @Slot(object, object)
    def _on_data(self, info: DataInfo, overrides: dict[str, object]) -> None:
        self._put_data(info, overrides)
        self.measuring.now()

    @Slot(object)
    def _on_project(self, opened: OpenedProject) -> None:
        project, known = opened.project, self.measuring.figures
        self._put_model(opened.model, opened.recipe, project.budgets)
        self.notes = project.notes
        if opened.data is not None:
            self._put_data(opened.data, project.data.overrides if project.data is not None else {})
        if opened.calibration is not None and project.calibration is not None:
            self.calibration.take(opened.calibration, project.calibration.overrides)
        for evaluation in opened.evaluations:
            known.add_evaluation(evaluation)
        known.add_known_sizes(opened.sizes)
        self.figures.show(self.recipe)
        self.saving.mark_saved(opened.path)
        self._put_footprint(opened.footprint)
        self.measuring.now()

    def _put_model(self, info: ModelInfo, recipe: Recipe, budgets: Budgets) -> None:
        self.awaited.give_up_model()
        self.searching.give_up()
        self.activations.forget()
        self.measuring.set_model(info)
        self.calibration.take(None, {})
        self.measuring.set_recipe(recipe)
        self.figures.show_only(recipe)
        self.plans.begin_again(recipe)
        self.importance.forget()
        self.channels.begin_model(info, recipe)
        self.scans.begin_model(info)
        self.latency.begin_model(info, recipe)
        super()._put_model(info, recipe, budgets)

    def _put_data(self, info: DataInfo, overrides: Mapping[str, object]) -> None:
        self.awaited.give_up_data()
        self.searching.give_up()
        self.measuring.set_data(info)
        self._begin_samples()
        self.channels.set_has_samples(True)
        self.scans.begin_data(info, self.calibration.digest)
        super()._put_data(info, overrides)
        self.saving.saved_changed.emit()

    @Slot()
    def _on_calibration(self) -> None:
        """Ranges are set on other samples: what was found with the old ones holds no more."""
        self.searching.give_up()
        self.measuring.set_calibration(self.calibration.digest)
        self._begin_samples()
        self.channels.set_has_samples(self.dataset is not None or self.calibration.info is not None)
        if self.dataset is not None:
            # Cells of activations are others with other ranges.
            self.scans.begin_data(self.dataset, self.calibration.digest)
        self.dataset_changed.emit()
        self.saving.saved_changed.emit()
        self.measuring.after_rest()

    def _begin_samples(self) -> None:
        self.activations.forget()
        self.importance.forget()
        self.figures.show_only(self.recipe)
        self.plans.begin_again(self.recipe)
        # How many channels go may follow from what samples say of them.
        self.latency.ask()

    def _put_recipe(self, recipe: Recipe) -> None:
        self.measuring.set_recipe(recipe)
        self.plans.set_recipe(recipe)
        self.channels.set_recipe(recipe)
        self.figures.show(recipe)
        super()._put_recipe(recipe)
        self.looks.look()
        self.latency.set_recipe(recipe)
        self.measuring.after_rest()

    @Slot(object)
    def _on_scan_complete(self, scan: SensitivityScan) -> None:
        """What a scan says of mixes is learned at once, so that the next move of a knob knows its accuracy."""
        self.searching.fit(scan, Recipe())

    @Slot(str, str)
    def _on_engine_restarted(self, text: str, details: str) -> None:
        self.measuring.begin_again()
        self.activations.forget()
        self.importance.forget()
        self.plans.begin_again(self.recipe)
        self.channels.begin_again()
        self.latency.begin_again()
        self.scans.ask()
