"""Jobs that scan, learn to predict, and search for a recipe; each hands on what it finds while it runs."""

from dataclasses import replace

from PySide6.QtCore import QObject, Signal, Slot

from workbench.engine.core.accuracy_prediction import AccuracyPrediction
from workbench.engine.core.recipe import Recipe
from workbench.engine.core.search_result import SearchBudgets
from workbench.engine.core.sensitivity import ScanAxes, SensitivityScan
from workbench.gui.awaited_jobs import AwaitedJobs
from workbench.gui.running_jobs import RunningJobs
from workbench.worker.messages import Failed


class SearchJobs(QObject):
    """Starts jobs on request; at most one of each kind runs.

    Signals:
        began: one of them has been asked for.
        scanned(SensitivityScan), predicted(AccuracyPrediction), found(SearchResult): the newest of what a job finds.
        scan_ended(text), search_ended(text): it came to no end, and why.
        failed(text, details)
    """

    began = Signal()
    scanned = Signal(object)
    predicted = Signal(object)
    found = Signal(object)
    scan_ended = Signal(str)
    search_ended = Signal(str)
    failed = Signal(str, str)

    def __init__(self, jobs: RunningJobs, awaited: AwaitedJobs, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._jobs = jobs
        self._awaited = awaited
        self.scan_job = self.fit_job = self.search_job = 0

    @property
    def is_scanning(self) -> bool:
        """Whether a scan runs."""
        return self._jobs.is_running(self.scan_job)

    @property
    def is_fitting(self) -> bool:
        """Whether mixes are being measured to predict others."""
        return self._jobs.is_running(self.fit_job)

    @property
    def is_searching(self) -> bool:
        """Whether a search runs."""
        return self._jobs.is_running(self.search_job)

    def scan(self, axes: ScanAxes, samples: int | None) -> None:
        """Measure how sensitive each layer is to each setting; what a stopped scan has found is kept.

        Args:
            axes: the settings.
            samples: for each cell; None for as many as the engine holds for enough.
        """
        if self.is_scanning:
            return
        given = {} if samples is None else {"samples": samples}
        self.scan_job = self._awaited.start(
            "Sensitivity", "scan", axes, early=True, **given, on_partial=self.scanned.emit, on_done=self.scanned.emit,
            on_failed=self._on_scan_failed, on_stopped=self._on_scan_stopped,
        )  # fmt: skip
        self.began.emit()

    def fit(self, scan: SensitivityScan, recipe: Recipe) -> None:
        """Learn to predict accuracy from a few mixes that are measured."""
        if self.is_fitting:
            return

        def learned(prediction: object) -> None:
            if isinstance(prediction, AccuracyPrediction):
                # By the time that it comes, another scan may be on the bench.
                self.predicted.emit(replace(prediction, ranges_digest=scan.ranges_digest, groups=scan.groups))

        self.fit_job = self._awaited.start(
            "Prediction", "fit_accuracy", scan, recipe,
            on_partial=learned, on_done=learned, on_failed=self._on_failed,
        )  # fmt: skip
        self.began.emit()

    def search(
        self,
        budgets: SearchBudgets,
        scan: SensitivityScan,
        prediction: AccuracyPrediction | None,
        recipe: Recipe,
    ) -> None:
        """Search the best recipe within budgets; what is found on the way is measured."""
        if self.is_searching:
            return
        self.search_job = self._awaited.start(
            "Auto-compress", "search", budgets, scan, prediction, recipe, on_partial=self.found.emit,
            on_done=self.found.emit, on_failed=self._on_search_failed, on_stopped=self._on_search_stopped,
        )  # fmt: skip
        self.began.emit()

    @Slot()
    def cancel_scan(self) -> None:
        """Ask the scan to stop."""
        self._awaited.cancel(self.scan_job)

    @Slot()
    def cancel_search(self) -> None:
        """Ask the search to stop."""
        self._awaited.cancel(self.search_job)

    def _on_scan_failed(self, failure: Failed) -> None:
        self.scan_ended.emit(failure.text)
        self._on_failed(failure)

    def _on_scan_stopped(self) -> None:
        self.scan_ended.emit("the scan was stopped before it was complete")

    def _on_search_failed(self, failure: Failed) -> None:
        self.search_ended.emit(failure.text)
        self._on_failed(failure)

    def _on_search_stopped(self) -> None:
        self.search_ended.emit("the search was stopped before anything was proven")

    def _on_failed(self, failure: Failed) -> None:
        self.failed.emit(failure.text, failure.details)
