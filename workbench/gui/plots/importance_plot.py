"""How much the units of a channel group matter, sorted, with a draggable cut."""

import numpy as np
import numpy.typing as npt
import pyqtgraph as pg
from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QPainterPath
from PySide6.QtWidgets import QGraphicsPathItem, QWidget

from workbench.engine.core.channel_importance import ChannelImportance, Mask
from workbench.gui.plots.plot_frame import dress_plot, make_plot
from workbench.gui.theme import SMALL_PIXELS, Theme


class ImportancePlot(QWidget):
    """Scores from the least on, one curve a class over the share of its units; what goes lies left of the cut.

    `cut_moved(ratio)` while the line is dragged, then `cut_released`.
    """

    cut_pressed = Signal()
    cut_moved = Signal(float)
    cut_released = Signal()

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._curves: list[npt.NDArray[np.float64]] = []
        self._members: list[npt.NDArray[np.int64]] = []
        self._moving = False
        self.num_gone: tuple[int, ...] = ()
        self.plot = make_plot(self, "share of the units, least important first (%)", "importance")
        self.setAccessibleName("Importance of the channels, sorted")
        self._all, self._gone = QGraphicsPathItem(), QGraphicsPathItem()
        self.cut = pg.InfiniteLine(angle=90, movable=True, bounds=(0, 100))
        self.label = pg.TextItem(anchor=(0, 0))
        for item in (self._all, self._gone, self.cut):
            self.plot.addItem(item)
        self.plot.addItem(self.label, ignoreBounds=True)
        self.cut.setCursor(Qt.CursorShape.SizeHorCursor)
        self.cut.sigDragged.connect(self._on_dragged)
        self.cut.sigPositionChangeFinished.connect(self._on_finished)
        self.plot.getViewBox().sigRangeChanged.connect(self._place_label)
        theme.changed.connect(self._dress)
        self._dress()
        self.show_importance(None)

    @property
    def ratio(self) -> float:
        """Where the cut stands, 0…1."""
        return float(self.cut.value()) / 100

    def show_importance(self, found: ChannelImportance | None) -> None:
        """Show another group, or nothing."""
        is_there = found is not None and found.scores.size > 0
        for item in (self._all, self._gone, self.cut, self.label):
            item.setVisible(is_there)
        self._curves, self._members, self.num_gone = [], [], (-1,)
        if found is None or not is_there:
            return
        for number in range(int(found.classes.max()) + 1):
            members = np.flatnonzero(found.classes == number)
            members = members[np.argsort(found.scores[members], kind="stable")]
            self._members.append(members)
            self._curves.append(found.scores[members])
        self._all.setPath(_steps_path(self._curves, [len(curve) for curve in self._curves]))
        highest = float(found.scores.max())
        self.plot.setXRange(0, 100, padding=0.01)
        self.plot.setYRange(0, (highest or 1.0) * 1.12, padding=0)

    def show_cut(self, ratio: float, kept: Mask) -> None:
        """Put the cut at a ratio of 0…1, and mark what goes; emits nothing.

        Args:
            ratio: that is asked.
            kept: which units stay, shape (U,).
        """
        num_gone = tuple(int((~kept[members]).sum()) for members in self._members)
        if num_gone != self.num_gone:
            self.num_gone = num_gone
            self._gone.setPath(_steps_path(self._curves, num_gone))
            self.label.setText(f"{sum(num_gone)} of {kept.size} go" if sum(num_gone) else "drag to remove")
        self.cut.setValue(100 * ratio)
        self._place_label()

    def _on_dragged(self) -> None:
        if not self._moving:
            self._moving = True
            self.cut_pressed.emit()
        self.cut_moved.emit(self.ratio)

    def _on_finished(self) -> None:
        # The line says so too when it is set by the program; only the end of a drag counts.
        if self._moving and not self.cut.moving:
            self._moving = False
            self.cut_released.emit()

    def _place_label(self) -> None:
        # On the side where there is room.
        self.label.setAnchor((1, 0) if self.ratio > 0.75 else (0, 0))
        self.label.setPos(100 * self.ratio, self.plot.getViewBox().viewRange()[1][1])

    def _dress(self) -> None:
        color = self._theme.color
        dress_plot(self.plot, self._theme)
        self._all.setBrush(color("bar", 130))
        self._all.setPen(pg.mkPen(color("bar"), width=1))
        self._gone.setBrush(color("bad", 170))
        self._gone.setPen(pg.mkPen(color("bad"), width=1))
        self.cut.setPen(pg.mkPen(color("bad"), width=2))
        self.cut.setHoverPen(pg.mkPen(color("bad"), width=4))
        self.label.setColor(color("bad"))
        self.label.setFont(self._theme.font(SMALL_PIXELS))


def _steps_path(curves: list[npt.NDArray[np.float64]], counts: "list[int] | tuple[int, ...]") -> QPainterPath:
    """The area under the first steps of each curve; every curve is 100 wide."""
    path = QPainterPath()
    path.setFillRule(Qt.FillRule.WindingFill)
    for curve, count in zip(curves, counts, strict=True):
        if count == 0:
            continue
        sides = np.repeat(np.arange(count + 1) * (100 / len(curve)), 2)
        heights = np.concatenate(([0.0], np.repeat(curve[:count], 2), [0.0]))
        part: QPainterPath = pg.arrayToQPath(sides, heights)
        part.closeSubpath()
        path.addPath(part)
    return path
