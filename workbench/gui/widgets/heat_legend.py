"""The colours of a heat map from harmless to worst, with figures beside them."""

from collections.abc import Sequence

import numpy as np
from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QImage, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QSizePolicy, QWidget

from workbench.gui.heat_colors import heat_table
from workbench.gui.theme import SMALL_PIXELS, Theme

_WIDTH, _TOP, _BOTTOM, _BAR = 64, 20, 8, 12


class HeatLegend(QWidget):
    """Upright, the worst on top."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._unit = ""
        self._ticks: tuple[tuple[float, str], ...] = ()
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Expanding)
        theme.changed.connect(self.update)

    @property
    def texts(self) -> tuple[str, ...]:
        """The figures, from harmless to worst."""
        return tuple(text for _, text in self._ticks)

    def show_scale(self, unit: str, ticks: Sequence[tuple[float, str]]) -> None:
        """Show other figures: places of 0…1 with their texts."""
        if (unit, tuple(ticks)) != (self._unit, self._ticks):
            self._unit, self._ticks = unit, tuple(ticks)
            ends = f"from {ticks[0][1]} to {ticks[-1][1]} {unit}" if ticks else ""
            self.setAccessibleName(f"Colours {ends}".strip())
            self.update()

    def sizeHint(self) -> QSize:
        """The bar and its figures."""
        return QSize(_WIDTH, 200)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Unit, bar, figures."""
        painter = QPainter(self)
        painter.setFont(self._theme.font(SMALL_PIXELS - 1))
        painter.setPen(self._theme.color("muted"))
        painter.drawText(QRectF(0, 0, self.width(), _TOP - 4), Qt.AlignmentFlag.AlignVCenter, self._unit)
        bar = QRectF(2, _TOP, _BAR, self.height() - _TOP - _BOTTOM)
        table = np.ascontiguousarray(heat_table(self._theme.tokens.heat)[::-1])
        painter.drawImage(bar, QImage(table.data, 1, table.size, 4, QImage.Format.Format_ARGB32))
        painter.setPen(QPen(self._theme.color("border"), 1))
        painter.drawRect(bar)
        for place, text in self._ticks:
            y = bar.bottom() - place * bar.height()
            painter.setPen(QPen(self._theme.color("muted"), 1))
            painter.drawLine(int(bar.right()), int(y), int(bar.right()) + 4, int(y))
            room = QRectF(bar.right() + 7, y - 8, self.width() - bar.right() - 7, 16)
            painter.drawText(room, Qt.AlignmentFlag.AlignVCenter, text)
