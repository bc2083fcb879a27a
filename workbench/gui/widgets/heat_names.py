"""Names of layers below the columns of a heat map: side by side where they fit, else upright."""

from collections.abc import Sequence

from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QFont, QFontMetrics, QPainter, QPixmap

from workbench.gui.theme import SMALL_PIXELS, Theme
from workbench.gui.widgets.heat_grid import HeatGrid

_LINE = 14
_GAP = 8
_FLAT_PIXELS = 20.0
_MOST = 92


class HeatNames:
    """Upright names are painted once each and kept: a turned text takes ten times as long as a pixmap."""

    def __init__(self, theme: Theme, names: Sequence[str] = ()) -> None:
        self._theme = theme
        self._names = tuple(names)
        self._widest = max((self._metrics().horizontalAdvance(name) for name in self._names), default=0)
        self._upright: dict[tuple[int, float], QPixmap] = {}

    def forget_colors(self) -> None:
        """The theme is another one."""
        self._upright.clear()

    def room(self, column: float) -> float:
        """Height that the names need below columns of this width."""
        return _FLAT_PIXELS if self._is_flat(column) else min(_MOST, self._widest) + 12.0

    def paint(self, painter: QPainter, grid: HeatGrid) -> None:
        """Paint the names of the columns in sight, as many as can be told apart."""
        painter.setFont(self._font())
        painter.setPen(self._theme.color("muted"))
        top = grid.top + min(grid.height, grid.content_height - grid.scrolled_y) + 4
        first, last = grid.columns_in_sight
        is_flat = self._is_flat(grid.column)
        step = 1 if is_flat else max(1, -(-_LINE // max(1, int(grid.column))))
        ratio = painter.device().devicePixelRatioF()
        for column in range(first + -first % step, last, step):
            middle = grid.x_of(column) + grid.column / 2
            if not grid.left <= middle <= grid.left + grid.width:
                continue
            if is_flat:
                room = QRectF(middle - grid.column / 2, top, grid.column, 16)
                painter.drawText(room, Qt.AlignmentFlag.AlignHCenter, self._names[column])
            else:
                painter.drawPixmap(round(middle - _LINE / 2), round(top), self._turned(column, ratio))

    def _is_flat(self, column: float) -> bool:
        return self._widest + _GAP <= column

    def _turned(self, column: int, ratio: float) -> QPixmap:
        pixmap = self._upright.get((column, ratio))
        if pixmap is None:
            # To the pixel, some names would be cut: an advance is rounded.
            length = min(_MOST, self._widest + 2)
            pixmap = QPixmap(QSize(_LINE, length) * ratio)
            pixmap.setDevicePixelRatio(ratio)
            pixmap.fill(Qt.GlobalColor.transparent)
            painter = QPainter(pixmap)
            painter.setFont(self._font())
            painter.setPen(self._theme.color("muted"))
            painter.translate(_LINE / 2, 0)
            painter.rotate(-90)
            name = self._metrics().elidedText(self._names[column], Qt.TextElideMode.ElideMiddle, length)
            room = QRectF(-length, -_LINE / 2, length, _LINE)
            painter.drawText(room, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter, name)
            painter.end()
            self._upright[column, ratio] = pixmap
        return pixmap

    def _font(self) -> QFont:
        return self._theme.font(SMALL_PIXELS - 1)

    def _metrics(self) -> QFontMetrics:
        return QFontMetrics(self._font())
