"""Accuracy against size or latency: points that can be taken, and budgets as lines that can be dragged."""

import math
from collections.abc import Sequence

import numpy as np
import pyqtgraph as pg
from PySide6.QtCore import QPointF, Qt, Signal
from PySide6.QtGui import QFocusEvent, QKeyEvent
from PySide6.QtWidgets import QWidget

from workbench.gui.plot_point import Mark, PlotPoint
from workbench.gui.plots.plot_frame import dress_plot, make_plot
from workbench.gui.theme import SMALL_PIXELS, Theme

_NEAR_PIXELS = 12.0
_ROOM = 0.08
_STAR = 18
_LEAST = 1e-9


_SYMBOLS = {Mark.ORIGINAL: "d", Mark.MEASURED: "o", Mark.PREDICTED: "o", Mark.TRIED: "s"}
_SIZES = {Mark.ORIGINAL: 14, Mark.MEASURED: 10, Mark.PREDICTED: 10, Mark.TRIED: 7}
# Labels stand before points and lines.
_ABOVE = 20


class TradeOffPlot(QWidget):
    """Points by mouse and keyboard: arrows go from one to the next, Enter takes it.

    Signals:
        pointed(index): of the point under the pointer or the cursor; -1 for none.
        taken(index)
        budget_pressed, budget_moved(axis, value), budget_released: a line is dragged; axis "x" or "y".
    """

    pointed = Signal(int)
    taken = Signal(int)
    budget_pressed = Signal()
    budget_moved = Signal(str, float)
    budget_released = Signal()

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._points: tuple[PlotPoint, ...] = ()
        self._cursor = -1
        self._is_log = False
        self._least: float | None = None
        self._now: tuple[float, float] | None = None
        self._is_now_measured = False
        self._is_dragged = False
        self._budgets: dict[str, float | None] = {"x": None, "y": None}
        self.plot = make_plot(self, "", "")
        self.plot.setMouseEnabled(x=False, y=False)
        self.plot.getViewWidget().setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setAccessibleName("Trade-off of accuracy and size")
        self.front = pg.PlotCurveItem()
        self.interval = pg.PlotCurveItem()
        self.dots = pg.ScatterPlotItem(pxMode=True)
        self.star = pg.ScatterPlotItem(pxMode=True)
        self.ring = pg.ScatterPlotItem(pxMode=True)
        self.lines = {"x": pg.InfiniteLine(angle=90, movable=True), "y": pg.InfiniteLine(angle=0, movable=True)}
        self.labels = {axis: pg.TextItem() for axis in self.lines}
        for item in (self.front, self.interval, self.dots, self.star, self.ring):
            self.plot.addItem(item)
        for axis, line in self.lines.items():
            self.plot.addItem(line, ignoreBounds=True)
            self.plot.addItem(self.labels[axis], ignoreBounds=True)
            line.setCursor(Qt.CursorShape.SizeHorCursor if axis == "x" else Qt.CursorShape.SizeVerCursor)
            line.sigDragged.connect(self._on_dragged)
            line.sigPositionChangeFinished.connect(self._on_drag_finished)
        scene = self.plot.scene()
        scene.sigMouseClicked.connect(self._on_clicked)
        scene.sigMouseMoved.connect(self._on_moved)
        theme.changed.connect(self._dress)
        self._dress()
        self.show_now(None)

    @property
    def now(self) -> tuple[float, float] | None:
        """Where the star is."""
        return self._now

    @property
    def points(self) -> tuple[PlotPoint, ...]:
        """What is shown."""
        return self._points

    @property
    def cursor_point(self) -> int:
        """Index of the point that the cursor is on; -1 for none."""
        return self._cursor

    def show_points(self, points: Sequence[PlotPoint], x_name: str, y_name: str, *, is_log: bool = False) -> None:
        """Show other points; with `is_log` equal steps along x are equal factors."""
        is_same = len(points) == len(self._points)
        self._points, self._is_log = tuple(points), is_log
        self._cursor = self._cursor if is_same else -1
        for side, name in (("bottom", x_name), ("left", y_name)):
            self.plot.setLabel(side, name)
            # A label keeps the place of the one before, which may have been shorter.
            self.plot.getAxis(side).resizeEvent()
        self._draw()

    def show_now(self, at: tuple[float, float] | None, *, is_measured: bool = False) -> None:
        """Put the star where the recipe on the bench is, hollow while that is not measured; None for nowhere."""
        self.star.setVisible(at is not None)
        self._now, self._is_now_measured = at, is_measured
        self._draw_now()

    def _draw_now(self) -> None:
        """The star; a triangle at the lower edge where it lies below what is in sight."""
        at, is_measured = self._now, self._is_now_measured
        if at is None:
            return
        color = self._theme.color("good")
        brush = pg.mkBrush(color if is_measured else self._theme.color("surface"))
        pen = pg.mkPen(color, width=1.5, style=Qt.PenStyle.SolidLine if is_measured else Qt.PenStyle.DotLine)
        (_, _), (y_low, y_high) = self.plot.getViewBox().viewRange()
        is_below = self._least is not None and at[1] < y_low
        y, symbol = (y_low + 0.04 * (y_high - y_low), "t") if is_below else (at[1], "star")
        self.star.setData([self._along(at[0])], [y], symbol=symbol, size=_STAR, brush=brush, pen=pen)

    def show_budgets(
        self, budgets: dict[str, float | None], texts: dict[str, str], *, least: float | None = None
    ) -> None:
        """Put the lines at budgets; one that is not set waits at the edge, and is fainter. Emits nothing.

        Args:
            budgets: by axis; None for one that is not set.
            texts: what stands beside the lines.
            least: points below are out of sight and out of reach; None for none.
        """
        if self._is_dragged:
            return
        self._budgets, self._least = dict(budgets), least
        for axis, text in texts.items():
            self.labels[axis].setText(text)
        self._fit()
        self._dress_lines()

    def _draw(self) -> None:
        color = self._theme.color
        spots = []
        # What matters most is drawn last, on top.
        order = sorted(range(len(self._points)), key=lambda index: _DRAWN.index(self._points[index].mark))
        for index in order:
            point = self._points[index]
            token = {Mark.ORIGINAL: "text", Mark.TRIED: "muted"}.get(point.mark, "accent")
            is_predicted = point.mark is Mark.PREDICTED
            brush = pg.mkBrush(color("surface") if is_predicted or point.is_apart else color(token))
            style = Qt.PenStyle.DotLine if is_predicted else Qt.PenStyle.SolidLine
            pen = pg.mkPen(color(token), width=1.5, style=style)
            spots.append(
                {
                    "pos": (self._along(point.x), point.y),
                    "symbol": _SYMBOLS[point.mark],
                    "size": _SIZES[point.mark],
                    "brush": brush,
                    "pen": pen,
                }
            )
        self.dots.setData(spots)
        front = sorted((self._along(point.x), point.y) for point in self._points if point.is_front)
        self.front.setData([x for x, _ in front], [y for _, y in front])
        self._fit()
        self._draw_cursor()

    def _draw_cursor(self) -> None:
        point = self._points[self._cursor] if 0 <= self._cursor < len(self._points) else None
        self.ring.setVisible(point is not None)
        self.interval.setVisible(point is not None and point.low is not None)
        if point is None:
            return
        self.ring.setData([{"pos": (self._along(point.x), point.y), "size": _SIZES[point.mark] + 10, "symbol": "o"}])
        if point.low is not None and point.high is not None:
            self.interval.setData([self._along(point.x)] * 2, [point.low, point.high])

    def _fit(self) -> None:
        """All points and budgets in sight, but what is hopeless; what is not set waits at the edge."""
        xs = [point.x for point in self._points] + [value for value in (self._budgets["x"],) if value is not None]
        xs = [self._along(x) for x in xs]
        ys = [point.y for point in self._points if self._is_in_sight(point)]
        ys += [value for value in (self._budgets["y"], self._least) if value is not None]
        (x_low, x_high), (y_low, y_high) = _span(xs, from_zero=not self._is_log), _span(ys, from_zero=False)
        self.plot.setXRange(x_low, x_high, padding=0)
        self.plot.setYRange(y_low, y_high, padding=0)
        edges = {"x": x_high - 0.01 * (x_high - x_low), "y": y_low + 0.015 * (y_high - y_low)}
        for axis, line in self.lines.items():
            value = self._budgets[axis]
            along = value if value is None or axis == "y" else self._along(value)
            line.setValue(edges[axis] if along is None else along)
        self.plot.getAxis("bottom").setTicks([_log_ticks(x_low, x_high)] if self._is_log else None)
        self._place_labels()
        self._draw_now()

    def _is_in_sight(self, point: PlotPoint) -> bool:
        return self._least is None or point.y >= self._least

    def _along(self, x: float) -> float:
        return math.log10(max(x, _LEAST)) if self._is_log else x

    def _place_labels(self) -> None:
        (x_low, x_high), (y_low, y_high) = self.plot.getViewBox().viewRange()
        x, y = float(self.lines["x"].value()), float(self.lines["y"].value())
        is_right = x > (x_low + x_high) / 2
        self.labels["x"].setAnchor((1, 1) if is_right else (0, 1))
        self.labels["x"].setPos(x, y_low + 0.1 * (y_high - y_low))
        is_high = y > (y_low + y_high) / 2
        self.labels["y"].setAnchor((0, 0) if is_high else (0, 1))
        self.labels["y"].setPos(x_low + 0.01 * (x_high - x_low), y)

    # Mouse and keyboard

    def nearest(self, at: QPointF) -> int:
        """Index of the point at a place of the scene; -1 where none is near."""
        best, found = _NEAR_PIXELS, -1
        view = self.plot.getViewBox()
        for index, point in enumerate(self._points):
            if not self._is_in_sight(point):
                continue
            away = view.mapViewToScene(QPointF(self._along(point.x), point.y)) - at
            distance = float(np.hypot(away.x(), away.y()))
            if distance < best:
                best, found = distance, index
        return found

    def scene_place(self, index: int) -> QPointF:
        """Where a point lies in the scene."""
        point = self._points[index]
        return QPointF(self.plot.getViewBox().mapViewToScene(QPointF(self._along(point.x), point.y)))

    def _on_clicked(self, event: object) -> None:
        index = self.nearest(event.scenePos())  # type: ignore[attr-defined] # pyqtgraph's own event
        if index >= 0:
            self._set_cursor(index)
            self.taken.emit(index)

    def _on_moved(self, at: QPointF) -> None:
        index = self.nearest(at)
        shape = Qt.CursorShape.PointingHandCursor if index >= 0 else Qt.CursorShape.ArrowCursor
        self.plot.getViewWidget().viewport().setCursor(shape)
        self.pointed.emit(index if index >= 0 else self._cursor)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Left and right go to the next point along the axis, Home and End to the ends, Enter takes it."""
        key = Qt.Key(event.key())
        in_sight = [index for index, point in enumerate(self._points) if self._is_in_sight(point)]
        order = sorted(in_sight, key=lambda index: (self._points[index].x, self._points[index].y))
        if key in (Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_Space) and self._cursor >= 0:
            self.taken.emit(self._cursor)
        elif order and key in (Qt.Key.Key_Left, Qt.Key.Key_Right, Qt.Key.Key_Home, Qt.Key.Key_End):
            place = order.index(self._cursor) if self._cursor in order else -1
            step = {Qt.Key.Key_Left: -1, Qt.Key.Key_Right: 1}.get(key, 0)
            wanted = {Qt.Key.Key_Home: 0, Qt.Key.Key_End: len(order) - 1}.get(key, place + step)
            self._set_cursor(order[max(0, min(len(order) - 1, wanted))])
        else:
            super().keyPressEvent(event)

    def focusInEvent(self, event: QFocusEvent) -> None:
        """The ring is stronger with the keyboard."""
        super().focusInEvent(event)
        self._dress_ring()

    def focusOutEvent(self, event: QFocusEvent) -> None:
        """The ring is fainter without it."""
        super().focusOutEvent(event)
        self._dress_ring()

    def _set_cursor(self, index: int) -> None:
        self._cursor = index
        self._draw_cursor()
        self.pointed.emit(index)

    def _on_dragged(self, line: object) -> None:
        axis = "x" if line is self.lines["x"] else "y"
        if not self._is_dragged:
            self._is_dragged = True
            self.budget_pressed.emit()
        value = float(self.lines[axis].value())
        if axis == "x" and self._is_log:
            value = 10**value
        self._budgets[axis] = value
        self._place_labels()
        self._dress_lines()
        self.budget_moved.emit(axis, value)

    def _on_drag_finished(self, line: object) -> None:
        if self._is_dragged and not any(one.moving for one in self.lines.values()):
            self._is_dragged = False
            self.budget_released.emit()

    # Colours

    def _dress(self) -> None:
        color = self._theme.color
        dress_plot(self.plot, self._theme)
        self.front.setPen(pg.mkPen(color("accent"), width=2))
        self.interval.setPen(pg.mkPen(color("text"), width=2))
        self._dress_ring()
        self._dress_lines()
        self._draw()

    def _dress_ring(self) -> None:
        color = self._theme.color("text", 255 if self.hasFocus() else 140)
        self.ring.setPen(pg.mkPen(color, width=2 if self.hasFocus() else 1))
        self.ring.setBrush(pg.mkBrush(None))

    def _dress_lines(self) -> None:
        for axis, line in self.lines.items():
            is_set = self._budgets[axis] is not None
            color = self._theme.color("warn" if is_set else "muted", 255 if is_set else 150)
            style = Qt.PenStyle.DashLine if is_set else Qt.PenStyle.DotLine
            line.setPen(pg.mkPen(color, width=2 if is_set else 1, style=style))
            line.setHoverPen(pg.mkPen(color, width=4))
            self.labels[axis].setColor(color)
            # The front may run behind it.
            self.labels[axis].fill = pg.mkBrush(self._theme.color("surface"))
            self.labels[axis].setZValue(_ABOVE)
            self.labels[axis].setFont(self._theme.font(SMALL_PIXELS))


_DRAWN = (Mark.TRIED, Mark.PREDICTED, Mark.MEASURED, Mark.ORIGINAL)


def _span(values: Sequence[float], *, from_zero: bool) -> tuple[float, float]:
    if not values:
        return 0.0, 1.0
    low, high = min(values), max(values)
    room = _ROOM * (high - low) or abs(high) * _ROOM or 1.0
    return (max(0.0, low - room) if from_zero else low - room), high + room


def _log_ticks(low: float, high: float) -> list[tuple[float, str]]:
    """1, 2 and 5 times the powers of ten between two logarithms; where that is few, every whole step."""
    wide, middling = high - low > 0.6, high - low > 0.3
    steps: tuple[float, ...] = (1, 2, 5) if wide else tuple(range(1, 10))
    if not middling:
        steps = tuple(number / 2 for number in range(2, 20))
    values = [step * 10.0**power for power in range(math.floor(low), math.ceil(high) + 1) for step in steps]
    return [(math.log10(value), f"{value:g}") for value in values if low <= math.log10(value) <= high]
