"""A slider over a range of real numbers that knows when a drag begins and ends."""

from PySide6.QtCore import QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QSizePolicy, QWidget

from workbench.gui.theme import Theme

_STEPS = {
    Qt.Key.Key_Left: -0.01,
    Qt.Key.Key_Right: 0.01,
    Qt.Key.Key_Down: -0.01,
    Qt.Key.Key_Up: 0.01,
    Qt.Key.Key_PageDown: -0.1,
    Qt.Key.Key_PageUp: 0.1,
}


class ValueSlider(QWidget):
    """A painted slider of a value in [0, maximum]; `moved` on each change by the user, `released` after a drag."""

    pressed = Signal()
    moved = Signal(float)
    released = Signal()

    def __init__(self, theme: Theme, name: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._value = 0.0
        self._maximum = 1.0
        self._dragging = False
        self.setAccessibleName(name)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        theme.changed.connect(self.update)

    @property
    def value(self) -> float:
        """The value shown."""
        return self._value

    def set_value(self, value: float, maximum: float | None = None) -> None:
        """Show a value and perhaps a new end of the range; emits nothing."""
        if maximum is not None:
            self._maximum = maximum if maximum > 0 else 1.0
        self._value = min(self._maximum, max(0.0, value))
        self.update()

    def sizeHint(self) -> QSize:
        """As tall as the other controls of a form."""
        return QSize(120, 24)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """The knob jumps under the pointer and follows it."""
        if event.button() is Qt.MouseButton.LeftButton:
            self._dragging = True
            self.pressed.emit()
            self._move_to(event.position())

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Follow the pointer."""
        if self._dragging:
            self._move_to(event.position())

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """End of a drag."""
        if self._dragging:
            self._dragging = False
            self.released.emit()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Arrow keys move by a hundredth of the range, page keys by a tenth, Home and End to the ends."""
        key = Qt.Key(event.key())
        if key in _STEPS:
            value = self._value + _STEPS[key] * self._maximum
        elif key in (Qt.Key.Key_Home, Qt.Key.Key_End):
            value = 0.0 if key is Qt.Key.Key_Home else self._maximum
        else:
            super().keyPressEvent(event)
            return
        self.set_value(value)
        self.moved.emit(self._value)

    def paintEvent(self, event: QPaintEvent) -> None:
        """A track, its filled part, and a knob."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        color = self._theme.color
        middle, left, right = self.height() / 2, 8.0, self.width() - 8.0
        knob = left + (right - left) * self._value / self._maximum
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(color("track"))
        painter.drawRoundedRect(QRectF(left, middle - 2, right - left, 4), 2, 2)
        painter.setBrush(color("accent" if self.isEnabled() else "track"))
        painter.drawRoundedRect(QRectF(left, middle - 2, knob - left, 4), 2, 2)
        painter.setPen(QPen(color("accent" if self.hasFocus() else "surface"), 2))
        painter.setBrush(color("text" if self.isEnabled() else "muted"))
        painter.drawEllipse(QPointF(knob, middle), 6.5, 6.5)

    def _move_to(self, position: QPointF) -> None:
        share = (position.x() - 8.0) / max(1.0, self.width() - 16.0)
        self.set_value(share * self._maximum)
        self.moved.emit(self._value)
