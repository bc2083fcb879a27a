"""What stands in the window when nothing is open."""

from collections.abc import Sequence
from pathlib import Path

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QLabel, QPushButton, QVBoxLayout, QWidget

from workbench.gui.theme import HEAD_PIXELS, Theme
from workbench.gui.widgets.card import Card, make_label
from workbench.gui.widgets.icons import icon_pixmap

_STEPS = (
    ("1", "Open a trained ONNX model", "Its layers, weights and costs appear in the table."),
    ("2", "Open labelled samples", "A folder or zip of class folders, or an .npz with x and y."),
    ("3", "Drag a threshold, pick bits", "Size follows at once; accuracy is measured on your samples."),
    ("4", "Export", "The file is opened again and compared with what you saw."),
)


class WelcomePage(QWidget):
    """Offers the demo, a model, and what was open lately."""

    demo_wished = Signal()
    model_wished = Signal()
    path_wished = Signal(str)

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self.card = Card(parent=self)
        self.card.setFixedWidth(520)
        self.card.column.setContentsMargins(32, 28, 32, 28)
        self.card.column.setSpacing(10)
        self._icon = QLabel(self.card)
        self.card.column.addWidget(self._icon)
        title = make_label("Model compression workbench", "head", self.card)
        title.setFont(theme.font(HEAD_PIXELS + 4, bold=True))
        self.card.column.addWidget(title)
        for number, text, detail in _STEPS:
            label = QLabel(f"<b>{number}&nbsp;&nbsp;{text}</b><br>{detail}", self.card)
            label.setTextFormat(Qt.TextFormat.RichText)
            self.card.column.addWidget(label)
        self.demo = QPushButton("Open demo", self.card)
        self.demo.setObjectName("primary")
        self.demo.clicked.connect(self.demo_wished)
        self.open = QPushButton("Open model…", self.card)
        self.open.clicked.connect(self.model_wished)
        self.card.column.addSpacing(8)
        self.card.column.addWidget(self.demo)
        self.card.column.addWidget(self.open)
        drop = make_label("or drop a model, data, a recipe or a project here", "muted", self.card)
        drop.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.card.column.addWidget(drop)
        self._recent = QVBoxLayout()
        self.card.column.addLayout(self._recent)
        column = QVBoxLayout(self)
        column.addStretch(1)
        column.addWidget(self.card, 0, Qt.AlignmentFlag.AlignHCenter)
        column.addStretch(1)
        theme.changed.connect(self._dress)
        self._dress()

    def set_recent(self, paths: Sequence[str]) -> None:
        """Offer these files."""
        while self._recent.count():
            item = self._recent.takeAt(0)
            widget = item.widget() if item is not None else None
            if widget is not None:
                widget.deleteLater()
        if paths:
            self._recent.addWidget(make_label("Recent", "strong", self.card))
        for path in paths[:5]:
            button = QPushButton(Path(path).name, self.card)
            button.setObjectName("link")
            button.setToolTip(path)
            button.clicked.connect(self._on_recent)
            self._recent.addWidget(button)

    def _on_recent(self) -> None:
        button = self.sender()
        assert isinstance(button, QPushButton)
        self.path_wished.emit(button.toolTip())

    def _dress(self) -> None:
        self._icon.setPixmap(icon_pixmap("app", self._theme.tokens.accent, 40))
