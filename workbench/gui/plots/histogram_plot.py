"""Histogram of a layer's weights with the pruned part marked, draggable thresholds and clip lines."""

import numpy as np
import pyqtgraph as pg
from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QWidget

from workbench.engine.core.format import format_magnitude
from workbench.engine.core.weight_curves import WeightCurves
from workbench.gui.plots.clip_lines import ClipLines
from workbench.gui.plots.plot_frame import dress_plot, make_plot, make_steps
from workbench.gui.theme import SMALL_PIXELS, Theme

# Of a label, with its margins.
_LINE_PIXELS = 17


class HistogramPlot(QWidget):
    """Shows one layer's `WeightCurves`; `threshold_moved` while a line is dragged, then `threshold_released`."""

    threshold_pressed = Signal()
    threshold_moved = Signal(float)
    threshold_released = Signal()

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._curves: WeightCurves | None = None
        self._threshold = 0.0
        self._num_bins = 240
        self._log = False
        self._edges = np.zeros(2)
        self._counts = np.zeros(1)
        self._moving = False
        self.plot = make_plot(self, "weight value", "count")
        self.setAccessibleName("Histogram of weights")
        self._all = make_steps(0)
        self._pruned = make_steps(0)
        self._region = pg.LinearRegionItem(movable=False)
        self.left = pg.InfiniteLine(angle=90, movable=True)
        self.right = pg.InfiniteLine(angle=90, movable=True)
        self.label = pg.TextItem(anchor=(0, 0))
        self._region.setZValue(-10)
        for item in (self._region, self._all, self._pruned):
            self.plot.addItem(item)
        self._clips = ClipLines(self.plot)
        for line in (self.left, self.right):
            self.plot.addItem(line)
        self.plot.addItem(self.label, ignoreBounds=True)
        for line in (self.left, self.right):
            line.setCursor(Qt.CursorShape.SizeHorCursor)
            line.sigDragged.connect(self._on_dragged)
            line.sigPositionChangeFinished.connect(self._on_finished)
        self.plot.getViewBox().sigRangeChanged.connect(self._place_labels)
        theme.changed.connect(self._dress)
        self._dress()
        self.show_curves(None)

    @property
    def threshold(self) -> float:
        """The threshold that is shown."""
        return self._threshold

    def show_curves(self, curves: WeightCurves | None) -> None:
        """Show another layer, or nothing."""
        self._curves = curves
        visible = curves is not None
        for item in (self._all, self._pruned, self.left, self.right):
            item.setVisible(visible)
        if not visible:
            self.set_clip(None, None)
            self._region.setVisible(False)
            self.label.setVisible(False)
            return
        self._rebin()

    def set_num_bins(self, num_bins: int) -> None:
        """Draw this many bars."""
        self._num_bins = num_bins
        self._rebin()

    def set_log(self, log: bool) -> None:
        """Count on a logarithmic axis, or on a linear one."""
        self._log = log
        self.plot.setLabel("left", "count, log₁₀(1 + n)" if log else "count")
        self._rebin()

    def set_threshold(self, threshold: float) -> None:
        """Mark |w| < threshold as pruned; emits nothing."""
        self._threshold = max(0.0, threshold)
        if self._curves is None:
            return
        self.left.setPos(-self._threshold)
        self.right.setPos(self._threshold)
        self._region.setRegion((-self._threshold, self._threshold))
        self._region.setVisible(self._threshold > 0)
        self._draw_pruned()
        self.label.setText(f"|w| < {format_magnitude(self._threshold)}" if self._threshold > 0 else "drag to prune")
        self.label.setVisible(True)
        self._place_labels()

    def set_clip(self, low: float | None, high: float | None) -> None:
        """Show the range that quantization keeps, or none."""
        self._clips.show_range(low, high)
        self._place_labels()

    def _rebin(self) -> None:
        if self._curves is None:
            return
        counts, low, high = self._curves.counts, self._curves.low, self._curves.high
        if not high > low:
            low, high = low - 0.5, high + 0.5
        # Bars are sums of whole stored bins, so each edge lies on one of theirs.
        # At least one stored bin apart, so none is picked twice.
        picked = np.linspace(0, counts.size, min(self._num_bins, counts.size) + 1).round().astype(np.int64)
        totals = np.add.reduceat(counts, picked[:-1]).astype(float)
        self._edges = low + (high - low) * picked / counts.size
        self._counts = np.log10(1 + totals) if self._log else totals
        self._all.setData(self._edges, self._counts)
        margin = 0.04 * (high - low)
        self.plot.setXRange(low - margin, high + margin, padding=0)
        self.plot.setYRange(0, max(1e-9, float(self._counts.max()) * 1.12), padding=0)
        self.set_threshold(self._threshold)

    def _draw_pruned(self) -> None:
        """The bars between the lines again in another colour, the outermost ones cut at the lines."""
        first = int(np.searchsorted(self._edges, -self._threshold, side="right")) - 1
        last = int(np.searchsorted(self._edges, self._threshold, side="left"))
        first, last = max(0, first), min(len(self._counts), last)
        if last <= first or self._threshold <= 0:
            self._pruned.setVisible(False)
            return
        edges = self._edges[first : last + 1].copy()
        edges[0], edges[-1] = max(edges[0], -self._threshold), min(edges[-1], self._threshold)
        self._pruned.setVisible(True)
        self._pruned.setData(edges, self._counts[first:last])

    def _on_dragged(self, line: pg.InfiniteLine) -> None:
        if not self._moving:
            self._moving = True
            self.threshold_pressed.emit()
        limit = self._curves.max_magnitude if self._curves else 0.0
        self.set_threshold(min(limit, abs(float(line.value()))))
        self.threshold_moved.emit(self._threshold)

    def _on_finished(self) -> None:
        # The line says so too when it is set by the program; only the end of a drag counts.
        if self._moving and not (self.left.moving or self.right.moving):
            self._moving = False
            self.threshold_released.emit()

    def _place_labels(self) -> None:
        view = self.plot.getViewBox()
        bottom, top = view.viewRange()[1]
        self.label.setPos(self._threshold, top)
        # A line below the threshold's label, which may be as far to the side.
        self._clips.place_labels(top - _LINE_PIXELS * (top - bottom) / max(1.0, view.height()))

    def _dress(self) -> None:
        color = self._theme.color
        dress_plot(self.plot, self._theme)
        self._all.setBrush(color("bar"))
        self._all.setPen(pg.mkPen(None))
        self._pruned.setBrush(color("bad", 190))
        self._pruned.setPen(pg.mkPen(None))
        self._region.setBrush(color("bad", 26))
        for line in self._region.lines:
            line.setPen(pg.mkPen(None))
        for line in (self.left, self.right):
            line.setPen(pg.mkPen(color("bad"), width=2))
            line.setHoverPen(pg.mkPen(color("bad"), width=4))
        self._clips.dress(self._theme)
        self.label.setColor(color("bad"))
        self.label.setFont(self._theme.font(SMALL_PIXELS))
