"""The window: puts the panels together, and answers what belongs to none of them."""

from pathlib import Path

from PySide6.QtCore import QSettings, Qt, Slot
from PySide6.QtGui import QCloseEvent, QDragEnterEvent, QDropEvent
from PySide6.QtWidgets import QApplication, QDialog, QDockWidget, QMainWindow, QMenu, QWidget

import workbench
from workbench.gui.actions import ACTIONS, dress_actions, make_actions
from workbench.gui.calibration_form import CalibrationForm
from workbench.gui.data_form import DataForm
from workbench.gui.document import Document
from workbench.gui.file_dialogs import Asks
from workbench.gui.panels.activation_view import ActivationView
from workbench.gui.panels.channel_page import ChannelPage
from workbench.gui.panels.device_card import DeviceCard
from workbench.gui.panels.distribution import DistributionPanel
from workbench.gui.panels.distribution_tab import DistributionTab
from workbench.gui.panels.jobs import JobsPanel
from workbench.gui.panels.latency_page import LatencyPage
from workbench.gui.panels.layers_panel import LayersPanel
from workbench.gui.panels.log import LogPanel
from workbench.gui.panels.preview import PreviewPanel
from workbench.gui.panels.sensitivity_page import SensitivityPage
from workbench.gui.panels.trade_off_page import TradeOffPage
from workbench.gui.panels.welcome import WelcomePage
from workbench.gui.runtime_text import runtime_text
from workbench.gui.theme import DARK, LIGHT, SPACING, Theme
from workbench.gui.title_bar import TitleBar
from workbench.gui.widgets.card import make_label
from workbench.gui.widgets.message_bar import MessageBar
from workbench.gui.window_cpus import WindowCpus
from workbench.gui.window_devices import WindowDevices
from workbench.gui.window_edits import WindowEdits
from workbench.gui.window_files import WindowFiles
from workbench.gui.window_float import WindowFloat
from workbench.gui.window_jobs import WindowJobs
from workbench.gui.window_layout import WindowLayout
from workbench.gui.window_operators import WindowOperators
from workbench.gui.window_scan import WindowScan
from workbench.gui.window_solve import WindowSolve
from workbench.project.demo_files import demo_files

_NAME = "Model compression workbench"


class MainWindow(QMainWindow):
    """Everything that the user sees.

    Args:
        settings: where layout, theme and recent files are kept.
        asks: the questions to the user; replaced in tests.
    """

    def __init__(self, document: Document, theme: Theme, settings: QSettings, asks: Asks | None = None) -> None:
        super().__init__()
        self.document = document
        self.theme = theme
        self._settings = settings
        self._focused: QWidget | None = None
        asks = asks or Asks()
        self.setObjectName("main_window")
        self.setAcceptDrops(True)
        self.setWindowTitle(_NAME)
        self.message_bar = MessageBar(theme, self)
        self.layers = LayersPanel(document, theme, self)
        self.distribution = DistributionPanel(document, theme, self.layers.states, self)
        self.activations = ActivationView(document, theme, self)
        self.channels = ChannelPage(document, theme, self.layers.edits, self)
        self.distributions = DistributionTab(theme, self.distribution, self.activations, self.channels, self)
        self.sensitivity = SensitivityPage(document, theme, self.layers.states, self)
        self.on_device = DeviceCard(document.latency, document.devices, document.device_budget, theme, self)
        self.preview = PreviewPanel(
            document,
            theme,
            self,
            asked=self.layers.asked,
            on_device=self.on_device,
            device_budget=document.device_budget,
        )
        self.latency = LatencyPage(document, document.latency, theme, self)
        self.trade_off = TradeOffPage(
            document,
            theme,
            self.preview.figures_now,
            self,
            latency=document.latency,
            times=document.device_times,
            device_budget=document.device_budget,
        )
        self.job_rows = JobsPanel(theme, self)
        self.log = LogPanel(theme, self)
        self.welcome = WelcomePage(theme, self)
        self.files = WindowFiles(document, asks, settings, self)
        self.jobs = WindowJobs(document, self.job_rows, theme, asks, self)
        self.scanning = WindowScan(document, self)
        self.float_layers = WindowFloat(document, theme, self)
        self.solving = WindowSolve(document, theme, self)
        self.other_cpus = WindowCpus(document, theme, self)
        self.operators = WindowOperators(document, theme, self)
        self.own_devices = WindowDevices(document, theme, asks, settings, self)
        self.edits = WindowEdits(document, self)
        self.data_form = DataForm(document, theme, self)
        self.calibration = CalibrationForm(document, theme, asks, self)
        self.all_actions = make_actions(self)
        self.title_bar = TitleBar(theme, self.all_actions, self)
        self.addToolBar(self.title_bar)
        self.recent_menu = QMenu("Open &recent", self)
        self._make_menus()
        self.layout_of_panels = WindowLayout(
            self,
            above=self.message_bar,
            welcome=self.welcome,
            left=self.layers,
            right=self.preview,
            middle=(
                {
                    "Distribution": self.distributions,
                    "Sensitivity": self.sensitivity,
                    "Trade-off": self.trade_off,
                    "Latency": self.latency,
                },
                {"Jobs": self.job_rows, "Log": self.log},
            ),
        )
        self.statusBar().setSizeGripEnabled(False)
        runtime = make_label(runtime_text(), "muted", self)
        runtime.setContentsMargins(0, 0, SPACING, 0)
        self.statusBar().addPermanentWidget(runtime)
        self._connect()
        self._dress()
        self._show_what_is_open()
        self.layout_of_panels.restore(settings, self.layers.table)

    def _make_menus(self) -> None:
        menus: dict[str, QMenu] = {}
        for entry in ACTIONS:
            if entry.menu not in menus:
                menus[entry.menu] = self.menuBar().addMenu(entry.menu)
            menus[entry.menu].addAction(self.all_actions[entry.key])
            if entry.key == "open_demo":
                menus[entry.menu].addMenu(self.recent_menu)
            if entry.ends_group:
                menus[entry.menu].addSeparator()
        self.recent_menu.aboutToShow.connect(self._fill_recent_menu)

    def _connect(self) -> None:
        document, stack, files = self.document, self.document.undo_stack, self.files
        document.model_changed.connect(self._on_model_changed)
        document.dataset_changed.connect(self._on_data_changed)
        document.saving.saved_changed.connect(self._show_title)
        document.message.connect(self.show_message)
        document.opening.one.began.connect(self._on_opening_began)
        document.opening.one.ended.connect(self._on_opening_ended)
        document.engine.unavailable.connect(self._on_engine_unavailable)
        document.engine.available.connect(self.message_bar.clear)
        self.message_bar.action_wished.connect(document.engine.try_again)
        for signal in (stack.canUndoChanged, stack.canRedoChanged, stack.indexChanged, stack.cleanChanged):
            signal.connect(self._on_stack_changed)
        files.said.connect(self.show_message)
        files.noted.connect(self.statusBar().showMessage)
        files.began.connect(self.message_bar.clear)
        files.data_asked.connect(self.data_form.await_data)
        self.edits.noted.connect(self.statusBar().showMessage)
        self.jobs.logged.connect(self.log.add)
        self.float_layers.began.connect(self._show_jobs)
        self.other_cpus.began.connect(self._show_jobs)
        self.operators.began.connect(self._show_jobs)
        document.searching.began.connect(self._show_jobs)
        self.solving.began.connect(self._show_jobs)
        self.solving.refused.connect(self.show_message)
        self.trade_off.solve_wished.connect(self.solving.solve)
        self.jobs.began.connect(self._show_jobs)
        self.title_bar.data_wished.connect(self._on_path_wished)
        self.welcome.demo_wished.connect(files.open_demo)
        self.welcome.model_wished.connect(files.open_model)
        self.welcome.path_wished.connect(self._on_path_wished)
        self.preview.layer_wished.connect(self._on_layer_wished)
        self.on_device.layers_wished.connect(self.show_latency)
        self.on_device.devices_wished.connect(self.own_devices.open)
        self.latency.device_wished.connect(self.choose_device)
        self.theme.changed.connect(self._dress)

    # What is open

    @Slot()
    def _on_model_changed(self) -> None:
        model = self.document.model
        if model is not None:
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
            unused = f"; not used: {', '.join(data.unused)}" if data.unused else ""
            self.log.add(f"opened {data.path}: {data.num_samples} samples{unused}")
        self._show_what_is_open()

    def _show_what_is_open(self) -> None:
        document, files = self.document, self.files
        have = {"": True, "model": document.model is not None, "data": document.dataset is not None}
        have["data"] = have["data"] and have["model"]
        is_held = document.opening.one.replaces_model
        for entry in ACTIONS:
            self.all_actions[entry.key].setEnabled(have[entry.needs] and not (is_held and entry.needs))
        self.all_actions["open_demo"].setEnabled(demo_files() is not None)
        self.welcome.demo.setEnabled(demo_files() is not None)
        self.welcome.set_recent([*files.recent_projects.paths(), *files.recent_models.paths()])
        self.title_bar.show_model(document.model)
        self.title_bar.show_data(document.dataset, files.recent_data.paths(), document.calibration.info)
        self.layout_of_panels.pages.setCurrentIndex(1 if have["model"] else 0)
        self._on_stack_changed()
        self.statusBar().showMessage("Ready" if have["model"] else "Open a model to begin")

    @Slot()
    def _on_opening_began(self) -> None:
        """What is edited while another model is read would be lost with the old one: nobody may."""
        if self.document.opening.one.replaces_model and self.document.model is not None:
            self._focused = self.focusWidget()
            self._set_editable(False)

    @Slot()
    def _on_opening_ended(self) -> None:
        if not self.layout_of_panels.pages.isEnabled():
            self._set_editable(True)
            if self._focused is not None:
                self._focused.setFocus()
            self._focused = None
            return
        # Of the first model, the actions were shown while it was still being opened.
        self._show_what_is_open()

    def _set_editable(self, is_editable: bool) -> None:
        for part in (self.layout_of_panels.pages, *self.findChildren(QDialog), *self.findChildren(QDockWidget)):
            part.setEnabled(is_editable)
        self._show_what_is_open()
        if not is_editable:
            self.statusBar().showMessage("Opening…")

    @Slot()
    def _on_stack_changed(self) -> None:
        self.edits.show_undo(self.all_actions)
        if self.document.opening.one.replaces_model:
            for key in ("undo", "redo"):
                self.all_actions[key].setEnabled(False)
        self._show_title()

    @Slot()
    def _show_title(self) -> None:
        document = self.document
        opened = document.saving.project_path or (Path(document.model.path) if document.model else None)
        mark = " •" if document.saving.is_modified else ""
        self.setWindowTitle(f"{opened.name}{mark} – {_NAME}" if opened is not None else _NAME)

    @Slot(str, str)
    def show_message(self, text: str, details: str = "") -> None:
        """Say what went wrong, without stopping anything."""
        self.message_bar.show_message(text, details)
        self.log.add(text)

    @Slot(str, str)
    def _on_engine_unavailable(self, text: str, details: str) -> None:
        self.message_bar.show_message(text, details, action="Try again")
        self.log.add(text)

    # Slots of the table of actions that belong to the window itself

    @Slot()
    def focus_filter(self) -> None:
        """Put the cursor into the layer filter."""
        self.layers.focus_filter()

    @Slot()
    def focus_table(self) -> None:
        """Put the keyboard into the layer table."""
        self.layers.table.setFocus(Qt.FocusReason.ShortcutFocusReason)

    @Slot()
    def show_distribution(self) -> None:
        """Show the distribution of the selected layer."""
        self._show_page(self.distributions)

    @Slot()
    def show_sensitivity(self) -> None:
        """Show how sensitive the layers are, with the keyboard in the heat map."""
        self._show_page(self.sensitivity)
        self.sensitivity.map.setFocus(Qt.FocusReason.ShortcutFocusReason)

    @Slot()
    def show_trade_off(self) -> None:
        """Show what each recipe costs and keeps, with the keyboard in the plot."""
        self._show_page(self.trade_off)
        if self.trade_off.plot is not None:
            self.trade_off.plot.setFocus(Qt.FocusReason.ShortcutFocusReason)

    @Slot()
    def show_latency(self) -> None:
        """Show where the time goes on the chosen device, with the keyboard in the table."""
        self._show_page(self.latency)
        self.latency.table.setFocus(Qt.FocusReason.ShortcutFocusReason)

    @Slot()
    def choose_device(self) -> None:
        """Open the list of devices."""
        self.on_device.picker.open()

    def _show_page(self, page: QWidget) -> None:
        self.layout_of_panels.tabs.setCurrentWidget(page)

    @Slot()
    def switch_theme(self) -> None:
        """From light to dark, or back."""
        application = QApplication.instance()
        assert isinstance(application, QApplication)
        self.theme.apply(application, LIGHT if self.theme.is_dark else DARK)
        self._settings.setValue("theme", self.theme.tokens.name)

    @Slot()
    def about(self) -> None:
        """Say which version this is."""
        text = (
            f"{_NAME} {workbench.__version__}. Prune and quantize a trained network, see what it "
            "costs, and export a file that is proven to be what you saw."
        )
        self.message_bar.show_message(text, tone="good")

    # Small things

    @Slot()
    def _show_jobs(self) -> None:
        self.layout_of_panels.lower_tabs.setCurrentIndex(0)

    @Slot()
    def _fill_recent_menu(self) -> None:
        self.files.fill_recent(self.recent_menu)

    @Slot(str)
    def _on_path_wished(self, path: str) -> None:
        self.files.open_path(Path(path))

    @Slot(str)
    def _on_layer_wished(self, name: str) -> None:
        self.document.select((name,))

    @Slot()
    def _dress(self) -> None:
        dress_actions(self.all_actions, self.theme)

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        """Files may be dropped."""
        if event.mimeData().hasUrls():
            event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent) -> None:
        """Open what was dropped."""
        self.files.open_paths([Path(url.toLocalFile()) for url in event.mimeData().urls() if url.isLocalFile()])

    def closeEvent(self, event: QCloseEvent) -> None:
        """Ask before edits are lost; keep the layout."""
        if not self.files.may_lose_edits():
            event.ignore()
            return
        self.layout_of_panels.save(self._settings, self.layers.table)
        super().closeEvent(event)
