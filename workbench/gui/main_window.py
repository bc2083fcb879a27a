"""The window: lays out the panels, and answers the actions of the table."""

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from PySide6.QtCore import QByteArray, QSettings, Qt, QTimer, Slot
from PySide6.QtGui import QAction, QCloseEvent, QDragEnterEvent, QDropEvent, QGuiApplication
from PySide6.QtWidgets import (
    QApplication,
    QDockWidget,
    QLabel,
    QMainWindow,
    QMenu,
    QSplitter,
    QStackedWidget,
    QTabWidget,
    QUndoView,
    QVBoxLayout,
    QWidget,
)

import workbench
from workbench.engine.core.errors import WorkbenchError
from workbench.engine.core.recipe import Recipe
from workbench.engine.core.reports import ApplyReport
from workbench.gui.actions import ACTIONS, dress_actions, make_actions
from workbench.gui.demo_files import demo_files
from workbench.gui.document import Document
from workbench.gui.dropped import Kind, in_opening_order, kind_of
from workbench.gui.export_dialog import ExportDialog
from workbench.gui.file_dialogs import DATA_FILTER, MODEL_FILTER, PROJECT_FILTER, RECIPE_FILTER, Asks
from workbench.gui.panels.distribution import DistributionPanel
from workbench.gui.panels.jobs import JobsPanel
from workbench.gui.panels.layers_panel import LayersPanel
from workbench.gui.panels.log import LogPanel
from workbench.gui.panels.preview import PreviewPanel
from workbench.gui.panels.welcome import WelcomePage
from workbench.gui.recent import RecentFiles
from workbench.gui.script_text import as_command, as_python, output_path
from workbench.gui.theme import DARK, LIGHT, SPACING, Theme
from workbench.gui.title_bar import TitleBar
from workbench.gui.widgets.card import Card
from workbench.gui.widgets.message_bar import MessageBar
from workbench.jobs import Progress


class MainWindow(QMainWindow):
    """Everything that the user sees.

    Args:
        settings: where geometry, theme and recent files are kept.
        asks: the questions to the user; replaced in tests.
    """

    def __init__(self, document: Document, theme: Theme, settings: QSettings, asks: Asks | None = None) -> None:
        super().__init__()
        self.document = document
        self.theme = theme
        self.asks = asks or Asks()
        self._settings = settings
        self._recent_models = RecentFiles(settings, "models")
        self._recent_data = RecentFiles(settings, "data")
        self._export_dialog: ExportDialog | None = None
        self._waiting_paths: tuple[Path, ...] = ()
        self._history: QDockWidget | None = None
        self.setObjectName("main_window")
        self.setAcceptDrops(True)
        self.setWindowTitle("Model compression workbench")
        self.all_actions = make_actions(self)
        self.title_bar = TitleBar(theme, self.all_actions, self)
        self.addToolBar(self.title_bar)
        self.message_bar = MessageBar(theme, self)
        self.layers = LayersPanel(document, theme, self)
        self.distribution = DistributionPanel(document, theme, self.layers.states, self)
        self.preview = PreviewPanel(document, theme, self)
        self.jobs = JobsPanel(theme, self)
        self.log = LogPanel(theme, self)
        self.welcome = WelcomePage(theme, self)
        self._make_menus()
        self._lay_out()
        self._connect()
        self._dress()
        self._show_what_is_open()
        self._restore()

    # Layout

    def _lay_out(self) -> None:
        self.tabs = QTabWidget(self, documentMode=True)
        self.tabs.addTab(self.distribution, "Distribution")
        self.jobs_tabs = QTabWidget(self, documentMode=True)
        self.jobs_tabs.addTab(self.jobs, "Jobs")
        self.jobs_tabs.addTab(self.log, "Log")
        self._middle = QSplitter(Qt.Orientation.Vertical, self)
        for tabs in (self.tabs, self.jobs_tabs):
            tabs.tabBar().setDrawBase(False)
            card = Card(parent=self)
            card.column.setContentsMargins(1, 2, 1, 4)
            card.column.addWidget(tabs)
            self._middle.addWidget(card)
        self._middle.setSizes([760, 150])
        self._middle.setStretchFactor(0, 1)
        self._middle.setStretchFactor(1, 0)
        self._columns = QSplitter(Qt.Orientation.Horizontal, self)
        for widget in (self.layers, self._middle, self.preview):
            self._columns.addWidget(widget)
        for number, stretch in enumerate((0, 1, 0)):
            self._columns.setStretchFactor(number, stretch)
            self._columns.setCollapsible(number, False)
        self._columns.setSizes([496, 730, 350])
        for splitter in (self._columns, self._middle):
            splitter.setHandleWidth(SPACING)
        self.pages = QStackedWidget(self)
        self.pages.addWidget(self.welcome)
        self.pages.addWidget(self._columns)
        central = QWidget(self)
        column = QVBoxLayout(central)
        column.setContentsMargins(SPACING, SPACING, SPACING, 0)
        column.setSpacing(SPACING)
        column.addWidget(self.message_bar)
        column.addWidget(self.pages, 1)
        self.setCentralWidget(central)
        self._status = QLabel(self)
        self.statusBar().addPermanentWidget(self._status)
        self.statusBar().setSizeGripEnabled(False)

    def _make_menus(self) -> None:
        menus: dict[str, QMenu] = {}
        for entry in ACTIONS:
            if entry.menu not in menus:
                menus[entry.menu] = self.menuBar().addMenu(entry.menu)
            menus[entry.menu].addAction(self.all_actions[entry.key])
            if entry.key == "open_demo":
                self.recent_menu = menus[entry.menu].addMenu("Open &recent")
            if entry.ends_group:
                menus[entry.menu].addSeparator()
        self.recent_menu.aboutToShow.connect(self._fill_recent_menu)

    def _connect(self) -> None:
        document, stack = self.document, self.document.undo_stack
        document.model_changed.connect(self._on_model_changed)
        document.dataset_changed.connect(self._on_data_changed)
        document.message.connect(self.show_message)
        document.engine.unavailable.connect(self._on_engine_unavailable)
        document.engine.available.connect(self.message_bar.clear)
        self.message_bar.action_wished.connect(document.engine.try_again)
        stack.canUndoChanged.connect(self._on_undo_changed)
        stack.canRedoChanged.connect(self._on_undo_changed)
        stack.indexChanged.connect(self._on_undo_changed)
        stack.cleanChanged.connect(self._on_undo_changed)
        self.title_bar.data_wished.connect(self._on_data_wished)
        self.welcome.demo_wished.connect(self.open_demo)
        self.welcome.model_wished.connect(self.open_model)
        self.welcome.path_wished.connect(self._on_path_wished)
        self.preview.layer_wished.connect(self._on_layer_wished)
        self.theme.changed.connect(self._dress)
        document.job_started.connect(self._on_job_started)
        document.job_progressed.connect(self._on_job_progressed)
        document.job_finished.connect(self._on_job_finished)
        document.exported.connect(self._on_exported)
        self.jobs.cancel_wished.connect(document.cancel)

    # What is open

    @Slot()
    def _on_model_changed(self) -> None:
        waiting, self._waiting_paths = self._waiting_paths, ()
        for path in waiting:
            QTimer.singleShot(0, self, partial(self.open_path, path))
        model = self.document.model
        if model is not None:
            self._recent_models.add(Path(model.path))
            self.log.add(f"opened {model.path}: {len(model.layers)} layers, opset {model.opset}")
            for warning in model.warnings:
                self.log.add(f"warning: {warning}")
            editable = next((layer.name for layer in model.layers if layer.editable), None)
            if editable is not None and not self.document.selection:
                self.document.select((editable,))
        self._show_what_is_open()

    @Slot()
    def _on_data_changed(self) -> None:
        data = self.document.dataset
        if data is not None:
            self._recent_data.add(Path(data.path))
            self.log.add(f"opened {data.path}: {data.num_samples} samples")
        self._show_what_is_open()

    def _show_what_is_open(self) -> None:
        document = self.document
        have = {"": True, "model": document.model is not None, "data": document.dataset is not None}
        have["data"] = have["data"] and have["model"]
        for entry in ACTIONS:
            self.all_actions[entry.key].setEnabled(have[entry.needs])
        self.all_actions["open_demo"].setEnabled(demo_files() is not None)
        self.welcome.demo.setEnabled(demo_files() is not None)
        self.welcome.set_recent(self._recent_models.paths())
        self.title_bar.show_model(document.model)
        self.title_bar.show_data(document.dataset, self._recent_data.paths())
        self.pages.setCurrentIndex(1 if have["model"] else 0)
        self._on_undo_changed()
        self.statusBar().showMessage("Ready" if have["model"] else "Open a model to begin")

    @Slot()
    def _on_undo_changed(self) -> None:
        stack = self.document.undo_stack
        for key, able, text in (
            ("undo", stack.canUndo(), stack.undoText()),
            ("redo", stack.canRedo(), stack.redoText()),
        ):
            action = self.all_actions[key]
            action.setEnabled(able)
            action.setToolTip(f"{key.capitalize()} {text}".strip() + f" ({action.shortcut().toString()})")
        model = self.document.model
        name = f"{Path(model.path).name}{'' if stack.isClean() else ' •'} – " if model else ""
        self.setWindowTitle(f"{name}Model compression workbench")

    @Slot(str, str)
    def show_message(self, text: str, details: str = "") -> None:
        """Say what went wrong, without stopping anything."""
        self.message_bar.show_message(text, details)
        self.log.add(text)

    @Slot(str, str)
    def _on_engine_unavailable(self, text: str, details: str) -> None:
        self.message_bar.show_message(text, details, action="Try again")
        self.log.add(text)

    def open_paths(self, paths: Sequence[Path]) -> None:
        """Open several files: what belongs to a model waits until the model is read."""
        first = next((path for path in paths if kind_of(path) in (Kind.MODEL, Kind.PROJECT)), None)
        if first is None:
            for path in paths:
                self.open_path(path)
            return
        self._waiting_paths = tuple(path for path in paths if path != first)
        self.open_path(first)

    def open_path(self, path: Path) -> None:
        """Open a model, samples, a recipe or a project, by what the path is."""
        kind = kind_of(path)
        if kind is not Kind.MODEL and kind is not Kind.PROJECT and self.document.model is None:
            self.show_message(f"{path.name}: open a model first, then its {kind.value}")
            return
        self.message_bar.clear()
        verbs = {
            Kind.MODEL: self.document.open_model,
            Kind.DATA: self.document.open_data,
            Kind.RECIPE: self.document.open_recipe,
            Kind.PROJECT: self.document.open_project,
        }
        try:
            verbs[kind](path)
        except (WorkbenchError, OSError) as error:
            self.show_message(str(error))

    # Slots of the table of actions

    @Slot()
    def open_model(self) -> None:
        """Ask for a model and open it."""
        self._ask_and_open("Open model", MODEL_FILTER)

    @Slot()
    def open_data(self) -> None:
        """Ask for samples and open them."""
        self._ask_and_open("Open data", DATA_FILTER)

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
        """Ask where, and save model, data, recipe and measurements as a project."""
        self._ask_and_save("Save project", ".wbproj", PROJECT_FILTER, self.document.save_project)

    @Slot()
    def save_recipe(self) -> None:
        """Ask where, and write the recipe as text."""
        self._ask_and_save("Save recipe", ".yaml", RECIPE_FILTER, self.document.save_recipe)

    @Slot()
    def undo(self) -> None:
        """Take the last edit back."""
        self.document.undo_stack.undo()

    @Slot()
    def redo(self) -> None:
        """Do what was taken back again."""
        self.document.undo_stack.redo()

    @Slot()
    def show_undo_history(self) -> None:
        """Show or hide the list of edits."""
        if self._history is None:
            self._history = QDockWidget("Undo history", self)
            self._history.setObjectName("undo_history")
            view = QUndoView(self.document.undo_stack, self._history)
            view.setEmptyLabel("as opened")
            self._history.setWidget(view)
            self.addDockWidget(Qt.DockWidgetArea.RightDockWidgetArea, self._history)
            return
        self._history.setVisible(not self._history.isVisible())

    @Slot()
    def copy_as_command(self) -> None:
        """Put the command that does the same on the clipboard."""
        self._copy(as_command)

    @Slot()
    def copy_as_python(self) -> None:
        """Put a Python script that does the same on the clipboard."""
        self._copy(as_python)

    @Slot()
    def focus_filter(self) -> None:
        """Put the cursor into the layer filter."""
        self.layers.focus_filter()

    @Slot()
    def focus_table(self) -> None:
        """Put the keyboard into the layer table."""
        self.layers.table.setFocus(Qt.FocusReason.ShortcutFocusReason)

    @Slot()
    def switch_theme(self) -> None:
        """From light to dark, or back."""
        application = QApplication.instance()
        assert isinstance(application, QApplication)
        self.theme.apply(application, LIGHT if self.theme.is_dark else DARK)
        self._settings.setValue("theme", self.theme.tokens.name)

    @Slot()
    def evaluate(self) -> None:
        """Measure the accuracy on all samples."""
        self.jobs_tabs.setCurrentIndex(0)
        self.document.evaluate()

    @Slot()
    def measure_latency(self) -> None:
        """Time the model on this computer."""
        self.jobs_tabs.setCurrentIndex(0)
        self.document.measure_latency()

    @Slot()
    def export(self) -> None:
        """Open the export dialog."""
        model = self.document.model
        if model is None:
            return
        if self._export_dialog is None:
            suggested = output_path(model.path)
            encoding = self.document.recipe.encoding
            dialog = ExportDialog(self.theme, self.asks, suggested, encoding, self)
            dialog.export_wished.connect(self._on_export_wished)
            dialog.cancel_wished.connect(self.document.cancel_export)
            dialog.finished.connect(self._on_export_closed)
            self._export_dialog = dialog
        self._export_dialog.show()
        self._export_dialog.raise_()

    @Slot()
    def about(self) -> None:
        """Say which version this is."""
        text = (
            f"Model compression workbench {workbench.__version__}. Prune and quantize a trained network, see what it "
            "costs, and export a file that is proven to be what you saw."
        )
        self.message_bar.show_message(text, tone="good")

    # Jobs and export

    @Slot(object, str, bool)
    def _on_export_wished(self, path: Path, encoding: str, force: bool) -> None:
        self.document.set_encoding(encoding)
        self.document.export(path, force)

    @Slot()
    def _on_export_closed(self) -> None:
        if self._export_dialog is not None:
            self._export_dialog.deleteLater()
            self._export_dialog = None

    @Slot(object)
    def _on_exported(self, report: ApplyReport) -> None:
        self.log.add(f"wrote {report.output_path}, SHA-256 {report.output_sha256}")
        if self._export_dialog is not None:
            self._export_dialog.show_report(report)

    @Slot(int, str)
    def _on_job_started(self, job: int, name: str) -> None:
        self.jobs.start(job, name)

    @Slot(int, object)
    def _on_job_progressed(self, job: int, progress: Progress) -> None:
        self.jobs.progress(job, progress.fraction, progress.text)
        if self._export_dialog is not None and self._export_dialog.is_running:
            self._export_dialog.show_progress(progress.fraction, progress.text)

    @Slot(int, str, bool)
    def _on_job_finished(self, job: int, text: str, ok: bool) -> None:
        self.jobs.finish(job, text, "good" if ok else "bad")
        self.log.add(text)

    # Small things

    def _ask_and_open(self, title: str, file_filter: str) -> None:
        path = self.asks.ask_open(self, title, self._folder(), file_filter)
        if path is not None:
            self.open_path(path)

    def _ask_and_save(self, title: str, suffix: str, file_filter: str, save: Callable[[Path], None]) -> None:
        model = self.document.model
        suggested = str(Path(model.path).with_suffix(suffix)) if model else ""
        path = self.asks.ask_save(self, title, suggested, file_filter)
        if path is None:
            return
        path = path if path.suffix else path.with_suffix(suffix)
        if path.exists() and not self.asks.ask_overwrite(self, path):
            return
        try:
            save(path)
        except (WorkbenchError, OSError) as error:
            self.show_message(str(error))
            return
        self.statusBar().showMessage(f"Saved {path}")

    def _copy(self, make_text: Callable[[str, str | None, Recipe], str]) -> None:
        model, data = self.document.model, self.document.dataset
        if model is not None:
            text = make_text(model.path, data.path if data else None, self.document.recipe)
            QGuiApplication.clipboard().setText(text)
            self.statusBar().showMessage("Copied")

    def _folder(self) -> str:
        recent = self._recent_models.paths()
        return str(Path(recent[0]).parent) if recent else str(Path.home())

    @Slot()
    def _fill_recent_menu(self) -> None:
        self.recent_menu.clear()
        for path in self._recent_models.paths():
            action = self.recent_menu.addAction(Path(path).name)
            action.setData(path)
            action.setToolTip(path)
            action.triggered.connect(self._on_recent)
        self.recent_menu.setEnabled(True)

    @Slot()
    def _on_recent(self) -> None:
        action = self.sender()
        assert isinstance(action, QAction)
        self.open_path(Path(action.data()))

    @Slot(str)
    def _on_path_wished(self, path: str) -> None:
        self.open_path(Path(path))

    @Slot(str)
    def _on_data_wished(self, path: str) -> None:
        if path:
            self.open_path(Path(path))
        else:
            self.open_data()

    @Slot(str)
    def _on_layer_wished(self, name: str) -> None:
        self.document.select((name,))

    @Slot()
    def _dress(self) -> None:
        dress_actions(self.all_actions, self.theme)

    def _restore(self) -> None:
        geometry = self._settings.value("window/geometry")
        if isinstance(geometry, QByteArray):
            self.restoreGeometry(geometry)
        else:
            self.resize(1600, 1000)

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        """Files may be dropped."""
        if event.mimeData().hasUrls():
            event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent) -> None:
        """Open what was dropped."""
        paths = [Path(url.toLocalFile()) for url in event.mimeData().urls() if url.isLocalFile()]
        self.open_paths(in_opening_order(paths))

    def closeEvent(self, event: QCloseEvent) -> None:
        """Keep the geometry; ask before edits are lost."""
        stack = self.document.undo_stack
        if not stack.isClean() and not self.asks.ask_discard(self):
            event.ignore()
            return
        self._settings.setValue("window/geometry", self.saveGeometry())
        super().closeEvent(event)
