"""A figure on a bar, with its interval as a band and a budget that can be dragged."""

from PySide6.QtCore import QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QPen, QPolygonF
from PySide6.QtWidgets import QSizePolicy, QWidget

from workbench.gui.theme import SMALL_PIXELS, Theme

_KEYS = {Qt.Key.Key_Left: -1, Qt.Key.Key_Down: -1, Qt.Key.Key_Right: 1, Qt.Key.Key_Up: 1}


class BudgetBar(QWidget):
    """A bar from 0 to `maximum`. `budget_moved` tells the budget that the user drags or sets by arrow keys.

    Args:
        floor: whether the figure must stay above the budget; otherwise below it.
    """

    budget_moved = Signal(float)
    pressed = Signal()
    released = Signal()

    def __init__(self, theme: Theme, name: str, *, floor: bool = False, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._floor = floor
        self._value: float | None = None
        self._band: tuple[float, float] | None = None
        self._original: float | None = None
        self._budget: float | None = None
        self._maximum = 1.0
        self.setAccessibleName(f"{name} budget")
        self.setToolTip("Drag the mark, or use the arrow keys, to set a budget. Delete takes it away.")
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        theme.changed.connect(self.update)

    @property
    def budget(self) -> float | None:
        """The budget, or None where none is set."""
        return self._budget

    @property
    def band(self) -> tuple[float, float] | None:
        """The interval that is drawn."""
        return self._band

    @property
    def is_met(self) -> bool | None:
        """Whether the figure keeps the budget; None without a figure or a budget."""
        if self._value is None or self._budget is None:
            return None
        return self._value >= self._budget if self._floor else self._value <= self._budget

    def set_figure(
        self, value: float | None, band: tuple[float, float] | None, original: float | None, maximum: float
    ) -> None:
        """Show a figure with its interval, and a mark at the original's."""
        maximum = maximum if maximum > 0 else 1.0
        if (value, band, original, maximum) != (self._value, self._band, self._original, self._maximum):
            self._value, self._band, self._original, self._maximum = value, band, original, maximum
            self.update()

    def set_budget(self, budget: float | None) -> None:
        """Show a budget; emits nothing."""
        if budget != self._budget:
            self._budget = budget
            self.update()

    def x_of(self, value: float) -> float:
        """Where a value lies, in pixels from the left."""
        return 2 + (self.width() - 4) * max(0.0, min(1.0, value / self._maximum))

    def sizeHint(self) -> QSize:
        """The bar and the word under it."""
        return QSize(120, 34)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Put the mark under the pointer."""
        self.pressed.emit()
        self._drag_to(event.position().x())

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Drag the mark."""
        if event.buttons() & Qt.MouseButton.LeftButton:
            self._drag_to(event.position().x())

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """End of a drag."""
        self.released.emit()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Arrow keys move the budget by a hundredth of the bar; Delete removes it."""
        key = Qt.Key(event.key())
        if key in _KEYS:
            start = self._budget if self._budget is not None else (self._value or 0.0)
            self._move_to(start + _KEYS[key] * self._maximum / 100)
        elif key in (Qt.Key.Key_Delete, Qt.Key.Key_Backspace):
            self._budget = None
            self.update()
            self.budget_moved.emit(-1.0)
        else:
            super().keyPressEvent(event)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Track, filled part, interval, original and budget."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        color = self._theme.color
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(color("track"))
        painter.drawRoundedRect(QRectF(2, 9, self.width() - 4, 7), 3.5, 3.5)
        if self._value is not None:
            painter.setBrush(color("bad" if self.is_met is False else "good"))
            painter.drawRoundedRect(QRectF(2, 9, max(3.0, self.x_of(self._value) - 2), 7), 3.5, 3.5)
        if self._band is not None:
            low, high = self.x_of(self._band[0]), self.x_of(self._band[1])
            painter.setBrush(color("text", 70))
            painter.drawRect(QRectF(low, 6, max(2.0, high - low), 13))
        if self._original is not None:
            at = self.x_of(self._original)
            painter.setBrush(color("muted"))
            painter.drawPolygon(QPolygonF([QPointF(at - 4, 1), QPointF(at + 4, 1), QPointF(at, 6)]))
        self._paint_budget(painter)

    def _paint_budget(self, painter: QPainter) -> None:
        color = self._theme.color
        painter.setFont(self._theme.font(SMALL_PIXELS - 1))
        if self._budget is None:
            painter.setPen(color("accent" if self.hasFocus() else "muted"))
            painter.drawText(QRectF(2, 19, self.width(), 14), Qt.AlignmentFlag.AlignLeft, "no budget · drag to set")
            return
        at = self.x_of(self._budget)
        painter.setPen(QPen(color("accent" if self.hasFocus() else "text"), 2))
        painter.drawLine(QPointF(at, 5), QPointF(at, 20))
        left = min(max(0.0, at - 30), self.width() - 60.0)
        painter.drawText(QRectF(left, 20, 60, 14), Qt.AlignmentFlag.AlignHCenter, "budget")

    def _drag_to(self, x: float) -> None:
        self._move_to((x - 2) / max(1, self.width() - 4) * self._maximum)

    def _move_to(self, value: float) -> None:
        self._budget = max(0.0, min(self._maximum, value))
        self.update()
        self.budget_moved.emit(self._budget)
