"""The figures that the window shows of the recipe on the bench: its own, or the last ones that were known."""

from dataclasses import replace

from PySide6.QtCore import QObject, Signal, Slot

from workbench.engine.core.quantization_reports import SqnrReport
from workbench.engine.core.recipe import Recipe
from workbench.engine.core.reports import EvaluationReport, LatencyReport
from workbench.gui.bench import Bench
from workbench.gui.known_figures import evaluated_digest
from workbench.gui.measuring import Measuring


class ShownFigures(QObject):
    """Follows what is measured. `measured(report)` when a figure has come, and what is shown is up to date.

    `accuracy` and `latency` may be those of an earlier recipe, until this one's are known: ask `is_current`.
    """

    measured = Signal(object)
    sqnr_changed = Signal()

    def __init__(self, bench: Bench, measuring: Measuring, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._bench = bench
        self._known = measuring.figures
        self.accuracy: EvaluationReport | None = None
        self.latency: LatencyReport | None = None
        self.sqnr: SqnrReport | None = None
        measuring.measured.connect(self._on_measured)

    @property
    def baseline(self) -> EvaluationReport | None:
        """The original's evaluation."""
        return self._known.evaluation(Recipe())

    @property
    def original(self) -> EvaluationReport | None:
        """The original's own evaluation, or its figure on the samples that a recipe's was paired on."""
        report = self.baseline
        if report is not None or self.accuracy is None or self.accuracy.reference is None:
            return report
        return replace(self.accuracy, figure=self.accuracy.reference, difference=None, recipe_digest=Recipe().digest)

    @property
    def exact_bytes(self) -> int | None:
        """Exact size of the file that the recipe gives; None until it is known."""
        return self._known.size(self._bench.recipe)

    def is_current(self, report: EvaluationReport | LatencyReport) -> bool:
        """Whether a report holds for the recipe as it is now."""
        if isinstance(report, EvaluationReport):
            return report.recipe_digest == evaluated_digest(self._bench.recipe)
        return report.recipe_digest in ("", self._bench.recipe.digest)

    def show(self, recipe: Recipe) -> None:
        """Show what is known of a recipe; without any, the old figures stay, and are no longer current."""
        self.accuracy = self._known.evaluation(recipe) or self.accuracy
        self.latency = self._known.latency(recipe) or self.latency

    def show_only(self, recipe: Recipe) -> None:
        """Show what is known of a recipe and nothing else: the old figures are of other samples or another model."""
        self.accuracy, self.latency = self._known.evaluation(recipe), self._known.latency(recipe)
        self.put_sqnr(None)

    @Slot(object)
    def put_sqnr(self, report: SqnrReport | None) -> None:
        """The noise in each layer's output is known, or is not known any more."""
        self.sqnr = report
        self.sqnr_changed.emit()

    @Slot(object)
    def _on_measured(self, report: object) -> None:
        self.show(self._bench.recipe)
        self.measured.emit(report)
