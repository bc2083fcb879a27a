"""An estimated time on a scale, as a range rather than as a bar: the band, the estimate in it, and the original's."""

from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QBrush, QPainter, QPaintEvent, QPen, QPolygonF
from PySide6.QtWidgets import QSizePolicy, QWidget

from workbench.engine.core.format import format_ms
from workbench.gui.theme import SMALL_PIXELS, Theme

_TOP, _HEIGHT = 10, 12


class LatencyGauge(QWidget):
    """A scale from 0 on. A band that is too wide to decide by is hatched, in another colour."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._ms: float | None = None
        self._band: tuple[float, float] | None = None
        self._original: float | None = None
        self._is_rough = False
        self._maximum = 1.0
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        theme.changed.connect(self.update)

    @property
    def is_rough(self) -> bool:
        """Whether the band is hatched."""
        return self._is_rough

    def show_times(
        self, ms: float | None, band: tuple[float, float] | None, original_ms: float | None, *, is_rough: bool
    ) -> None:
        """Show an estimate with its band, and a mark at the original's; None for what is not known."""
        shown = ms, band, original_ms, is_rough
        if shown == (self._ms, self._band, self._original, self._is_rough):
            return
        self._ms, self._band, self._original, self._is_rough = shown
        # The original's band is about as wide: the scale stands still while the recipe is made faster.
        spread = band[1] / ms if band is not None and ms else 1.0
        self._maximum = 1.05 * max((ms or 0.0) * spread, (original_ms or 0.0) * spread) or 1.0
        self.setAccessibleName(self._spoken())
        self.update()

    def x_of(self, ms: float) -> float:
        """Where a time lies, in pixels from the left."""
        return 2 + (self.width() - 4) * max(0.0, min(1.0, ms / self._maximum))

    def sizeHint(self) -> QSize:
        """The band and the ends of the scale."""
        return QSize(120, 38)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Track, band, estimate, original, ends."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        color = self._theme.color
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(color("track"))
        painter.drawRoundedRect(QRectF(2, _TOP + 4, self.width() - 4, 4), 2, 2)
        tone = "warn" if self._is_rough else "accent"
        if self._band is not None:
            low, high = self.x_of(self._band[0]), self.x_of(self._band[1])
            room = QRectF(low, _TOP, max(3.0, high - low), _HEIGHT)
            painter.setBrush(color("surface"))
            painter.drawRoundedRect(room, 3, 3)
            pattern = Qt.BrushStyle.BDiagPattern if self._is_rough else Qt.BrushStyle.SolidPattern
            painter.setPen(QPen(color(tone), 1, Qt.PenStyle.DashLine if self._is_rough else Qt.PenStyle.SolidLine))
            painter.setBrush(QBrush(color(tone, 255 if self._is_rough else 70), pattern))
            painter.drawRoundedRect(room, 3, 3)
        if self._ms is not None:
            painter.setPen(QPen(color("text"), 2))
            at = self.x_of(self._ms)
            painter.drawLine(QPointF(at, _TOP - 3), QPointF(at, _TOP + _HEIGHT + 3))
        if self._original is not None:
            at = self.x_of(self._original)
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(color("muted"))
            painter.drawPolygon(QPolygonF([QPointF(at - 4, 1), QPointF(at + 4, 1), QPointF(at, 7)]))
        painter.setFont(self._theme.font(SMALL_PIXELS - 1))
        painter.setPen(color("muted"))
        below = QRectF(2, _TOP + _HEIGHT + 2, self.width() - 4, 14)
        painter.drawText(below, Qt.AlignmentFlag.AlignLeft, "0")
        painter.drawText(below, Qt.AlignmentFlag.AlignRight, format_ms(self._maximum))

    def _spoken(self) -> str:
        if self._ms is None:
            return "No estimate"
        band = f" from {format_ms(self._band[0])} to {format_ms(self._band[1])}" if self._band is not None else ""
        rough = ", rough" if self._is_rough else ""
        original = f", original {format_ms(self._original)}" if self._original is not None else ""
        return f"Estimated {format_ms(self._ms)}{band}{rough}{original}"
