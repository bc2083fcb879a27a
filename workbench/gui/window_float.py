"""The suggestion of layers to keep in float, from the menu to the one edit that takes it over."""

from PySide6.QtCore import QObject, Signal, Slot
from PySide6.QtWidgets import QWidget

from workbench.engine.core.quantization_reports import FloatSuggestion
from workbench.gui.document import Document
from workbench.gui.float_dialog import FloatDialog
from workbench.gui.panels import layer_edits
from workbench.gui.theme import Theme
from workbench.jobs import Progress


class WindowFloat(QObject):
    """The window's slots for the suggestion. `began` when somebody has asked for it."""

    began = Signal()

    def __init__(self, document: Document, theme: Theme, window: QWidget) -> None:
        super().__init__(window)
        self._document = document
        self._theme = theme
        self._window = window
        self.dialog: FloatDialog | None = None
        document.awaited.suggested.connect(self._on_suggested)
        document.awaited.not_suggested.connect(self._on_not_suggested)
        document.jobs.progressed.connect(self._on_progressed)
        document.recipe_changed.connect(self._on_recipe)
        document.model_changed.connect(self._close)

    @Slot()
    def suggest(self) -> None:
        """Measure which layers should stay in float, and show what comes out."""
        if self.dialog is None:
            dialog = FloatDialog(self._theme, self._window)
            dialog.apply_wished.connect(self._on_apply)
            dialog.measure_wished.connect(self._measure)
            dialog.cancel_wished.connect(self._document.awaited.cancel_suggestion)
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
        self._document.awaited.suggest_float_layers(self._document.recipe)

    @Slot(object)
    def _on_suggested(self, suggestion: FloatSuggestion) -> None:
        if self.dialog is not None:
            self.dialog.show_suggestion(suggestion)
            self.dialog.show_recipe(self._document.recipe.digest)

    @Slot(str)
    def _on_not_suggested(self, text: str) -> None:
        if self.dialog is not None:
            self.dialog.show_end(text)

    @Slot(int, object)
    def _on_progressed(self, job: int, progress: Progress) -> None:
        if self.dialog is not None and self.dialog.is_running and job == self._document.awaited.suggestion_job:
            self.dialog.show_progress(progress.fraction, progress.text)

    @Slot(object, object)
    def _on_recipe(self, old: object, new: object) -> None:
        if self.dialog is not None:
            self.dialog.show_recipe(self._document.recipe.digest)

    @Slot(object)
    def _on_apply(self, names: tuple[str, ...]) -> None:
        model = self._document.model
        if model is None:
            return
        layers = tuple(layer for layer in model.layers if layer.name in names)
        recipe = layer_edits.with_float(self._document.recipe, model, layers)
        subject = layers[0].name if len(layers) == 1 else f"{len(layers)} layers"
        self._document.edit(recipe, f"Keep {subject} in float")

    @Slot()
    def _close(self) -> None:
        if self.dialog is not None:
            self.dialog.close()

    @Slot()
    def _on_closed(self) -> None:
        if self.dialog is not None:
            if self.dialog.is_running:
                self._document.awaited.cancel_suggestion()
            self.dialog.deleteLater()
            self.dialog = None
