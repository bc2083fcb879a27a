"""Accuracy on other processors, from the menu to the one edit that keeps weights from saturating."""

from PySide6.QtCore import QObject, Signal, Slot
from PySide6.QtWidgets import QWidget

from workbench.engine.core.cpu_rules import CpuComparison
from workbench.engine.core.recipe import WeightRule
from workbench.gui.cpu_dialog import CpuDialog
from workbench.gui.document import Document
from workbench.gui.panels import layer_edits
from workbench.gui.theme import Theme
from workbench.jobs import Progress


class WindowCpus(QObject):
    """The window's slots for other processors. `began` when somebody has asked for them."""

    began = Signal()

    def __init__(self, document: Document, theme: Theme, window: QWidget) -> None:
        super().__init__(window)
        self._document = document
        self._theme = theme
        self._window = window
        self.dialog: CpuDialog | None = None
        document.awaited.cpus_compared.connect(self._on_compared)
        document.awaited.some_cpus_compared.connect(self._on_some_compared)
        document.awaited.cpus_not_compared.connect(self._on_not_compared)
        document.jobs.progressed.connect(self._on_progressed)
        document.recipe_changed.connect(self._on_recipe)
        document.model_changed.connect(self._close)
        document.dataset_changed.connect(self._close)

    @Slot()
    def compare(self) -> None:
        """Compute the recipe by the rules of every kind of processor, and show what comes out."""
        if self.dialog is None:
            dialog = CpuDialog(self._theme, self._window)
            dialog.reduce_wished.connect(self._on_reduce)
            dialog.measure_wished.connect(self._measure)
            dialog.cancel_wished.connect(self._document.awaited.cancel_cpus)
            dialog.finished.connect(self._on_closed)
            self.dialog = dialog
            self._measure()
        self.dialog.show()
        self.dialog.raise_()

    @Slot()
    def _measure(self) -> None:
        if self.dialog is not None:
            self.dialog.begin()
        self.began.emit()
        self._document.awaited.compare_cpus(self._document.recipe)

    @Slot(object)
    def _on_compared(self, comparison: CpuComparison) -> None:
        if self.dialog is not None:
            self.dialog.show_comparison(comparison)
            self.dialog.show_recipe(self._document.recipe.digest)

    @Slot(object)
    def _on_some_compared(self, comparison: CpuComparison) -> None:
        if self.dialog is not None and self.dialog.is_running:
            self.dialog.show_rows(comparison)

    @Slot(str)
    def _on_not_compared(self, text: str) -> None:
        if self.dialog is not None:
            self.dialog.show_end(text)

    @Slot(int, object)
    def _on_progressed(self, job: int, progress: Progress) -> None:
        if self.dialog is not None and self.dialog.is_running and job == self._document.awaited.cpus_job:
            self.dialog.show_progress(progress.fraction, progress.text)

    @Slot(object, object)
    def _on_recipe(self, old: object, new: object) -> None:
        if self.dialog is not None:
            self.dialog.show_recipe(self._document.recipe.digest)

    @Slot(object)
    def _on_reduce(self, names: tuple[str, ...]) -> None:
        model = self._document.model
        if model is None:
            return
        layers = tuple(layer for layer in model.layers if layer.name in names)
        recipe = layer_edits.with_weights(self._document.recipe, model, layers, WeightRule(reduce_range=True))
        subject = layers[0].name if len(layers) == 1 else f"{len(layers)} layers"
        self._document.edit(recipe, f"Reduce range of {subject}")

    @Slot()
    def _close(self) -> None:
        if self.dialog is not None:
            self.dialog.close()

    @Slot()
    def _on_closed(self) -> None:
        if self.dialog is not None:
            if self.dialog.is_running:
                self._document.awaited.cancel_cpus()
            self.dialog.deleteLater()
            self.dialog = None
