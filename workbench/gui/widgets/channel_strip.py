"""The channels of one layer in their order, and which of them go."""

import numpy as np
import numpy.typing as npt
from PySide6.QtCore import QEvent, QLineF, QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QHelpEvent, QPainter, QPaintEvent, QPen, QResizeEvent
from PySide6.QtWidgets import QSizePolicy, QToolTip, QWidget

from workbench.gui.theme import Theme

_CELL, _LEAST_CELL, _MOST_ROWS = 18.0, 5.0, 8


class ChannelStrip(QWidget):
    """A box a channel: full where it stays, empty and struck through where it goes, so that colour is not the cue."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._kept: npt.NDArray[np.bool_] = np.zeros(0, np.bool_)
        self._fixed: npt.NDArray[np.bool_] = np.zeros(0, np.bool_)
        self._scores: npt.NDArray[np.float64] = np.zeros(0)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setAccessibleName("Channels")
        theme.changed.connect(self.update)

    @property
    def kept(self) -> npt.NDArray[np.bool_]:
        """Which channels are shown as staying, shape (C,)."""
        return self._kept

    def show_channels(
        self,
        kept: npt.NDArray[np.bool_],
        fixed: npt.NDArray[np.bool_],
        scores: npt.NDArray[np.float64],
    ) -> None:
        """Show another layer's channels.

        Args:
            kept: which stay, shape (C,).
            fixed: which always stay, shape (C,).
            scores: how much each matters, shape (C,); NaN for those that always stay.
        """
        is_other = kept.size != self._kept.size
        self._kept, self._fixed, self._scores = kept, fixed, scores
        self.setAccessibleName(f"Channels: {int(kept.sum())} of {kept.size} stay")
        if is_other:
            self.setFixedHeight(self._rows_height())
        self.update()

    def text_of(self, channel: int) -> str:
        """What a tip says of a channel."""
        if self._fixed[channel]:
            return f"channel {channel}: always stays"
        what = "stays" if self._kept[channel] else "goes"
        return f"channel {channel}: {what}, importance {self._scores[channel]:.3g}"

    def sizeHint(self) -> QSize:
        """As tall as the rows are at the widget's width."""
        return QSize(200, self._rows_height())

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Another width, another number of rows."""
        super().resizeEvent(event)
        if event.size().width() != event.oldSize().width():
            self.setFixedHeight(self._rows_height())

    def event(self, event: QEvent) -> bool:
        """Say which channel is under the pointer."""
        if event.type() is QEvent.Type.ToolTip and isinstance(event, QHelpEvent):
            channel = self.channel_at(QPointF(event.pos()))
            QToolTip.showText(event.globalPos(), self.text_of(channel) if channel is not None else "", self)
            return True
        return super().event(event)

    def channel_at(self, at: QPointF) -> int | None:
        """The channel whose box is there."""
        size, per_row = self._grid()
        column, row = int(at.x() // size), int(at.y() // size)
        channel = row * per_row + column
        return channel if 0 <= column < per_row and 0 <= channel < self._kept.size else None

    def paintEvent(self, event: QPaintEvent) -> None:
        """All boxes of one kind at once."""
        painter = QPainter(self)
        size, per_row = self._grid()
        gap = 1.5 if size >= 8 else 0.8
        boxes = [
            QRectF(number % per_row * size, number // per_row * size, size - gap, size - gap)
            for number in range(self._kept.size)
        ]
        color = self._theme.color
        painter.setPen(Qt.PenStyle.NoPen)
        for token, which in (("bar", self._kept & ~self._fixed), ("muted", self._fixed)):
            painter.setBrush(color(token))
            painter.drawRects([boxes[number] for number in np.flatnonzero(which)])
        gone = [boxes[number].adjusted(0.5, 0.5, -0.5, -0.5) for number in np.flatnonzero(~self._kept)]
        painter.setBrush(color("bad_soft"))
        painter.setPen(QPen(color("bad"), 1))
        painter.drawRects(gone)
        painter.drawLines([QLineF(box.bottomLeft(), box.topRight()) for box in gone])

    def _rows_height(self) -> int:
        size, per_row = self._grid()
        return round(-(-max(1, self._kept.size) // per_row) * size) + 2

    def _grid(self) -> tuple[float, int]:
        """Side of a box in pixels, and how many are in a row."""
        size, width = _CELL, max(1, self.width())
        while size > _LEAST_CELL and -(-self._kept.size // max(1, int(width // size))) > _MOST_ROWS:
            size -= 1
        # Few channels in one row, if that leaves them large enough to hit.
        size = min(size, max(10.0, width // max(1, self._kept.size)))
        return size, max(1, int(width // size))
