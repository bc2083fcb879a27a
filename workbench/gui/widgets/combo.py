"""A combo box in the look of the other controls."""

from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QComboBox, QWidget

from workbench.gui.theme import RADIUS, Theme

_LEAST_PIXELS = 90


class Combo(QComboBox):
    """Behaves as any combo box; only the closed box is painted here."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        theme.changed.connect(self.update)

    def sizeHint(self) -> QSize:
        """Room for the widest entry and the arrow."""
        metrics = self.fontMetrics()
        widest = max((metrics.horizontalAdvance(self.itemText(row)) for row in range(self.count())), default=60)
        return QSize(max(90, min(220, widest + 40)), 28)

    def minimumSizeHint(self) -> QSize:
        """Entries that are wider are cut in their middle, and whole in the list."""
        return QSize(min(_LEAST_PIXELS, self.sizeHint().width()), 28)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Frame, text, arrow."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        color = self._theme.color
        painter.setPen(QPen(color("accent" if self.hasFocus() else "border"), 1))
        painter.setBrush(color("surface"))
        painter.drawRoundedRect(QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5), RADIUS, RADIUS)
        painter.setPen(color("text" if self.isEnabled() else "muted"))
        room = QRectF(10, 0, self.width() - 34, self.height())
        text = painter.fontMetrics().elidedText(self.currentText(), Qt.TextElideMode.ElideMiddle, int(room.width()))
        painter.drawText(room, Qt.AlignmentFlag.AlignVCenter, text)
        right, middle = self.width() - 14, self.height() / 2
        painter.setPen(QPen(color("muted"), 1.4))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.drawPolyline(
            [QPointF(right - 4, middle - 2), QPointF(right, middle + 2), QPointF(right + 4, middle - 2)]
        )
