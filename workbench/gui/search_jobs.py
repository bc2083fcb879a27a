"""Jobs that scan, learn to predict, and search for a recipe; each hands on what it finds while it runs."""

from PySide6.QtCore import QObject, Signal, Slot

from workbench.engine.core.accuracy_prediction import AccuracyPrediction
from workbench.engine.core.recipe import Recipe
from workbench.engine.core.search_result import SearchBudgets
from workbench.engine.core.sensitivity import ScanAxes, SensitivityScan
from workbench.gui.awaited_jobs import AwaitedJobs
from workbench.gui.one_job import OneJob
from workbench.gui.running_jobs import RunningJobs
from workbench.worker.messages import Failed


class SearchJobs(QObject):
    """Starts jobs on request; at most one of each kind runs, and one that is being stopped is waited for.

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
        self._awaited = awaited
        self._scan, self._fit, self._search = (OneJob(jobs, awaited) for _ in range(3))
        self._learned_from: tuple[object, ...] = ()

    @property
    def is_scanning(self) -> bool:
        """Whether a scan runs."""
        return self._scan.is_running

    @property
    def is_fitting(self) -> bool:
        """Whether mixes are being measured to predict others."""
        return self._fit.is_running

    @property
    def is_searching(self) -> bool:
        """Whether a search runs."""
        return self._search.is_running

    @property
    def scan_job(self) -> int:
        """Number of the scan that was asked for last; 0 while it waits for the end of the one before."""
        return self._scan.number

    @property
    def search_job(self) -> int:
        """The same of the search."""
        return self._search.number

    def scan(self, axes: ScanAxes, samples: int | None) -> None:
        """Measure how sensitive each layer is to each setting; what a stopped scan has found is kept.

        Args:
            axes: the settings.
            samples: for each cell; None for as many as the engine holds for enough.
        """
        given = {} if samples is None else {"samples": samples}

        def start() -> int:
            return self._awaited.start(
                "Sensitivity", "scan", axes, early=True, **given, on_partial=self.scanned.emit,
                on_done=self._on_scan_done, on_failed=self._on_scan_failed, on_stopped=self._on_scan_stopped,
            )  # fmt: skip

        if self._scan.ask(start):
            self.began.emit()

    def fit(self, scan: SensitivityScan, recipe: Recipe) -> None:
        """Learn to predict accuracy from a few mixes that are measured; if that fails, its row in the list says why.

        What is being learned from another scan gives way.
        """

        def done(prediction: object) -> None:
            self.predicted.emit(prediction)
            self._fit.go_on()

        def failed(failure: Failed) -> None:
            self._fit.go_on()

        def start() -> int:
            return self._awaited.start(
                "Prediction", "fit_accuracy", scan, recipe, on_partial=self.predicted.emit, on_done=done,
                on_failed=failed, on_stopped=self._fit.go_on,
            )  # fmt: skip

        # The end of a scan is told twice, as the last of what it finds and as its result.
        of_scan = (scan.model_digest, scan.dataset_digest, scan.ranges_digest, scan.axes, scan.num_samples)
        if self._fit.is_running and of_scan != self._learned_from:
            self._fit.give_up()
        if self._fit.ask(start):
            self._learned_from = of_scan
            self.began.emit()

    def search(
        self,
        budgets: SearchBudgets,
        scan: SensitivityScan,
        prediction: AccuracyPrediction | None,
        recipe: Recipe,
    ) -> None:
        """Search the best recipe within budgets; what is found on the way is measured."""

        def start() -> int:
            return self._awaited.start(
                "Auto-compress", "search", budgets, scan, prediction, recipe, on_partial=self.found.emit,
                on_done=self._on_search_done, on_failed=self._on_search_failed, on_stopped=self._on_search_stopped,
            )  # fmt: skip

        if self._search.ask(start):
            self.began.emit()

    def give_up(self) -> None:
        """Something else lies on the bench, or other samples set ranges: what runs and what waits is of no use."""
        for job in (self._scan, self._fit, self._search):
            job.give_up()

    @Slot()
    def cancel_scan(self) -> None:
        """Ask the scan to stop."""
        self._scan.cancel()

    @Slot()
    def cancel_search(self) -> None:
        """Ask the search to stop."""
        self._search.cancel()

    def _on_scan_done(self, scan: object) -> None:
        self.scanned.emit(scan)
        self._scan.go_on()

    def _on_scan_failed(self, failure: Failed) -> None:
        self._end_scan(failure.text)
        self._on_failed(failure)

    def _on_scan_stopped(self) -> None:
        self._end_scan("the scan was stopped before it was complete")

    def _end_scan(self, text: str) -> None:
        # Who waits for the next one has not asked for this one.
        if not self._scan.has_next:
            self.scan_ended.emit(text)
        self._scan.go_on()

    def _on_search_done(self, result: object) -> None:
        # A request to stop may come too late.
        if not self._search.has_next and not self._search.is_given_up:
            self.found.emit(result)
        self._search.go_on()

    def _on_search_failed(self, failure: Failed) -> None:
        self._end_search(failure.text)
        self._on_failed(failure)

    def _on_search_stopped(self) -> None:
        self._end_search("the search was stopped before anything was proven")

    def _end_search(self, text: str) -> None:
        if not self._search.has_next and not self._search.is_given_up:
            self.search_ended.emit(text)
        self._search.go_on()

    def _on_failed(self, failure: Failed) -> None:
        self.failed.emit(failure.text, failure.details)
