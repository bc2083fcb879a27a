"""Which samples set ranges and rounding, how many of them, and the seed that draws them."""

from dataclasses import replace
from pathlib import Path

from PySide6.QtCore import QSignalBlocker, Slot
from PySide6.QtWidgets import QDialog, QFormLayout, QHBoxLayout, QPushButton, QSpinBox, QVBoxLayout, QWidget

from workbench.engine.core.recipe import Calibration
from workbench.engine.core.reports import DataInfo
from workbench.gui.document import Document
from workbench.gui.file_dialogs import DATA_FILTER, Asks
from workbench.gui.panels.gesture import Gesture
from workbench.gui.theme import Theme
from workbench.gui.widgets.banner import Banner
from workbench.gui.widgets.card import make_label

_MOST_SAMPLES = 100_000
_NOTE = (
    "Ranges of activations, learned rounding and bias correction are found on these samples; labels are not looked "
    "at. Samples of their own keep the measured accuracy honest."
)


class CalibrationForm(QDialog):
    """Stays beside the window. Number and seed belong to the recipe, so they can be undone."""

    def __init__(self, document: Document, theme: Theme, asks: Asks, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._document = document
        self._asks = asks
        self._gesture = Gesture()
        self.setWindowTitle("Calibration samples")
        self.setModal(False)
        self.setMinimumWidth(480)
        self.banner = Banner(theme, self)
        self.path = make_label("", "strong", self)
        self.file = QPushButton("Choose file…", self)
        self.folder = QPushButton("Choose folder…", self)
        self.same = QPushButton("Use the open data", self)
        self.samples = QSpinBox(self, minimum=1, maximum=_MOST_SAMPLES, singleStep=16)
        self.seed = QSpinBox(self, minimum=0, maximum=2**31 - 1)
        self.drawn = make_label("", "muted", self)
        for spin, name in ((self.samples, "Number of samples"), (self.seed, "Seed")):
            spin.setKeyboardTracking(False)
            spin.setAccessibleName(name)
            spin.valueChanged.connect(self._on_numbers)
        self._lay_out()
        self.file.clicked.connect(self._on_file)
        self.folder.clicked.connect(self._on_folder)
        self.same.clicked.connect(document.calibration.close)
        document.calibration.changed.connect(self._show_what_is_open)
        document.calibration.failed.connect(self._on_failed)
        document.dataset_changed.connect(self._show_what_is_open)
        document.recipe_changed.connect(self._on_recipe)
        self._show_what_is_open()
        self._on_recipe(None, None)

    def _lay_out(self) -> None:
        buttons = QHBoxLayout()
        for button in (self.file, self.folder, self.same):
            button.setAutoDefault(False)
            buttons.addWidget(button)
        buttons.addStretch(1)
        form = QFormLayout()
        form.addRow("Samples", self.path)
        form.addRow("", buttons)
        number = QHBoxLayout()
        number.addWidget(self.samples)
        number.addWidget(self.drawn)
        number.addStretch(1)
        form.addRow("How many", number)
        form.addRow("Seed", self.seed)
        note = make_label(_NOTE, "muted", self)
        note.setWordWrap(True)
        done = QPushButton("Close", self)
        done.clicked.connect(self.close)
        column = QVBoxLayout(self)
        column.setContentsMargins(16, 14, 16, 14)
        column.setSpacing(10)
        column.addWidget(self.banner)
        column.addLayout(form)
        column.addWidget(note)
        end = QHBoxLayout()
        end.addStretch(1)
        end.addWidget(done)
        column.addLayout(end)
        self.banner.hide()

    @Slot()
    def open_form(self) -> None:
        """Show the form."""
        self.banner.hide()
        self.show()
        self.raise_()

    @Slot()
    def _show_what_is_open(self) -> None:
        own = self._document.calibration.info
        self.banner.hide()
        self.path.setText(_name(own) if own is not None else _open_data_text(self._document.dataset))
        self.path.setToolTip(own.path if own is not None else "")
        self.same.setEnabled(own is not None)
        self._show_drawn()

    @Slot(object, object)
    def _on_recipe(self, old: object, new: object) -> None:
        calibration = self._document.recipe.calibration
        for spin, value in ((self.samples, calibration.samples), (self.seed, calibration.seed)):
            with QSignalBlocker(spin):
                spin.setValue(value)
        self._show_drawn()

    def _show_drawn(self) -> None:
        data = self._document.calibration.info or self._document.dataset
        self.drawn.setText(_drawn_text(self._document.recipe.calibration.samples, data))

    @Slot()
    def _on_numbers(self) -> None:
        recipe = replace(self._document.recipe, calibration=Calibration(self.samples.value(), self.seed.value()))
        self._document.edit(recipe, "Calibration", gesture=self._gesture.token("calibration"))

    @Slot()
    def _on_file(self) -> None:
        self._open(self._asks.ask_open(self, "Open calibration samples", self._start_folder(), DATA_FILTER))

    @Slot()
    def _on_folder(self) -> None:
        self._open(self._asks.ask_folder(self, "Open calibration samples", self._start_folder()))

    def _open(self, path: Path | None) -> None:
        if path is not None:
            # Samples for one model are made ready in one way.
            self._document.calibration.open(path, self._document.data_overrides)

    @Slot(str, str)
    def _on_failed(self, text: str, details: str) -> None:
        self.banner.set_state("bad", "Not opened", text)
        self.banner.show()

    def _start_folder(self) -> str:
        data = self._document.calibration.info or self._document.dataset
        return str(Path(data.path).parent) if data is not None else str(Path.home())


def _drawn_text(asked: int, data: DataInfo | None) -> str:
    """How many of the samples are looked at."""
    if data is None:
        return ""
    return f"of {data.num_samples}" if asked < data.num_samples else f"all {data.num_samples} are looked at"


def _name(data: DataInfo) -> str:
    return f"{Path(data.path).name} ({data.num_samples})"


def _open_data_text(data: DataInfo | None) -> str:
    return f"the open data, {_name(data)}" if data is not None else "none: no data is open"
