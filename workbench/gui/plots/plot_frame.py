"""What the plots have in common: one plot in a widget, dressed in the theme's colours."""

import pyqtgraph as pg
from PySide6.QtWidgets import QVBoxLayout, QWidget

from workbench.gui.theme import SMALL_PIXELS, Theme

_LEFT_PIXELS, _BOTTOM_PIXELS = 62, 38  # the name of the axis and numbers of up to six digits


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
    for side in ("left", "bottom"):
        axis = plot.getAxis(side)
        axis.enableAutoSIPrefix(False)
        # Of its own an axis asks for room while it is painted: each curve that comes paints the plot four times.
        # And two levels of ticks, of which one has numbers, are read as easily as three in half of the time.
        axis.setStyle(autoExpandTextSpace=False, maxTickLevel=1, maxTextLevel=0)
        # A line that moves touches both axes, and writing their numbers takes longer than all else that moves.
        axis.setCacheMode(pg.QtWidgets.QGraphicsItem.CacheMode.DeviceCoordinateCache)
    plot.getAxis("left").setWidth(_LEFT_PIXELS)
    plot.getAxis("bottom").setHeight(_BOTTOM_PIXELS)
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
