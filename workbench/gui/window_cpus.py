"""Accuracy on other processors, from the menu to the one edit that keeps weights from saturating."""

from PySide6.QtCore import Slot
from PySide6.QtWidgets import QWidget

from workbench.engine.core.cpu_rules import CpuComparison
from workbench.engine.core.layer import Layer, ModelInfo
from workbench.engine.core.recipe import Recipe, WeightRule
from workbench.gui.cpu_dialog import CpuDialog
from workbench.gui.dialog_of_job import DialogOfJob
from workbench.gui.document import Document
from workbench.gui.measured_dialog import MeasuredDialog
from workbench.gui.panels import layer_edits
from workbench.gui.theme import Theme


class WindowCpus(DialogOfJob):
    """The window's slots for other processors."""

    def __init__(self, document: Document, theme: Theme, window: QWidget) -> None:
        super().__init__(document, theme, window)
        document.awaited.cpus_compared.connect(self._on_compared)
        document.awaited.some_cpus_compared.connect(self._on_some_compared)
        document.awaited.cpus_not_compared.connect(self._on_end)
        document.dataset_changed.connect(self._close)

    @Slot()
    def compare(self) -> None:
        """Compute the recipe by the rules of every kind of processor, and show what comes out."""
        self._open()

    def _new_dialog(self) -> MeasuredDialog:
        return CpuDialog(self._theme, self._window)

    def _ask(self, recipe: Recipe) -> None:
        self._document.awaited.compare_cpus(recipe)

    def _give_up(self) -> None:
        self._document.awaited.cancel_cpus()

    def _job(self) -> int:
        return self._document.awaited.cpus_job

    def _edited(self, model: ModelInfo, layers: tuple[Layer, ...], subject: str) -> tuple[Recipe, str]:
        rule = WeightRule(reduce_range=True)
        return layer_edits.with_weights(self._document.recipe, model, layers, rule), f"Reduce range of {subject}"

    @Slot(object)
    def _on_compared(self, comparison: CpuComparison) -> None:
        if isinstance(self.dialog, CpuDialog):
            self.dialog.show_comparison(comparison)
            self.dialog.show_recipe(self._document.recipe.digest)

    @Slot(object)
    def _on_some_compared(self, comparison: CpuComparison) -> None:
        if isinstance(self.dialog, CpuDialog) and self.dialog.is_running:
            self.dialog.show_rows(comparison)
