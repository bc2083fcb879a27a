"""What happened, line by line."""

from datetime import datetime

from PySide6.QtWidgets import QPlainTextEdit, QWidget

from workbench.gui.theme import Theme

_KEPT_LINES = 2000


class LogPanel(QPlainTextEdit):
    """The last 2,000 lines, with the time of day."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent, readOnly=True)
        self.setMaximumBlockCount(_KEPT_LINES)
        self.setAccessibleName("Log")
        self.setTabChangesFocus(True)

    def add(self, text: str) -> None:
        """Write one line."""
        self.appendPlainText(f"{datetime.now().astimezone():%H:%M:%S}  {text}")
