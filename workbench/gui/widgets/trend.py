"""A tiny line of the values that a figure had so far."""

from collections import deque

from PySide6.QtCore import QPointF, QSize
from PySide6.QtGui import QPainter, QPainterPath, QPaintEvent, QPen
from PySide6.QtWidgets import QSizePolicy, QWidget

from workbench.gui.theme import Theme

_KEPT = 60
# A line that is narrower shows no course.
_LEAST_PIXELS = 24


class Trend(QWidget):
    """The last 60 values as a line with a dot at the newest; nothing until there are two."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._values: deque[float] = deque(maxlen=_KEPT)
        self.setSizePolicy(QSizePolicy.Policy.Maximum, QSizePolicy.Policy.Fixed)
        self.setAccessibleName("History")
        theme.changed.connect(self.update)

    @property
    def values(self) -> tuple[float, ...]:
        """What is drawn, oldest first."""
        return tuple(self._values)

    def add(self, value: float) -> None:
        """Draw one more value, unless it is the newest already."""
        if not self._values or self._values[-1] != value:
            self._values.append(value)
            self.update()

    def clear(self) -> None:
        """Forget all values."""
        self._values.clear()
        self.update()

    def sizeHint(self) -> QSize:
        """As wide as in a card's corner."""
        return QSize(92, 30)

    def minimumSizeHint(self) -> QSize:
        """It gives way to the figure."""
        return QSize(0, 30)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Line, area and dot."""
        if len(self._values) < 2 or self.width() < _LEAST_PIXELS:
            return
        low, high = min(self._values), max(self._values)
        spread = (high - low) or 1.0
        width, height = self.width() - 8, self.height() - 8
        step = width / (len(self._values) - 1)
        points = [
            QPointF(4 + index * step, 4 + height * (1 - (value - low) / spread))
            for index, value in enumerate(self._values)
        ]
        line = QPainterPath(points[0])
        for point in points[1:]:
            line.lineTo(point)
        area = QPainterPath(line)
        area.lineTo(points[-1].x(), self.height())
        area.lineTo(points[0].x(), self.height())
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.fillPath(area, self._theme.color("accent", 40))
        painter.setPen(QPen(self._theme.color("accent"), 1.5))
        painter.drawPath(line)
        painter.setBrush(self._theme.color("accent"))
        painter.drawEllipse(points[-1], 2, 2)
