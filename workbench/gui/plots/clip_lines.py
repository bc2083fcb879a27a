"""The two dashed lines at the ends of the range that quantization keeps, each with its value beside it."""

import pyqtgraph as pg
from PySide6.QtCore import Qt

from workbench.gui.theme import SMALL_PIXELS, Theme


class ClipLines:
    """Lines and labels in a plot; how high the labels stand is the plot's own matter."""

    def __init__(self, plot: pg.PlotItem) -> None:
        self._view = plot.getViewBox()
        self.lines = [pg.InfiniteLine(angle=90) for _ in range(2)]
        self.labels = [pg.TextItem(anchor=anchor) for anchor in ((1, 0), (0, 0))]
        for line in self.lines:
            plot.addItem(line)
        for label in self.labels:
            plot.addItem(label, ignoreBounds=True)

    def show_range(self, low: float | None, high: float | None) -> None:
        """Show where the range ends; None for no end."""
        for line, label, value in zip(self.lines, self.labels, (low, high), strict=True):
            line.setVisible(value is not None)
            label.setVisible(value is not None)
            if value is not None:
                line.setPos(value)
                label.setText(f"clip {value:.3g}")

    def place_labels(self, y: float) -> None:
        """Put the labels at a height: outside the kept range; inside where there is no room up to the plot's edge."""
        (left, right), _ = self._view.viewRange()
        per_pixel = (right - left) / max(1.0, self._view.width())
        for label, line, outer in zip(self.labels, self.lines, (left, right), strict=True):
            is_near_edge = abs(line.value() - outer) < label.boundingRect().width() * per_pixel
            is_left = line is self.lines[0]
            label.setAnchor((0 if is_left == is_near_edge else 1, 0))
            label.setPos(line.value(), y)

    def dress(self, theme: Theme) -> None:
        """Take the theme's colours and font."""
        color = theme.color("warn")
        for line in self.lines:
            line.setPen(pg.mkPen(color, width=1.6, style=Qt.PenStyle.DashLine))
        for label in self.labels:
            label.setColor(color)
            label.setFont(theme.font(SMALL_PIXELS))
