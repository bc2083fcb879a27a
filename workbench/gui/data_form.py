"""How samples are made ready for the model: what was guessed, and a form to say it better."""

from dataclasses import dataclass
from pathlib import Path

from PySide6.QtCore import Qt, Slot
from PySide6.QtWidgets import (
    QComboBox,
    QDialog,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from workbench.engine.core.reports import Preprocessing
from workbench.gui.document import Document
from workbench.gui.theme import Theme
from workbench.gui.widgets.banner import Banner
from workbench.gui.widgets.card import make_label
from workbench.gui.widgets.combo import Combo


@dataclass(frozen=True, slots=True)
class _Field:
    """One setting. Without choices it is a line of text, which the engine reads and checks."""

    key: str
    title: str
    tip: str
    choices: tuple[str, ...] = ()


_FIELDS = (
    _Field("resize", "Resize to", "Side of a square in pixels, before the crop; empty to leave images as they are"),
    _Field("crop", "Crop to", "Side of a centred square in pixels; empty for none"),
    _Field("scale", "Scale", "Pixels 0…255 are multiplied by it: 1/255 gives 0…1"),
    _Field("mean", "Mean", "Taken away after scaling: one number, or one per channel with commas"),
    _Field("std", "Std", "Divided by at the end: one number, or one per channel with commas"),
    _Field("channel_order", "Channels", "Order of the colours that the model was trained with", ("rgb", "bgr")),
    _Field("layout", "Layout", "Channels first, last, or features as they are", ("nchw", "nhwc", "raw")),
    _Field("labels_offset", "Labels offset", "Added to a label: 1 for models with a background class"),
    _Field("metric", "Metric", "Empty to choose by what the data has", ("", "top1", "top5", "psnr", "agreement")),
)


class DataForm(QDialog):
    """Stays beside the window. Only what is changed by hand, or was before, is handed on as an override."""

    def __init__(self, document: Document, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._document = document
        self._awaited: Path | None = None
        self._path: Path | None = None
        self._shown: dict[str, str] = {}
        self.setWindowTitle("How samples are made ready")
        self.setModal(False)
        self.setMinimumWidth(460)
        self.head = make_label("", "strong", self)
        self.banner = Banner(theme, self)
        self.inputs: dict[str, QLineEdit | QComboBox] = {}
        self.marks: dict[str, QLabel] = {}
        self.apply = QPushButton("Apply", self)
        self.apply.setObjectName("primary")
        self.apply.setDefault(True)
        self.apply.clicked.connect(self._on_apply)
        self._lay_out(theme)
        document.dataset_changed.connect(self._on_data)
        document.opening.data_refused.connect(self._on_refused)

    def _lay_out(self, theme: Theme) -> None:
        grid = QGridLayout()
        grid.setColumnStretch(1, 1)
        for row, item in enumerate(_FIELDS):
            widget: QLineEdit | QComboBox
            if item.choices:
                widget = Combo(theme, self)
                widget.addItems([choice or "by what the data has" for choice in item.choices])
            else:
                widget = QLineEdit(self)
            widget.setAccessibleName(item.title)
            widget.setToolTip(item.tip)
            label = make_label(item.title, "muted", self)
            label.setBuddy(widget)
            mark = make_label("", "muted", self)
            for place, part in enumerate((label, widget, mark)):
                grid.addWidget(part, row, place)
            self.inputs[item.key], self.marks[item.key] = widget, mark
        close = QPushButton("Close", self)
        close.setAutoDefault(False)
        close.clicked.connect(self.close)
        buttons = QHBoxLayout()
        buttons.addStretch(1)
        buttons.addWidget(close)
        buttons.addWidget(self.apply)
        formula = make_label("tensor = (pixel · scale − mean) / std, pixels 0…255", "muted", self)
        formula.setAlignment(Qt.AlignmentFlag.AlignRight)
        column = QVBoxLayout(self)
        column.setContentsMargins(16, 14, 16, 14)
        column.setSpacing(10)
        column.addWidget(self.head)
        column.addWidget(self.banner)
        column.addLayout(grid)
        column.addWidget(formula)
        column.addLayout(buttons)
        self.banner.hide()

    @Slot(object)
    def await_data(self, path: Path) -> None:
        """Somebody opens these samples by hand: show the form if anything about them has to be guessed."""
        self._awaited = path

    @Slot()
    def open_form(self) -> None:
        """Show the form for the samples that are open."""
        if self._document.dataset is not None:
            self._fill(Path(self._document.dataset.path), self._document.dataset.preprocessing)
            self.banner.hide()
            self.show()
            self.raise_()

    @property
    def overrides(self) -> dict[str, object]:
        """What the form says beyond what was guessed or stands beside the data."""
        same_data = self._document.dataset is not None and Path(self._document.dataset.path) == self._path
        kept = dict(self._document.data_overrides) if same_data else {}
        for item in _FIELDS:
            text = self._text(item)
            if text != self._shown.get(item.key, ""):
                kept[item.key] = _value(item.key, text)
        return kept

    @Slot()
    def _on_data(self) -> None:
        data = self._document.dataset
        if data is None:
            return
        self.banner.hide()
        self._fill(Path(data.path), data.preprocessing)
        if self._awaited == Path(data.path) and data.preprocessing.guessed:
            self.show()
        self._awaited = None

    @Slot(object, str)
    def _on_refused(self, path: Path, reason: str) -> None:
        """What does not fit the model may fit with other settings."""
        if path != self._path:
            self._fill(path, Preprocessing())
        self.banner.set_state("bad", "Not opened", reason)
        self.banner.show()
        if self._awaited == path:
            self.show()
        self._awaited = None

    def _fill(self, path: Path, settings: Preprocessing) -> None:
        self._path = path
        self.head.setText(path.name)
        self.head.setToolTip(str(path))
        for item in _FIELDS:
            text = _text_of(getattr(settings, item.key))
            widget = self.inputs[item.key]
            if isinstance(widget, QComboBox):
                widget.setCurrentIndex(item.choices.index(text) if text in item.choices else 0)
            else:
                widget.setText(text)
            self._shown[item.key] = self._text(item)
            self.marks[item.key].setText("guessed" if item.key in settings.guessed else "")

    def _text(self, item: _Field) -> str:
        widget = self.inputs[item.key]
        return item.choices[widget.currentIndex()] if isinstance(widget, QComboBox) else widget.text().strip()

    @Slot()
    def _on_apply(self) -> None:
        if self._path is not None:
            self._document.opening.open_data(self._path, self.overrides)


def _text_of(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, tuple):
        return ", ".join(f"{number:.6g}" for number in value)
    # 1/255 is what people know; its decimals are not.
    if isinstance(value, float):
        return "1/255" if value == 1 / 255 else f"{value:.6g}"
    return str(value)


def _value(key: str, text: str) -> object:
    if key in ("mean", "std"):
        return [part.strip() for part in text.split(",")]
    return None if key in ("resize", "crop") and not text else text
