"""The suggestion of layers to keep in float, from the menu to the one edit that takes it over."""

from PySide6.QtCore import Slot
from PySide6.QtWidgets import QWidget

from workbench.engine.core.layer import Layer, ModelInfo
from workbench.engine.core.quantization_reports import FloatSuggestion
from workbench.engine.core.recipe import Recipe
from workbench.gui.dialog_of_job import DialogOfJob
from workbench.gui.document import Document
from workbench.gui.float_dialog import FloatDialog
from workbench.gui.measured_dialog import MeasuredDialog
from workbench.gui.panels import layer_edits
from workbench.gui.theme import Theme


class WindowFloat(DialogOfJob):
    """The window's slots for the suggestion."""

    def __init__(self, document: Document, theme: Theme, window: QWidget) -> None:
        super().__init__(document, theme, window)
        document.awaited.suggested.connect(self._on_suggested)
        document.awaited.not_suggested.connect(self._on_end)

    @Slot()
    def suggest(self) -> None:
        """Measure which layers should stay in float, and show what comes out."""
        self._open()

    def _new_dialog(self) -> MeasuredDialog:
        return FloatDialog(self._theme, self._window)

    def _ask(self, recipe: Recipe) -> None:
        self._document.awaited.suggest_float_layers(recipe)

    def _give_up(self) -> None:
        self._document.awaited.cancel_suggestion()

    def _job(self) -> int:
        return self._document.awaited.suggestion_job

    def _edited(self, model: ModelInfo, layers: tuple[Layer, ...], subject: str) -> tuple[Recipe, str]:
        return layer_edits.with_float(self._document.recipe, model, layers), f"Keep {subject} in float"

    @Slot(object)
    def _on_suggested(self, suggestion: FloatSuggestion) -> None:
        if isinstance(self.dialog, FloatDialog):
            self.dialog.show_suggestion(suggestion)
            self.dialog.show_recipe(self._document.recipe.digest)
