"""An on/off switch."""

from PySide6.QtCore import QPointF, QRectF, QSignalBlocker, QSize, Qt
from PySide6.QtGui import QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QAbstractButton, QWidget

from workbench.gui.theme import Theme


class Switch(QAbstractButton):
    """A checkable button painted as a switch with its text beside it; Space toggles it."""

    def __init__(self, theme: Theme, text: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._is_mixed = False
        self.setCheckable(True)
        self.setText(text)
        self.setAccessibleName(text)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        theme.changed.connect(self.update)

    @property
    def is_mixed(self) -> bool:
        """Whether the selected layers differ."""
        return self._is_mixed

    def set_state(self, checked: bool | None) -> None:
        """Show a state, or None where the selected layers differ; emits nothing."""
        self._is_mixed = checked is None
        with QSignalBlocker(self):
            self.setChecked(bool(checked))
        self.setAccessibleName(f"{self.text()}: differs" if self._is_mixed and self.isEnabled() else self.text())
        self.update()

    def nextCheckState(self) -> None:
        """What is pressed is on or off from then on, in all layers alike."""
        self._is_mixed = False
        super().nextCheckState()

    def sizeHint(self) -> QSize:
        """The switch and its text."""
        return QSize(44 + self.fontMetrics().horizontalAdvance(self.text()), 24)

    def paintEvent(self, event: QPaintEvent) -> None:
        """A pill with a knob: left, right, or in the middle where layers differ; its place says it, not only colour."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        color = self._theme.color
        top = (self.height() - 16) / 2
        on = self.isChecked() and self.isEnabled()
        painter.setPen(QPen(color("accent" if self.hasFocus() or on else "border"), 1))
        painter.setBrush(color("accent" if on else "track"))
        painter.drawRoundedRect(QRectF(1, top, 30, 16), 8, 8)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(color("on_accent" if on else "muted"))
        knob = 16 if self._is_mixed and self.isEnabled() else 23 if self.isChecked() else 9
        painter.drawEllipse(QPointF(knob, top + 8), 5.5, 5.5)
        painter.setPen(color("text" if self.isEnabled() else "muted"))
        text = QRectF(38, 0, self.width() - 38, self.height())
        painter.drawText(text, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft, self.text())
