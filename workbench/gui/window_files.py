"""Opening and saving: by dialog, by drop, from what was open lately, and the question before edits are lost."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from PySide6.QtCore import QObject, QSettings, QTimer, Signal, Slot
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QMenu, QWidget

from workbench.engine.core.errors import WorkbenchError
from workbench.gui.document import Document
from workbench.gui.dropped import Kind, in_opening_order, kind_of
from workbench.gui.file_dialogs import (
    DATA_FILTER,
    MODEL_FILTER,
    PROJECT_FILTER,
    RECIPE_FILTER,
    Asks,
    Unsaved,
)
from workbench.gui.recent import RecentFiles
from workbench.project.demo_files import demo_files

_BENCHES = (Kind.MODEL, Kind.PROJECT)


class WindowFiles(QObject):
    """The window's slots for files. `said(text)` is a line for the message bar, `noted(text)` one for the status bar.

    Args:
        window: parent of the dialogs.
        asks: the questions to the user.
        settings: where recent files are kept.
    """

    said = Signal(str, str)
    noted = Signal(str)
    began = Signal()
    data_asked = Signal(object)

    def __init__(self, document: Document, asks: Asks, settings: QSettings, window: QWidget) -> None:
        super().__init__(window)
        self._document = document
        self._asks = asks
        self._window = window
        self._waiting: tuple[Path, ...] = ()
        self._given: dict[Path, Mapping[str, object]] = {}
        self.recent_models = RecentFiles(settings, "models")
        self.recent_data = RecentFiles(settings, "data")
        self.recent_projects = RecentFiles(settings, "projects")
        document.model_changed.connect(self._on_model_changed)
        document.dataset_changed.connect(self._on_data_changed)
        document.saving.saved_changed.connect(self._on_saved_changed)
        document.opening.model_refused.connect(self._on_model_refused)
        document.opening.one.ended.connect(self._on_opening_ended)

    # Opening what a path is

    def give_settings(self, path: Path, settings: Mapping[str, object]) -> None:
        """How these samples are made ready when they are opened next."""
        self._given[path] = settings

    def open_paths(self, paths: Sequence[Path]) -> None:
        """Open several files, one after the other: what belongs to a model waits until the model is read."""
        ordered = in_opening_order(list(paths))
        if not ordered or not self._document.opening.one.may_begin(ordered[0].name):
            return
        first, *others = ordered
        is_begun = self.open_path(first)
        if is_begun or kind_of(first) not in _BENCHES:
            # A project names its own model: another one dropped with it would only replace it.
            self._waiting = tuple(path for path in others if kind_of(path) not in _BENCHES)
            self._open_waiting()

    def open_path(self, path: Path) -> bool:
        """Open a model, samples, a recipe or a project, by what the path is; whether it was begun."""
        kind = kind_of(path)
        is_bench = kind in _BENCHES
        if not is_bench and self._document.model is None:
            self.said.emit(f"{path.name}: open a model first, then its {kind.value}", "")
            return False
        if not self._document.opening.one.may_begin(path.name):
            return False
        if is_bench:
            focused = self._window.focusWidget()
            if focused is not None:
                # A number that was typed and not confirmed becomes an edit before the question is asked.
                focused.clearFocus()
            if not self.may_lose_edits():
                return False
            self._waiting = ()
        self.began.emit()
        verbs: dict[Kind, Callable[[Path], None]] = {
            Kind.MODEL: self._document.opening.open_model,
            Kind.DATA: lambda path: self._document.opening.open_data(path, self._given.pop(path, None)),
            Kind.RECIPE: self._document.opening.open_recipe,
            Kind.PROJECT: self._document.opening.open_project,
        }
        return self._try(lambda: verbs[kind](path))

    def may_lose_edits(self) -> bool:
        """Whether the bench may be cleared: nothing is unsaved, or the user has saved it or given it up."""
        if not self._document.saving.is_modified:
            return True
        answer = self._asks.ask_unsaved(self._window)
        if answer is Unsaved.SAVE:
            self.save_project()
            # A dialog that was cancelled, or a disk that is full, leaves it unsaved.
            return not self._document.saving.is_modified
        return answer is Unsaved.DISCARD

    # Slots of the table of actions

    @Slot()
    def open_model(self) -> None:
        """Ask for a model and open it."""
        self._ask_and_open("Open model", MODEL_FILTER)

    @Slot()
    def open_data(self) -> None:
        """Ask for samples in a file and open them."""
        self._open_data(self._asks.ask_open(self._window, "Open data", self._folder(), DATA_FILTER))

    @Slot()
    def open_data_folder(self) -> None:
        """Ask for a folder of samples and open it."""
        self._open_data(self._asks.ask_folder(self._window, "Open data folder", self._folder()))

    @Slot()
    def open_project(self) -> None:
        """Ask for a project and open it."""
        self._ask_and_open("Open project", PROJECT_FILTER)

    @Slot()
    def open_recipe(self) -> None:
        """Ask for a recipe and put it on the bench."""
        self._ask_and_open("Open recipe", RECIPE_FILTER)

    @Slot()
    def open_demo(self) -> None:
        """Open the built-in model and its samples."""
        files = demo_files()
        if files is not None:
            self.open_paths(files)

    @Slot()
    def save_project(self) -> None:
        """Save the project where it is; ask where the first time."""
        path = self._document.saving.project_path
        if path is None:
            self.save_project_as()
        elif self._try(lambda: self._document.saving.save_project(path)):
            self.noted.emit(f"Saved {path}")

    @Slot()
    def save_project_as(self) -> None:
        """Ask where, and save model, data, recipe, budgets and measurements as a project."""
        self._ask_and_save("Save project", ".wbproj", PROJECT_FILTER, self._document.saving.save_project)

    @Slot()
    def save_recipe(self) -> None:
        """Ask where, and write the recipe as text."""
        self._ask_and_save("Save recipe", ".yaml", RECIPE_FILTER, self._document.saving.save_recipe)

    # What was open lately

    def fill_recent(self, menu: QMenu) -> None:
        """List projects and models that can be opened again."""
        menu.clear()
        for path in (*self.recent_projects.paths(), *self.recent_models.paths()):
            action = menu.addAction(Path(path).name)
            action.setData(path)
            action.setToolTip(path)
            action.triggered.connect(self._on_recent)

    @Slot()
    def _on_recent(self) -> None:
        action = self.sender()
        assert isinstance(action, QAction)
        self.open_path(Path(action.data()))

    @Slot()
    def _on_model_changed(self) -> None:
        if self._document.model is not None:
            self.recent_models.add(Path(self._document.model.path))

    @Slot()
    def _on_opening_ended(self) -> None:
        if self._waiting:
            # After the other panels have seen what was opened.
            QTimer.singleShot(0, self, self._open_waiting)

    @Slot()
    def _open_waiting(self) -> None:
        while self._waiting and not self._document.opening.one.is_running:
            first, *others = self._waiting
            self._waiting = tuple(others)
            self.open_path(first)

    @Slot()
    def _on_data_changed(self) -> None:
        if self._document.dataset is not None:
            self.recent_data.add(Path(self._document.dataset.path))

    @Slot()
    def _on_saved_changed(self) -> None:
        if self._document.saving.project_path is not None:
            self.recent_projects.add(self._document.saving.project_path)

    @Slot()
    def _on_model_refused(self) -> None:
        self._waiting = ()

    # Small things

    def _try(self, work: Callable[[], None]) -> bool:
        try:
            work()
        except WorkbenchError as error:
            self.said.emit(str(error), "")
            return False
        except OSError as error:
            self.said.emit(f"{error.filename or 'the file'}: {error.strerror or error}", "")
            return False
        return True

    def _open_data(self, path: Path | None) -> None:
        if path is not None and self.open_path(path):
            self.data_asked.emit(path)

    def _ask_and_open(self, title: str, file_filter: str) -> None:
        path = self._asks.ask_open(self._window, title, self._folder(), file_filter)
        if path is not None:
            self.open_path(path)

    def _ask_and_save(self, title: str, suffix: str, file_filter: str, save: Callable[[Path], None]) -> None:
        model = self._document.model
        suggested = str(Path(model.path).with_suffix(suffix)) if model else ""
        path = self._asks.ask_save(self._window, title, suggested, file_filter)
        if path is None:
            return
        path = path if path.suffix else path.with_suffix(suffix)
        if path.exists() and not self._asks.ask_overwrite(self._window, path):
            return
        if self._try(lambda: save(path)):
            self.noted.emit(f"Saved {path}")

    def _folder(self) -> str:
        recent = self.recent_models.paths()
        return str(Path(recent[0]).parent) if recent else str(Path.home())
