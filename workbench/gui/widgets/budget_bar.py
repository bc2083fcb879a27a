"""A figure on a bar, with its interval as a band and a budget that can be dragged."""

from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QPainter, QPaintEvent, QPen, QPolygonF
from PySide6.QtWidgets import QWidget

from workbench.gui.theme import SMALL_PIXELS, Theme
from workbench.gui.widgets.budget_scale import BudgetScale


class BudgetBar(BudgetScale):
    """A bar from 0 to `maximum`.

    Args:
        floor: whether the figure must stay above the budget; otherwise below it.
    """

    def __init__(self, theme: Theme, name: str, *, floor: bool = False, parent: QWidget | None = None) -> None:
        super().__init__(theme, parent)
        self._floor = floor
        self.setAccessibleName(f"{name} budget")

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

    def sizeHint(self) -> QSize:
        """The bar and the word under it."""
        return QSize(120, 34)

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
