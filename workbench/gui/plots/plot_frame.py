"""What the plots have in common: one plot in a widget, dressed in the theme's colours."""

import pyqtgraph as pg
from PySide6.QtWidgets import QVBoxLayout, QWidget

from workbench.gui.theme import SMALL_PIXELS, Theme


def make_plot(parent: QWidget, bottom: str, left: str) -> pg.PlotItem:
    """A plot that fills `parent`, with named axes, without pyqtgraph's own menu and buttons."""
    view = pg.PlotWidget(parent)
    layout = QVBoxLayout(parent)
    layout.setContentsMargins(0, 0, 0, 0)
    layout.addWidget(view)
    plot = view.getPlotItem()
    plot.setMenuEnabled(False)
    plot.hideButtons()
    plot.setMouseEnabled(x=True, y=False)
    plot.setLabel("bottom", bottom)
    plot.setLabel("left", left)
    plot.getAxis("left").enableAutoSIPrefix(False)
    plot.getAxis("bottom").enableAutoSIPrefix(False)
    return plot


def make_steps(fill_level: float | None = None) -> pg.PlotCurveItem:
    """A curve of steps, one value between each two edges, empty so far."""
    # With stepMode pyqtgraph refuses to begin without values.
    return pg.PlotCurveItem([0.0, 1.0], [0.0], stepMode="center", fillLevel=fill_level)


def dress_plot(plot: pg.PlotItem, theme: Theme) -> None:
    """Give the axes the theme's colours and font."""
    plot.getViewWidget().setBackground(theme.color("surface"))
    for side in ("left", "bottom"):
        axis = plot.getAxis(side)
        axis.setPen(pg.mkPen(theme.color("border")))
        axis.setTextPen(pg.mkPen(theme.color("muted")))
        axis.setStyle(tickFont=theme.font(SMALL_PIXELS))
        axis.label.setFont(theme.font(SMALL_PIXELS))
