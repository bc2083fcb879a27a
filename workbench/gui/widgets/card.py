"""Frames with a title: the large cards of the window and the small ones inside them."""

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QVBoxLayout, QWidget

from workbench.gui.widgets.elided_label import ElidedLabel

_LEAST_NOTE = 110


def make_label(text: str = "", kind: str = "", parent: QWidget | None = None) -> QLabel:
    """A label of one of the kinds that the style sheet knows: "muted", "head", "strong" or plain.

    What it says is plain text: names of devices, layers and files are strangers', and may look like HTML.
    """
    label = QLabel(text, parent)
    label.setTextFormat(Qt.TextFormat.PlainText)
    if kind:
        label.setObjectName(kind)
    return label


class Card(QFrame):
    """A rounded frame with a column of contents and, if there is a title, a head line with a note at its end."""

    def __init__(self, title: str = "", *, inner: bool = False, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("inner" if inner else "card")
        self.column = QVBoxLayout(self)
        self.column.setContentsMargins(12, 10, 12, 10)
        self.column.setSpacing(6)
        self.title = ElidedLabel(title, "strong", self, middle=True)
        # The title gives way to what changes.
        self.note = ElidedLabel("", "muted", self, least=_LEAST_NOTE)
        if title:
            head = QHBoxLayout()
            head.addWidget(self.title)
            head.addStretch(1)
            head.addWidget(self.note)
            self.column.addLayout(head)
