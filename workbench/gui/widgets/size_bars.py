"""Which layers the bytes are in: one bar a layer, what it takes now over what it took."""

from collections.abc import Sequence
from dataclasses import dataclass

from PySide6.QtCore import QRect, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QMouseEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from workbench.engine.core.format import format_bytes
from workbench.gui.theme import SMALL_PIXELS, Theme

_ROW = 20


@dataclass(frozen=True, slots=True)
class SizeBar:
    """Bytes of one layer, as it was and as it is now."""

    layer: str
    original_bytes: int
    bytes_now: int


class SizeBars(QWidget):
    """Painted rows; `layer_clicked(name)` when one is clicked."""

    layer_clicked = Signal(str)

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._bars: tuple[SizeBar, ...] = ()
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        theme.changed.connect(self.update)

    @property
    def bars(self) -> tuple[SizeBar, ...]:
        """The rows that are shown."""
        return self._bars

    def set_bars(self, bars: Sequence[SizeBar]) -> None:
        """Show these rows."""
        before, self._bars = self._bars, tuple(bars)
        if self._bars == before:
            return
        self.setAccessibleName(", ".join(f"{bar.layer} {format_bytes(bar.bytes_now)}" for bar in self._bars))
        if len(self._bars) != len(before):
            self.updateGeometry()
            self.update()
            return
        for row, (old, new) in enumerate(zip(before, self._bars, strict=True)):
            if old != new:
                # The name stays, and writing it takes longer than the bar.
                left = 0 if old.layer != new.layer else int(self._name_width)
                self.update(left, row * _ROW, self.width() - left, _ROW)

    @property
    def _name_width(self) -> float:
        return self.width() * 0.4

    def sizeHint(self) -> QSize:
        """One line a row."""
        return QSize(200, _ROW * len(self._bars))

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """A click on a row asks for that layer."""
        row = int(event.position().y()) // _ROW
        if 0 <= row < len(self._bars):
            self.layer_clicked.emit(self._bars[row].layer)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Name, bars and bytes."""
        if not self._bars:
            return
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setFont(self._theme.font(SMALL_PIXELS))
        largest = max(bar.original_bytes for bar in self._bars) or 1
        name_width = self._name_width
        room = self.width() - name_width - 70
        for row, bar in enumerate(self._bars):
            top = row * _ROW
            if not event.region().intersects(QRect(0, top, self.width(), _ROW)):
                continue
            if event.region().intersects(QRect(0, top, int(name_width), _ROW)):
                painter.setPen(self._theme.color("text"))
                name = painter.fontMetrics().elidedText(bar.layer, Qt.TextElideMode.ElideMiddle, int(name_width - 8))
                painter.drawText(QRectF(0, top, name_width, _ROW), Qt.AlignmentFlag.AlignVCenter, name)
            painter.setPen(self._theme.color("muted"))
            amount = QRectF(self.width() - 68, top, 68, _ROW)
            painter.drawText(
                amount, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignRight, format_bytes(bar.bytes_now)
            )
            painter.setPen(Qt.PenStyle.NoPen)
            for token, num_bytes in (("track", bar.original_bytes), ("accent", min(bar.bytes_now, largest))):
                painter.setBrush(self._theme.color(token))
                width = max(3.0, room * num_bytes / largest)
                painter.drawRoundedRect(QRectF(name_width, top + 7, width, 7), 3, 3)
