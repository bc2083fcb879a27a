"""An estimated time on a scale, as a range rather than as a bar: the band, the estimate, the original's, the budget."""

from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QBrush, QPainter, QPaintEvent, QPen, QPolygonF
from PySide6.QtWidgets import QWidget

from workbench.engine.core.format import format_ms
from workbench.gui.theme import SMALL_PIXELS, Theme
from workbench.gui.widgets.budget_scale import BudgetScale

_TOP, _HEIGHT = 10, 12
_HANDLE = 5
_NO_BUDGET = "no budget · drag to set"
_SPOKEN = {True: ", met", False: ", missed", None: ""}
_GAP = 6


class LatencyGauge(BudgetScale):
    """A scale from 0 on. A band that is too wide to decide by is hatched, in another colour."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(theme, parent)
        self._is_rough = False
        self._is_met: bool | None = None
        self.setAccessibleName(self._spoken())

    @property
    def is_rough(self) -> bool:
        """Whether the band is hatched."""
        return self._is_rough

    @property
    def is_met(self) -> bool | None:
        """Whether the budget is shown as met; None where neither that nor the opposite is shown."""
        return self._is_met

    def show_times(
        self, ms: float | None, band: tuple[float, float] | None, original_ms: float | None, *, is_rough: bool
    ) -> None:
        """Show an estimate with its band, and a mark at the original's; None for what is not known."""
        shown = ms, band, original_ms, is_rough
        if shown == (self._value, self._band, self._original, self._is_rough):
            return
        self._value, self._band, self._original, self._is_rough = shown
        # The original's band is about as wide: the scale stands still while the recipe is made faster.
        spread = band[1] / ms if band is not None and ms else 1.0
        self._maximum = 1.05 * max((ms or 0.0) * spread, (original_ms or 0.0) * spread) or 1.0
        self._say()

    def show_budget(self, budget: float | None, is_met: bool | None) -> None:
        """Show a budget, and whether it is met; emits nothing."""
        if (budget, is_met) != (self._budget, self._is_met):
            self._budget, self._is_met = budget, is_met
            self._say()

    def sizeHint(self) -> QSize:
        """The band and the ends of the scale."""
        return QSize(120, 42)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Track, band, estimate, original, ends, budget."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        color = self._theme.color
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(color("track"))
        painter.drawRoundedRect(QRectF(2, _TOP + 4, self.width() - 4, 4), 2, 2)
        self._paint_band(painter)
        if self._value is not None:
            painter.setPen(QPen(color("text"), 2))
            at = self.x_of(self._value)
            painter.drawLine(QPointF(at, _TOP - 3), QPointF(at, _TOP + _HEIGHT + 3))
        if self._original is not None:
            at = self.x_of(self._original)
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(color("muted"))
            painter.drawPolygon(QPolygonF([QPointF(at - 4, 1), QPointF(at + 4, 1), QPointF(at, 7)]))
        painter.setFont(self._theme.font(SMALL_PIXELS - 1))
        painter.setPen(color("muted"))
        below = QRectF(2, _TOP + _HEIGHT + _HANDLE + 1, self.width() - 4, 14)
        painter.drawText(below, Qt.AlignmentFlag.AlignLeft, "0")
        painter.drawText(below, Qt.AlignmentFlag.AlignRight, format_ms(self._maximum))
        self._paint_budget(painter, below)

    def _paint_band(self, painter: QPainter) -> None:
        if self._band is None:
            return
        color = self._theme.color
        tone = {True: "good", False: "bad", None: "warn" if self._is_rough else "accent"}[self._is_met]
        low, high = self.x_of(self._band[0]), self.x_of(self._band[1])
        room = QRectF(low, _TOP, max(3.0, high - low), _HEIGHT)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(color("surface"))
        painter.drawRoundedRect(room, 3, 3)
        pattern = Qt.BrushStyle.BDiagPattern if self._is_rough else Qt.BrushStyle.SolidPattern
        painter.setPen(QPen(color(tone), 1, Qt.PenStyle.DashLine if self._is_rough else Qt.PenStyle.SolidLine))
        painter.setBrush(QBrush(color(tone, 255 if self._is_rough else 70), pattern))
        painter.drawRoundedRect(room, 3, 3)

    def _paint_budget(self, painter: QPainter, below: QRectF) -> None:
        """A line with a handle, which the estimate's has not, and its word between the ends of the scale."""
        color, metrics = self._theme.color, painter.fontMetrics()
        painter.setPen(color("accent" if self.hasFocus() else "muted"))
        if self._budget is None:
            painter.drawText(below, Qt.AlignmentFlag.AlignHCenter, _NO_BUDGET)
            return
        tone, at = color("accent" if self.hasFocus() else "text"), self.x_of(self._budget)
        painter.setPen(QPen(tone, 2))
        top = _TOP + _HEIGHT
        painter.drawLine(QPointF(at, _TOP - 5), QPointF(at, top))
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(tone)
        painter.drawPolygon(
            QPolygonF([QPointF(at, top - 1), QPointF(at + 4, top + _HANDLE), QPointF(at - 4, top + _HANDLE)])
        )
        painter.setPen(tone)
        width = metrics.horizontalAdvance("budget")
        first = below.left() + metrics.horizontalAdvance("0") + _GAP
        last = below.right() - metrics.horizontalAdvance(format_ms(self._maximum)) - _GAP - width
        left = min(max(first, at - width / 2), last)
        painter.drawText(QRectF(left, below.top(), width + 1, 14), Qt.AlignmentFlag.AlignLeft, "budget")

    def _say(self) -> None:
        self.setAccessibleName(self._spoken())
        self.update()

    def _spoken(self) -> str:
        if self._value is None:
            return "No estimate"
        band = f" from {format_ms(self._band[0])} to {format_ms(self._band[1])}" if self._band is not None else ""
        rough = ", rough" if self._is_rough else ""
        original = f", original {format_ms(self._original)}" if self._original is not None else ""
        budget = f", budget {format_ms(self._budget)}{_SPOKEN[self._is_met]}" if self._budget is not None else ""
        return f"Estimated {format_ms(self._value)}{band}{rough}{original}{budget}"
