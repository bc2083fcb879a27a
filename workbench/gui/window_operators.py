"""The time of each operator on this computer, from the menu to the dialog that shows it."""

from PySide6.QtCore import Slot
from PySide6.QtWidgets import QWidget

from workbench.engine.core.operator_times import OperatorTimes
from workbench.engine.core.recipe import Recipe
from workbench.gui.dialog_of_job import DialogOfJob
from workbench.gui.document import Document
from workbench.gui.measured_dialog import MeasuredDialog
from workbench.gui.operators_dialog import OperatorsDialog
from workbench.gui.theme import Theme
from workbench.worker.messages import Failed


class WindowOperators(DialogOfJob):
    """The window's slots for operators' times."""

    def __init__(self, document: Document, theme: Theme, window: QWidget) -> None:
        super().__init__(document, theme, window)
        self._number = 0

    @Slot()
    def measure(self) -> None:
        """Time each operator of what the recipe gives, and show what comes out."""
        self._open()

    def _new_dialog(self) -> MeasuredDialog:
        return OperatorsDialog(self._theme, self._window)

    def _ask(self, recipe: Recipe) -> None:
        self._number = self._document.awaited.start(
            "Time by operator", "measure_operators", recipe,
            on_done=self._on_done, on_failed=self._on_failed, on_stopped=self._on_stopped,
        )  # fmt: skip

    def _give_up(self) -> None:
        self._document.awaited.cancel(self._number)

    def _job(self) -> int:
        return self._number

    def _on_done(self, times: object) -> None:
        if isinstance(self.dialog, OperatorsDialog) and isinstance(times, OperatorTimes):
            self.dialog.show_times(times)
            self.dialog.show_recipe(self._document.recipe.digest)

    def _on_failed(self, failure: Failed) -> None:
        self._on_end(failure.text)

    def _on_stopped(self) -> None:
        self._on_end("it was stopped before all operators were timed")
