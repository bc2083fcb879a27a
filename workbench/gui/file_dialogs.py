"""Every question that the window asks a person, as functions that a test replaces."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

from PySide6.QtWidgets import QFileDialog, QMessageBox, QWidget

MODEL_FILTER = "ONNX model (*.onnx);;All files (*)"
DATA_FILTER = "Samples (*.zip *.npz *ubyte* *.gz);;All files (*)"
PROJECT_FILTER = "Project (*.wbproj)"
DEVICE_FILTER = "Device profile (*.json)"
TIMES_FILTER = "Output of a measuring tool (*.txt *.log *.json);;All files (*)"
RECIPE_FILTER = "Recipe (*.yaml *.yml)"


def ask_open(parent: QWidget, title: str, folder: str, file_filter: str) -> Path | None:
    """A file to read, or None."""
    path, _ = QFileDialog.getOpenFileName(parent, title, folder, file_filter)
    return Path(path) if path else None


def ask_folder(parent: QWidget, title: str, folder: str) -> Path | None:
    """A folder to read, or None."""
    path = QFileDialog.getExistingDirectory(parent, title, folder)
    return Path(path) if path else None


def ask_save(parent: QWidget, title: str, suggested: str, file_filter: str) -> Path | None:
    """A file to write, or None. Whether it may be replaced has been asked by then, or is asked later."""
    options = QFileDialog.Option.DontConfirmOverwrite
    path, _ = QFileDialog.getSaveFileName(parent, title, suggested, file_filter, options=options)
    return Path(path) if path else None


def ask_overwrite(parent: QWidget, path: Path) -> bool:
    """Whether a file that exists may be replaced."""
    answer = QMessageBox.question(parent, "Replace file?", f"{path.name} exists already. Replace it?")
    return answer is QMessageBox.StandardButton.Yes


def ask_remove(parent: QWidget, name: str) -> bool:
    """Whether a device may be forgotten, which nothing brings back."""
    text = f"Remove {name}? Export it first if you may want it back."
    return QMessageBox.question(parent, "Remove device?", text) is QMessageBox.StandardButton.Yes


class Unsaved(Enum):
    """What to do with edits that were not saved."""

    SAVE = "save"
    DISCARD = "discard"
    CANCEL = "cancel"


def ask_unsaved(parent: QWidget) -> Unsaved:
    """Whether edits that were not saved are to be saved, or may be lost."""
    buttons = QMessageBox.StandardButton
    answer = QMessageBox.question(
        parent,
        "Unsaved edits",
        "There are edits that no project holds yet. Save them?",
        buttons.Save | buttons.Discard | buttons.Cancel,
        buttons.Save,
    )
    return {buttons.Save: Unsaved.SAVE, buttons.Discard: Unsaved.DISCARD}.get(answer, Unsaved.CANCEL)


@dataclass(frozen=True, slots=True)
class Asks:
    """The questions; a test hands in its own answers."""

    ask_open: Callable[[QWidget, str, str, str], Path | None] = ask_open
    ask_folder: Callable[[QWidget, str, str], Path | None] = ask_folder
    ask_save: Callable[[QWidget, str, str, str], Path | None] = ask_save
    ask_overwrite: Callable[[QWidget, Path], bool] = ask_overwrite
    ask_unsaved: Callable[[QWidget], Unsaved] = ask_unsaved
    ask_remove: Callable[[QWidget, str], bool] = ask_remove
