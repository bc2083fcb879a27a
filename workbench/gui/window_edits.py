"""Undo with its history, and the recipe on the clipboard."""

from collections.abc import Callable, Mapping

from PySide6.QtCore import QObject, Qt, Signal, Slot
from PySide6.QtGui import QAction, QGuiApplication
from PySide6.QtWidgets import QDockWidget, QMainWindow, QUndoView

from workbench.engine.core.recipe import Recipe
from workbench.gui.document import Document
from workbench.gui.script_text import as_command, as_python


class WindowEdits(QObject):
    """The window's slots for edits. `noted(text)` is a line for the status bar."""

    noted = Signal(str)

    def __init__(self, document: Document, window: QMainWindow) -> None:
        super().__init__(window)
        self._document = document
        self._window = window
        self.history: QDockWidget | None = None

    @Slot()
    def undo(self) -> None:
        """Take the last edit back."""
        self._document.undo_stack.undo()

    @Slot()
    def redo(self) -> None:
        """Do what was taken back again."""
        self._document.undo_stack.redo()

    @Slot()
    def show_history(self) -> None:
        """Show or hide the list of edits."""
        if self.history is not None:
            self.history.setVisible(not self.history.isVisible())
            return
        self.history = QDockWidget("Undo history", self._window)
        self.history.setObjectName("undo_history")
        view = QUndoView(self._document.undo_stack, self.history)
        view.setEmptyLabel("as opened")
        view.setAccessibleName("Undo history")
        self.history.setWidget(view)
        self._window.addDockWidget(Qt.DockWidgetArea.RightDockWidgetArea, self.history)

    @Slot()
    def copy_as_command(self) -> None:
        """Put the command that does the same on the clipboard."""
        self._copy(as_command)

    @Slot()
    def copy_as_python(self) -> None:
        """Put a Python script that does the same on the clipboard."""
        self._copy(as_python)

    def show_undo(self, actions: dict[str, QAction]) -> None:
        """Enable undo and redo, and say what they would do."""
        stack = self._document.undo_stack
        for key, able, text in (
            ("undo", stack.canUndo(), stack.undoText()),
            ("redo", stack.canRedo(), stack.redoText()),
        ):
            action = actions[key]
            action.setEnabled(able)
            action.setToolTip(f"{key.capitalize()} {text}".strip() + f" ({action.shortcut().toString()})")

    def _copy(self, make_text: Callable[[str, str | None, Recipe, Mapping[str, object], str | None], str]) -> None:
        model, data = self._document.model, self._document.dataset
        if model is not None:
            document = self._document
            own = document.calibration.info
            paths = (data.path if data else None, own.path if own is not None else None)
            text = make_text(model.path, paths[0], document.recipe, document.data_overrides, paths[1])
            QGuiApplication.clipboard().setText(text)
            self.noted.emit("Copied")
