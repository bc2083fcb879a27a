"""The page of the trade-off: what each recipe costs and keeps, its budgets, and any of them taken by a click."""

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt, Signal, Slot
from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import QHBoxLayout, QPushButton, QStackedLayout, QVBoxLayout, QWidget

from workbench.engine.core.format import format_bytes, format_metric
from workbench.gui.device_texts import device_text
from workbench.gui.panels.gesture import Gesture
from workbench.gui.panels.trade_off_budgets import Axes, budget_lines, with_line
from workbench.gui.panels.trade_off_now import FiguresNow, TradeOffNow
from workbench.gui.panels.trade_off_texts import (
    Across,
    accuracy_times,
    apart_text,
    below_text,
    plot_points,
    point_text,
    size_unit,
    time_of,
)
from workbench.gui.plot_point import Mark, PlotPoint
from workbench.gui.search_remarks import search_remarks
from workbench.gui.theme import Theme
from workbench.gui.trade_off import PointKind, TradePoint
from workbench.gui.useful_region import useful_from
from workbench.gui.widgets.card import make_label
from workbench.gui.widgets.elided_label import ElidedLabel
from workbench.gui.widgets.segmented import Segmented

if TYPE_CHECKING:  # a test hands in a bench without an engine
    from workbench.gui.device_budget import DeviceBudget
    from workbench.gui.device_times import DeviceTimes
    from workbench.gui.document import Document
    from workbench.gui.known_latency import KnownLatency
    from workbench.gui.plots.trade_off_plot import TradeOffPlot

_HINT = "Point at a recipe, or go through them with the arrow keys; a click or Enter takes it. Budgets can be dragged."
_SIGNS = "★ now   ◆ original   ● measured   ◌ predicted   ▪ tried"
# Beyond this the smallest files would lie on top of one another beside the original.
_WIDE = 3
_NO_MODEL = "Open a model and samples to see what each recipe costs and keeps."
_NO_POINTS = (
    "Every recipe that is measured appears here, against its size or its latency. Auto-compress searches the best ones."
)


class TradeOffPage(QWidget):
    """Follows the bench while it is looked at. `solve_wished`: search the best recipes within the budgets.

    Args:
        document: the bench, and its points.
        theme: colours and fonts.
        figures_now: bytes and accuracy of the recipe on the bench as they are known now, or None.
        latency: on the chosen device of the recipe on the bench; None where no device is chosen anywhere.
        times: the same of other recipes.
        device_budget: the limit there.
    """

    solve_wished = Signal()

    def __init__(
        self,
        document: "Document",
        theme: Theme,
        figures_now: FiguresNow,
        parent: QWidget | None = None,
        *,
        latency: "KnownLatency | None" = None,
        times: "DeviceTimes | None" = None,
        device_budget: "DeviceBudget | None" = None,
    ) -> None:
        super().__init__(parent)
        self._now = TradeOffNow(document, figures_now, latency)
        self._latency, self._times, self._device_budget = latency, times, device_budget
        self._document = document
        self._theme = theme
        self._gesture = Gesture()
        self._shown: tuple[TradePoint, ...] = ()
        self._across = Across.SIZE
        self.plot: TradeOffPlot | None = None
        self.title = make_label("Trade-off", "head", self)
        self.facts = ElidedLabel("", "muted", self, fills=True)
        choices = [(Across.SIZE, "Size"), (Across.LATENCY, "Latency"), (Across.DEVICE, "On a device")]
        self.choice = Segmented(theme, "Against", choices[: 3 if latency is not None else 2], self)
        self.choice.set_value(self._across)
        self.choice.setMaximumWidth(270)
        self.solve = QPushButton("Auto-compress", self)
        self.solve.setToolTip("Search the best recipe within the budgets")
        self.signs = ElidedLabel(_SIGNS, "muted", self)
        self.line = make_label(_HINT, "muted", self)
        self.line.setWordWrap(True)
        self.below = QPushButton("", self)
        self.below.setObjectName("link")
        self.below.setToolTip("Recipes that lose far more than the budget; among them the others would lie in one line")
        self._shows_all = False
        self.remarks = make_label("", "muted", self)
        self.remarks.setWordWrap(True)
        self.empty = make_label("", "muted", self)
        self.empty.setWordWrap(True)
        self._lay_out()
        document.trade_off.changed.connect(self._show)
        document.model_changed.connect(self._show)
        document.dataset_changed.connect(self._show)
        document.recipe_changed.connect(self._on_recipe)
        document.budgets_changed.connect(self._show_budgets)
        self.choice.chosen.connect(self._on_across)
        if latency is not None and times is not None:
            times.changed.connect(self._on_times)
            latency.changed.connect(self._on_latency)
        if device_budget is not None:
            device_budget.changed.connect(self._show_budgets)
        self.solve.clicked.connect(self.solve_wished)
        self.below.clicked.connect(self._on_below)
        self._show()

    def _lay_out(self) -> None:
        head = QHBoxLayout()
        head.addWidget(self.title)
        head.addWidget(self.facts, 1)
        head.addWidget(self.solve)
        tools = QHBoxLayout()
        tools.addWidget(self.choice)
        tools.addWidget(self.signs, 1)
        content, blank = QWidget(self), QWidget(self)
        inside = QVBoxLayout(content)
        inside.setContentsMargins(0, 0, 0, 0)
        inside.addLayout(tools)
        self._place = QVBoxLayout()
        inside.addLayout(self._place, 1)
        inside.addWidget(self.below, 0, Qt.AlignmentFlag.AlignLeft)
        inside.addWidget(self.line)
        inside.addWidget(self.remarks)
        # Two lines always, so that the plot keeps its height.
        self.line.setMinimumHeight(2 * self.line.fontMetrics().lineSpacing())
        QVBoxLayout(blank).addWidget(self.empty)
        self._stack = QStackedLayout()
        self._stack.addWidget(blank)
        self._stack.addWidget(content)
        column = QVBoxLayout(self)
        column.setContentsMargins(14, 10, 14, 8)
        column.addLayout(head)
        column.addLayout(self._stack, 1)

    @property
    def shown(self) -> tuple[TradePoint, ...]:
        """The points that are drawn."""
        return self._shown

    def showEvent(self, event: QShowEvent) -> None:
        """What has changed behind another page is drawn now."""
        super().showEvent(event)
        self._show()

    @Slot()
    def _show(self) -> None:
        document = self._document
        self.solve.setEnabled(document.model is not None and document.dataset is not None)
        if not self.isVisible():
            return
        points = document.trade_off.points()
        if all(point.kind is PointKind.ORIGINAL for point in points):
            self.empty.setText(_NO_MODEL if document.dataset is None else _NO_POINTS)
            self.facts.setText("")
            self._shown = ()
            self._stack.setCurrentIndex(0)
            return
        is_timed = self._across is not Across.SIZE
        points = self._with_device(points)
        timed = [point for point in points if not is_timed or time_of(point, self._across) is not None]
        self._shown = tuple(point for point in timed if point.compared is not None)
        plot = self._make_plot()
        self._stack.setCurrentIndex(1)
        placed = plot_points(self._shown, self._across, document.trade_off.front())
        _, unit = size_unit(self._shown)
        _, percent = accuracy_times(self._shown)
        x_name = self._time_name() if is_timed else f"size on disk ({unit})"
        sizes = [point.size_bytes for point in self._shown]
        is_log = not is_timed and bool(sizes) and max(sizes) > _WIDE * min(sizes)
        plot.show_points(placed, x_name, f"{format_metric(self._metric)} ({percent})", is_log=is_log)
        self.facts.setText(self._facts(len(timed), len(points)))
        result = document.trade_off.result
        remarks = (apart_text(timed, document.trade_off.original), search_remarks(result) if result is not None else "")
        self.remarks.setText("\n".join(filter(None, remarks)))
        self.remarks.setVisible(bool(self.remarks.text()))
        self._show_budgets()
        self._show_now()
        self._on_pointed(plot.cursor_point)

    def _with_device(self, points: tuple[TradePoint, ...]) -> tuple[TradePoint, ...]:
        """The points with what they take on the chosen device; what is not known of that is asked for."""
        if self._times is None or self._across is not Across.DEVICE:
            return points
        times = self._times
        times.ask([point.recipe for point in points])
        return tuple(replace(point, on_device=times.of(point.recipe)) for point in points)

    def _time_name(self) -> str:
        if self._across is Across.LATENCY or self._latency is None:
            return "latency on this computer (ms)"
        profile = self._latency.profile
        return f"estimated latency on {device_text(profile)} (ms)" if profile is not None else "no device is chosen"

    @property
    def _metric(self) -> str:
        report = self._document.figures.original
        return report.metric if report is not None else ""

    def _show_below(self, placed: Sequence[PlotPoint]) -> float | None:
        """Say how many points are of hopeless accuracy. Where those are left out, the least accuracy in sight."""
        times, _ = accuracy_times(self._shown)
        original, floor = self._document.trade_off.original, self._document.budgets.accuracy
        values = [point.y for point in placed if point.mark is not Mark.ORIGINAL]
        least = useful_from(
            values, None if original is None else times * original.value, None if floor is None else times * floor
        )
        self.below.setVisible(least is not None)
        if least is not None:
            number = sum(value < least for value in values)
            self.below.setText(below_text(number, is_all=self._shows_all))
        return None if self._shows_all else least

    @Slot()
    def _on_below(self) -> None:
        self._shows_all = not self._shows_all
        self._show_budgets()

    def _facts(self, count: int, total: int) -> str:
        if count < total:
            if self._across is Across.DEVICE and self._latency is not None and not self._latency.device:
                return "choose a device in the preview"
            return f"{count} of {total} recipes have a latency"
        measured = sum(point.is_measured for point in self._shown)
        return f"{len(self._shown)} recipes, {measured} measured"

    def _make_plot(self) -> "TradeOffPlot":
        if self.plot is None:
            # pyqtgraph takes half a second to import, which nobody should wait for at the start.
            from workbench.gui.plots.trade_off_plot import TradeOffPlot

            self.plot = TradeOffPlot(self._theme, self)
            self._place.addWidget(self.plot)
            self.plot.pointed.connect(self._on_pointed)
            self.plot.taken.connect(self._on_taken)
            self.plot.budget_pressed.connect(self._gesture.begin)
            self.plot.budget_moved.connect(self._on_budget)
            self.plot.budget_released.connect(self._gesture.end)
            # What is worth looking at depends on the floor; the axis stands still while a line is dragged.
            self.plot.budget_released.connect(self._show_budgets)
        return self.plot

    @Slot(object, object)
    def _on_recipe(self, old: object, new: object) -> None:
        # Points come with measurements: a drag moves the star alone.
        self._show_now()

    @Slot()
    def _show_now(self) -> None:
        """The star follows a drag."""
        if self.plot is None or not self._shown or not self.isVisible():
            return
        place, axes = self._now.place(self._across), self._axes
        if place is None:
            self.plot.show_now(None)
            return
        x = place.across / axes.unit if self._across is Across.SIZE else place.across
        self.plot.show_now((x, axes.times * place.accuracy.value), is_measured=place.is_measured)

    @property
    def _axes(self) -> Axes:
        return Axes(self._across, size_unit(self._shown)[0], accuracy_times(self._shown)[0])

    @Slot()
    def _on_times(self) -> None:
        if self._across is Across.DEVICE:
            self._show()

    @Slot()
    def _on_latency(self) -> None:
        if self._across is Across.DEVICE:
            self._show_now()

    @Slot()
    def _show_budgets(self) -> None:
        if self.plot is None or not self.isVisible():
            return
        on_device = self._device_budget
        lines = budget_lines(
            self._document.budgets,
            self._axes,
            self._shown[0].accuracy if self._shown else None,
            device_ms=on_device.ms if on_device is not None else None,
            can_limit_device=on_device is not None and on_device.can_be_set,
        )
        self.plot.lines["x"].setMovable(lines.can_move_x)
        least = self._show_below(self.plot.points)
        self.plot.show_budgets({"x": lines.x, "y": lines.y}, {"x": lines.x_text, "y": lines.y_text}, least=least)

    @Slot(object)
    def _on_across(self, across: Across) -> None:
        self._across = across
        self._show()

    @Slot(int)
    def _on_pointed(self, index: int) -> None:
        if not 0 <= index < len(self._shown):
            self.line.setText(_HINT)
            return
        point = self._shown[index]
        text = point_text(point, self._metric, is_now=point.recipe == self._document.recipe)
        self.line.setText(text)
        if self.plot is not None:
            self.plot.setAccessibleDescription(text)

    @Slot(int)
    def _on_taken(self, index: int) -> None:
        point = self._shown[index]
        what = "Original" if point.kind is PointKind.ORIGINAL else f"Recipe of {format_bytes(point.size_bytes)}"
        self._document.edit(point.recipe, what)
        self._document.released()

    @Slot(str, float)
    def _on_budget(self, axis: str, value: float) -> None:
        if axis == "x" and self._across is Across.DEVICE:
            if self._device_budget is not None:
                self._device_budget.set(max(0.0, value), self._gesture.token((axis, self._device_budget.device)))
            return
        changed = with_line(self._document.budgets, self._axes, axis, value)
        self._document.set_budgets(changed, gesture=self._gesture.token((axis, self._across)))
