"""What the plots have in common: one plot in a widget, dressed in the theme's colours."""

import pyqtgraph as pg
from PySide6.QtWidgets import QVBoxLayout, QWidget

from workbench.gui.theme import SMALL_PIXELS, Theme


def make_plot(parent: QWidget, bottom: str, left: str) -> pg.PlotItem:
    """A plot that fills `parent`, with named axes, without pyqtgraph's own menu and buttons."""
    view = pg.PlotWidget(parent, background=None)
    # pyqtgraph drops moves that come within 1/60 s: a drag must reach every value it passes.
    view.sceneObj.setClickRadius(4)
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


def dress_plot(plot: pg.PlotItem, theme: Theme) -> None:
    """Give the axes the theme's colours and font."""
    for side in ("left", "bottom"):
        axis = plot.getAxis(side)
        axis.setPen(pg.mkPen(theme.color("border")))
        axis.setTextPen(pg.mkPen(theme.color("muted")))
        axis.setStyle(tickFont=theme.font(SMALL_PIXELS))
        axis.label.setFont(theme.font(SMALL_PIXELS))
