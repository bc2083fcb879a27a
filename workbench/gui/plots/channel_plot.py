"""Range of each output channel, widest first, with what quantization keeps of it."""

import numpy as np
import numpy.typing as npt
import pyqtgraph as pg
from PySide6.QtCore import Qt
from PySide6.QtGui import QPainterPath
from PySide6.QtWidgets import QGraphicsPathItem, QWidget

from workbench.engine.core.weight_curves import WeightCurves
from workbench.gui.plots.plot_frame import dress_plot, make_plot, make_steps
from workbench.gui.theme import Theme


class ChannelPlot(QWidget):
    """A band from the lowest to the highest weight of each channel, and dashed lines at the clip range.

    `low` and `high` are what the band shows, shape (C,), the widest channel first.
    """

    def __init__(self, theme: Theme, parent: QWidget | None = None, *, what: str = "output channel") -> None:
        super().__init__(parent)
        self._theme = theme
        self._order = np.zeros(0, np.int64)
        self.low = self.high = np.zeros(0, np.float32)
        self.plot = make_plot(self, f"{what} (sorted by range)", "range")
        self.setAccessibleName("Range of each output channel")
        # One path: pyqtgraph's own item between two curves makes it anew with each of them, in ten times the time.
        self._band = QGraphicsPathItem()
        self._band.setPen(pg.mkPen(None))
        self._clips = [make_steps() for _ in range(2)]
        for item in (self._band, *self._clips):
            self.plot.addItem(item)
        theme.changed.connect(self._dress)
        self._dress()

    def show_curves(self, curves: WeightCurves | None) -> None:
        """Show another layer, or nothing."""
        self._band.setVisible(curves is not None)
        self.set_clip(None, None)
        if curves is not None:
            self.show_ranges(curves.channel_low, curves.channel_high)

    def show_ranges(self, channel_low: npt.NDArray[np.float32], channel_high: npt.NDArray[np.float32]) -> None:
        """Show other ranges, shape (C,); nothing where there are no channels."""
        self._band.setVisible(channel_low.size > 0)
        self.set_clip(None, None)
        self._order = np.zeros(0, np.int64)
        if not channel_low.size:
            return
        # Stable, so that equal ranges keep the order of the channels.
        self._order = np.argsort(channel_low - channel_high, kind="stable")
        self.low, self.high = channel_low[self._order], channel_high[self._order]
        self._band.setPath(_band_path(self.low, self.high))
        low, high = float(channel_low.min()), float(channel_high.max())
        margin = 0.08 * ((high - low) or 1.0)
        self.plot.setXRange(0, self._order.size, padding=0.005)
        self.plot.setYRange(low - margin, high + margin, padding=0)

    def set_clip(self, low: npt.NDArray[np.float32] | None, high: npt.NDArray[np.float32] | None) -> None:
        """Show what quantization keeps of each channel, shape (C,), or one value for all; None for nothing."""
        for item, values in zip(self._clips, (low, high), strict=True):
            item.setVisible(values is not None and self._order.size > 0)
            if values is None or not self._order.size:
                continue
            each = np.broadcast_to(values, self._order.shape) if values.size == 1 else values
            if each.size == self._order.size:
                item.setData(np.arange(self._order.size + 1), each[self._order])

    def _dress(self) -> None:
        dress_plot(self.plot, self._theme)
        self._band.setBrush(self._theme.color("bar", 120))
        for item in self._clips:
            item.setPen(pg.mkPen(self._theme.color("warn"), width=1.2, style=Qt.PenStyle.DashLine))


def _band_path(low: npt.NDArray[np.float32], high: npt.NDArray[np.float32]) -> QPainterPath:
    """The outline of one bar a channel, from its lowest to its highest value: along the tops, and back below."""
    sides = np.repeat(np.arange(low.size + 1, dtype=np.float64), 2)[1:-1]
    tops, bottoms = np.repeat(high, 2), np.repeat(low, 2)
    path: QPainterPath = pg.arrayToQPath(
        np.concatenate((sides, sides[::-1])), np.concatenate((tops, bottoms[::-1])).astype(np.float64)
    )
    path.closeSubpath()
    return path
