"""The tool bar: actions at the left, what is open in the middle, data, theme and Export at the right."""

from PySide6.QtCore import QSize, Qt, Signal, Slot
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QLabel, QPushButton, QSizePolicy, QToolBar, QToolButton, QWidget

from workbench.engine.core.format import format_bytes
from workbench.engine.core.layer import ModelInfo
from workbench.engine.core.reports import DataInfo
from workbench.gui.actions import TOOLBAR
from workbench.gui.theme import Theme
from workbench.gui.widgets.card import make_label
from workbench.gui.widgets.combo import Combo
from workbench.gui.widgets.pill import Pill

_FILE, _FOLDER, _SETTINGS, _CALIBRATION = "open_data", "open_folder", "data_form", "calibration"


class TitleBar(QToolBar):
    """The window's only tool bar. `data_wished(path)`: one of the data sets that were open lately."""

    data_wished = Signal(str)

    def __init__(self, theme: Theme, actions: dict[str, QAction], parent: QWidget | None = None) -> None:
        super().__init__("Main", parent)
        self._actions = actions
        self.setObjectName("main_tool_bar")
        self.setMovable(False)
        self.setIconSize(QSize(18, 18))
        self.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        self.setContextMenuPolicy(Qt.ContextMenuPolicy.PreventContextMenu)
        for key in TOOLBAR:
            if key:
                self.addAction(actions[key])
            else:
                self.addSeparator()
        self.addWidget(_spacer(self))
        self.pill = Pill(theme, "", "muted", parent=self, bold_name=True, gives_way=True)
        self._pill_action = self.addWidget(self.pill)
        self.addWidget(_spacer(self))
        self.addWidget(make_label("Data  ", "muted", self))
        self.data = Combo(theme, self)
        self.data.setAccessibleName("Data")
        self.data.setMinimumWidth(110)
        self.data.activated.connect(self._on_data)
        self.addWidget(self.data)
        theme_button = QToolButton(self)
        theme_button.setDefaultAction(actions["theme"])
        theme_button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonIconOnly)
        self.addWidget(QLabel("  ", self))
        self.addWidget(theme_button)
        self.addWidget(QLabel("  ", self))
        self.export = QPushButton(self)
        self.export.setObjectName("primary")
        self.export.setText("Export…")
        self.export.clicked.connect(actions["export"].trigger)
        self.addWidget(self.export)
        self._export_action = actions["export"]
        self._export_action.changed.connect(self._on_export_changed)
        self._on_export_changed()
        self.show_model(None)
        self.show_data(None, [])

    def show_model(self, model: ModelInfo | None) -> None:
        """Say what is open."""
        self._pill_action.setVisible(model is not None)
        if model is not None:
            name = model.path.replace("\\", "/").rpartition("/")[2]
            facts = f"opset {model.opset} · {format_bytes(model.file_bytes)} · {len(model.layers)} layers"
            warned = f" · {len(model.warnings)} warning{'s' if len(model.warnings) > 1 else ''}"
            self.pill.set_value(facts + (warned if model.warnings else ""), name)
            lines = (f"SHA-256 {model.sha256}", f"written by {model.producer or 'an unnamed program'}")
            self.pill.setToolTip("\n".join((model.path, *lines, *(f"warning: {text}" for text in model.warnings))))

    def show_data(self, data: DataInfo | None, recent: list[str], calibration: DataInfo | None = None) -> None:
        """Say which samples are open, and offer those that were open lately; those that set ranges stand with them."""
        self.data.blockSignals(True)
        self.data.clear()
        self.data.addItem(_data_text(data) if data else "No data", data.path if data else "")
        for path in recent:
            if data is None or path != data.path:
                self.data.addItem(path.replace("\\", "/").rpartition("/")[2], path)
        self.data.addItem("Open data…", _FILE)
        self.data.addItem("Open data folder…", _FOLDER)
        if data is not None:
            self.data.addItem("Data settings…", _SETTINGS)
        if data is not None:
            guesses = ", ".join(data.preprocessing.guessed)
            own = f"\ncalibration: {calibration.path}" if calibration is not None else ""
            self.data.setToolTip(f"{data.path}" + (f"\nguessed: {guesses}" if guesses else "") + own)
        self.data.addItem(f"Calibration: {_data_text(calibration) if calibration else 'the open data'}…", _CALIBRATION)
        self.data.blockSignals(False)

    @Slot(int)
    def _on_data(self, index: int) -> None:
        path = self.data.itemData(index)
        self.data.setCurrentIndex(0)
        if path and index > 0:
            if path in (_FILE, _FOLDER, _SETTINGS, _CALIBRATION):
                self._actions[path].trigger()
            else:
                self.data_wished.emit(path)

    @Slot()
    def _on_export_changed(self) -> None:
        self.export.setEnabled(self._export_action.isEnabled())
        self.export.setIcon(self._export_action.icon())
        self.export.setToolTip(self._export_action.toolTip())


def _data_text(data: DataInfo) -> str:
    name = data.path.replace("\\", "/").rstrip("/").rpartition("/")[2]
    return f"{name} ({data.num_samples})"


def _spacer(parent: QWidget) -> QWidget:
    spacer = QWidget(parent)
    spacer.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)
    return spacer
