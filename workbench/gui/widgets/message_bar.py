"""A line across the window that says what happened, with details on demand; it never blocks."""

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QPlainTextEdit, QPushButton, QVBoxLayout, QWidget

from workbench.gui.theme import Theme
from workbench.gui.widgets.card import make_label
from workbench.gui.widgets.icons import icon_pixmap


class MessageBar(QFrame):
    """Shows one message at a time, perhaps with something to do about it; a button closes it."""

    closed = Signal()
    action_wished = Signal()

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._tone = "bad"
        self.setObjectName("message")
        self._icon = QLabel(self)
        self._text = make_label(parent=self)
        self._text.setWordWrap(True)
        self._text.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self._details = QPlainTextEdit(self, readOnly=True)
        self._details.setMaximumHeight(160)
        self._details.hide()
        self._more = QPushButton("Details", self)
        self._more.setCheckable(True)
        self._more.toggled.connect(self._details.setVisible)
        self.action = QPushButton(self)
        self.action.clicked.connect(self.action_wished)
        self.action.hide()
        close = QPushButton("Dismiss", self)
        close.clicked.connect(self.clear)
        line = QHBoxLayout()
        line.addWidget(self._icon)
        line.addWidget(self._text, 1)
        line.addWidget(self._more)
        line.addWidget(self.action)
        line.addWidget(close)
        column = QVBoxLayout(self)
        column.setContentsMargins(12, 6, 8, 6)
        column.addLayout(line)
        column.addWidget(self._details)
        theme.changed.connect(self._dress)
        self.hide()

    @property
    def text(self) -> str:
        """What is shown; empty if nothing is."""
        return "" if self.isHidden() else self._text.text()

    @property
    def details(self) -> str:
        """The text behind the Details button."""
        return self._details.toPlainText()

    def show_message(self, text: str, details: str = "", *, tone: str = "bad", action: str = "") -> None:
        """Show a message in the tone "bad", "warn" or "good", and a button for an action if it has a name."""
        self.action.setText(action)
        self.action.setVisible(bool(action))
        self._tone = tone
        self._text.setText(text)
        self.setAccessibleName(text)
        self._details.setPlainText(details)
        self._more.setChecked(False)
        self._more.setVisible(bool(details))
        self._dress()
        self.show()

    def clear(self) -> None:
        """Take the message away."""
        self.hide()
        self.closed.emit()

    def _dress(self) -> None:
        tokens = self._theme.tokens
        tone = getattr(tokens, self._tone)
        self._icon.setPixmap(icon_pixmap("check" if self._tone == "good" else "warning", tone, 16))
        self.setStyleSheet(
            f"QFrame#message {{ background: {getattr(tokens, self._tone + '_soft')}; border: 1px solid {tone};"
            " border-radius: 6px; }"
        )
