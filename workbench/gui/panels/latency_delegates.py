"""How rows of the time by layer are painted: names with their type, bars whose filling says what binds them."""

from PySide6.QtCore import QModelIndex, QPersistentModelIndex, QRect, QRectF, QSize, Qt
from PySide6.QtGui import QBrush, QPainter, QPen
from PySide6.QtWidgets import QStyle, QStyledItemDelegate, QStyleOptionViewItem, QWidget

from workbench.engine.core.format import format_fraction
from workbench.engine.core.latency_estimate import Bound, LayerLatency
from workbench.gui.panels.latency_rows import ROW_ROLE, Column, verdict_of
from workbench.gui.theme import SMALL_PIXELS, Theme

Index = QModelIndex | QPersistentModelIndex
ROW_HEIGHT = 26
_FILLINGS = {
    Bound.COMPUTE: Qt.BrushStyle.SolidPattern,
    Bound.MEMORY: Qt.BrushStyle.BDiagPattern,
    Bound.OVERHEAD: Qt.BrushStyle.NoBrush,
}
_SHARE_WIDTH = 52


class LatencyDelegate(QStyledItemDelegate):
    """Paints a whole row; the longest bar is that of the layer that takes most.

    Attributes:
        largest: share of the layer that takes most, 0…1.
    """

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self.largest = 1.0

    def sizeHint(self, option: QStyleOptionViewItem, index: Index) -> QSize:
        """One line."""
        return QSize(80, ROW_HEIGHT)

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        """One cell."""
        layer = index.data(ROW_ROLE)
        assert isinstance(layer, LayerLatency)
        column, color = Column(index.column()), self._theme.color
        rect, state = option.rect, option.state
        if state & QStyle.StateFlag.State_Selected:
            painter.fillRect(rect, color("accent_soft"))
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        inner = rect.adjusted(6, 0, -6, 0)
        if column is Column.LAYER:
            self._paint_name(painter, inner, layer)
        elif column is Column.SHARE:
            self._paint_share(painter, inner, layer)
        else:
            painter.setFont(self._theme.font(bold=column is Column.VERDICT))
            tone = verdict_of(layer).tone if column is Column.VERDICT else "text"
            painter.setPen(color(tone))
            text = str(index.data(Qt.ItemDataRole.DisplayRole))
            text = painter.fontMetrics().elidedText(text, Qt.TextElideMode.ElideRight, inner.width())
            painter.drawText(inner, index.data(Qt.ItemDataRole.TextAlignmentRole), text)
        painter.restore()

    def _paint_name(self, painter: QPainter, rect: QRect, layer: LayerLatency) -> None:
        painter.setFont(self._theme.font(bold=True))
        metrics = painter.fontMetrics()
        painter.setPen(self._theme.color("text"))
        name = metrics.elidedText(layer.name, Qt.TextElideMode.ElideMiddle, max(40, rect.width() - 70))
        painter.drawText(rect, Qt.AlignmentFlag.AlignVCenter, name)
        rest = rect.adjusted(metrics.horizontalAdvance(name) + 6, 0, 0, 0)
        painter.setFont(self._theme.font(SMALL_PIXELS))
        painter.setPen(self._theme.color("muted"))
        op_type = painter.fontMetrics().elidedText(layer.op_type, Qt.TextElideMode.ElideRight, rest.width())
        painter.drawText(rest, Qt.AlignmentFlag.AlignVCenter, op_type)

    def _paint_share(self, painter: QPainter, rect: QRect, layer: LayerLatency) -> None:
        color = self._theme.color
        room = rect.width() - _SHARE_WIDTH
        width = max(2.0, room * layer.share / (self.largest or 1.0))
        bar = QRectF(rect.left() + 0.5, rect.center().y() - 5.5, width, 11)
        painter.setPen(QPen(color("bar"), 1))
        painter.setBrush(QBrush(color("bar"), _FILLINGS[layer.bound_by]))
        painter.drawRoundedRect(bar, 2, 2)
        painter.setPen(color("muted"))
        painter.setFont(self._theme.font(SMALL_PIXELS))
        beside = QRect(rect.right() - _SHARE_WIDTH, rect.top(), _SHARE_WIDTH, rect.height())
        painter.drawText(
            beside, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignRight, format_fraction(layer.share)
        )
