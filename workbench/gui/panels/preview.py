"""What the recipe does to the whole model, against the original: accuracy, size, latency, and where the bytes are."""

from dataclasses import replace

from PySide6.QtCore import Qt, Signal, Slot
from PySide6.QtWidgets import QScrollArea, QVBoxLayout, QWidget

from workbench.engine.core.format import format_bytes, format_ms
from workbench.engine.core.measurement import Figure
from workbench.gui.change_text import format_change
from workbench.gui.device_budget import DeviceBudget
from workbench.gui.document import Document
from workbench.gui.panels.accuracy_shown import AccuracyShown
from workbench.gui.panels.budget_verdict import budget_verdict
from workbench.gui.panels.figure_texts import estimated_size_text, latency_texts
from workbench.gui.panels.gesture import Gesture
from workbench.gui.panels.layers_asked import LayersAsked
from workbench.gui.panels.shown_texts import show_nothing, show_texts
from workbench.gui.panels.sizes import Sizes, SizesNow
from workbench.gui.panels.totals_table import TotalsTable
from workbench.gui.theme import Theme
from workbench.gui.widgets.banner import Banner
from workbench.gui.widgets.card import Card, make_label
from workbench.gui.widgets.metric_card import MetricCard
from workbench.gui.widgets.size_bars import SizeBars
from workbench.project.budgets import Budgets

_MANY = 9
# Narrower, figures and their differences would not stand in one line.
_LEAST_PIXELS = 300


class PreviewPanel(Card):
    """The right column of the window. A budget that is dragged is one step of the document's undo stack.

    Args:
        document: the bench.
        theme: colours and fonts.
        asked: reads what is asked of the layers of a scan; None where no accuracy is predicted.
        on_device: what is shown of the latency elsewhere; None for nothing.
        device_budget: its limit; None where there is none.
    """

    layer_wished = Signal(str)

    def __init__(
        self,
        document: Document,
        theme: Theme,
        parent: QWidget | None = None,
        *,
        asked: LayersAsked | None = None,
        on_device: QWidget | None = None,
        device_budget: DeviceBudget | None = None,
    ) -> None:
        super().__init__("Live preview", parent=parent)
        self._document = document
        self._on_device = on_device
        self._device_budget = device_budget
        self._theme = theme
        self._sizes = Sizes(_MANY)
        self._gesture = Gesture()
        self.sizes: SizesNow | None = None
        self.note.setText("vs. original")
        # In line with the cards, which leave room for the scroll bar.
        self.note.setContentsMargins(0, 0, 4, 0)
        self.banner = Banner(theme, self)
        self.accuracy = MetricCard(theme, "Accuracy", floor=True, action="Measure again", parent=self)
        self._shown_accuracy = AccuracyShown(document, asked, self.accuracy)
        self.disk_size = MetricCard(theme, "Size on disk", parent=self)
        self.latency = MetricCard(theme, "Latency (this computer)", parent=self)
        self.totals = TotalsTable(self)
        self.bars = SizeBars(theme, self)
        self.more = make_label("", "muted", self)
        self.more.hide()
        self._lay_out()
        document.model_changed.connect(self._on_model)
        document.dataset_changed.connect(self._on_data)
        document.recipe_changed.connect(self._on_recipe)
        document.figures.measured.connect(self._on_measured)
        document.measuring.probe.said.connect(self._on_probe_said)
        document.measuring.stopped_changed.connect(self._on_stopped_changed)
        document.budgets_changed.connect(self._show_all)
        document.channels.changed.connect(self._on_channels)
        document.predictions.changed.connect(self._on_prediction)
        if device_budget is not None:
            device_budget.changed.connect(self._on_device_budget)
        self.accuracy.action_wished.connect(document.measuring.again)
        self.accuracy.budget_moved.connect(self._on_accuracy_budget)
        self.disk_size.budget_moved.connect(self._on_size_budget)
        self.latency.budget_moved.connect(self._on_latency_budget)
        for card in (self.accuracy, self.disk_size, self.latency):
            card.bar.pressed.connect(self._gesture.begin)
            card.bar.released.connect(self._gesture.end)
        self.bars.layer_clicked.connect(self.layer_wished)
        self._on_model()

    def figures_now(self) -> tuple[int | None, Figure | None]:
        """Bytes and accuracy of the recipe on the bench, measured or estimated; None where they are not known."""
        exact = self._document.figures.exact_bytes
        size = exact if exact is not None else self.sizes.total_bytes if self.sizes is not None else None
        return size, self._shown_accuracy.figure

    def _lay_out(self) -> None:
        inside = QWidget(self)
        column = QVBoxLayout(inside)
        column.setContentsMargins(0, 0, 4, 0)
        column.setSpacing(8)
        for widget in (self.banner, self.accuracy, self.disk_size, self.latency):
            column.addWidget(widget)
        if self._on_device is not None:
            column.addWidget(self._on_device)
        column.addWidget(self.totals)
        where = Card("Where the size is", inner=True, parent=inside)
        where.note.setText("now / original")
        where.column.addWidget(self.bars)
        where.column.addWidget(self.more)
        column.addWidget(where)
        column.addStretch(1)
        scroll = QScrollArea(self, widgetResizable=True)
        scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setMinimumWidth(_LEAST_PIXELS)
        scroll.setWidget(inside)
        inside.setAutoFillBackground(False)
        scroll.viewport().setAutoFillBackground(False)
        self.column.addWidget(scroll, 1)
        self.column.setContentsMargins(12, 10, 8, 10)

    @Slot()
    def _on_model(self) -> None:
        for card in (self.accuracy, self.disk_size, self.latency):
            card.trend.clear()
        self._show_all()

    @Slot()
    def _on_data(self) -> None:
        self.accuracy.trend.clear()
        self._shown_accuracy.show()
        self._show_banner()

    @Slot(str)
    def _on_probe_said(self, text: str) -> None:
        self._shown_accuracy.say(text)

    @Slot()
    def _on_stopped_changed(self) -> None:
        self._shown_accuracy.show()
        self._show_banner()

    @Slot(object, object)
    def _on_recipe(self, old: object, new: object) -> None:
        self._show_size()
        self._shown_accuracy.show()
        self._show_latency()
        self._show_banner()

    @Slot()
    def _on_channels(self) -> None:
        self._show_size()
        self._show_banner()

    @Slot()
    def _on_prediction(self) -> None:
        self._shown_accuracy.show()
        self._show_banner()

    @Slot()
    def _on_device_budget(self) -> None:
        self._show_banner()

    @Slot(object)
    def _on_measured(self, what: object) -> None:
        self._show_all()

    def _show_all(self) -> None:
        self._show_size()
        self._shown_accuracy.show()
        self._show_latency()
        self._show_banner()

    def _show_size(self) -> None:
        document = self._document
        model = document.model
        if model is None:
            self.sizes = None
            self.disk_size.show_figure("–", "")
            self.disk_size.badge.set_origin("")
            self.bars.set_bars(())
            self.more.hide()
            self.totals.show_totals(None, None)
            return
        self.sizes = self._sizes.now(model, document.footprint, document.recipe, document.channels.now)
        exact = document.figures.exact_bytes
        now = exact if exact is not None else self.sizes.total_bytes
        original = model.file_bytes
        number, _, unit = format_bytes(now).partition(" ")
        change = now / original - 1 if original else 0.0
        tone = "good" if change < 0 else "muted" if change == 0 else "warn"
        self.disk_size.show_figure(number, unit, format_change(change), tone)
        self.disk_size.badge.set_origin("measured" if exact is not None else "estimated")
        self.disk_size.line.setText("every byte counted" if exact is not None else self._estimated())
        self.disk_size.bar.set_figure(now, None, original, max(original, now) * 1.05)
        self.disk_size.bar.set_budget(self._document.budgets.size_bytes)
        self.disk_size.note.setText(
            f"limit {format_bytes(int(self._document.budgets.size_bytes))}" if self._document.budgets.size_bytes else ""
        )
        self.disk_size.trend.add(now)
        self.bars.set_bars(self.sizes.bars)
        num_more = self.sizes.num_more
        self.more.setText(f"and {num_more} more")
        self.more.setVisible(num_more > 0)
        self.totals.show_totals(model, self.sizes)

    def _estimated(self) -> str:
        document = self._document
        has_samples = document.dataset is not None or document.calibration.info is not None
        is_followed = document.channels.now.channels is not None
        return estimated_size_text(document.recipe, has_samples=has_samples, is_followed=is_followed)

    def _show_latency(self) -> None:
        card, document = self.latency, self._document
        report = document.figures.latency
        limit = document.budgets.latency_ms
        card.bar.set_budget(limit)
        card.note.setText(f"limit {format_ms(limit)}" if limit else "")
        if report is None:
            show_nothing(card, "not measured yet" if document.model is not None else "")
            return
        is_current = document.figures.is_current(report)
        show_texts(card, latency_texts(report, is_current=is_current, recipe=document.recipe))

    def _show_banner(self) -> None:
        document = self._document
        report = document.figures.accuracy
        states = {
            "accuracy": None if self._shown_accuracy.is_undecided else self.accuracy.bar.is_met,
            "size": self.disk_size.bar.is_met,
            "latency": self.latency.bar.is_met,
        }
        has_budgets = replace(document.budgets, device_ms={}) != Budgets()
        # One that is set for another device says nothing here.
        if self._device_budget is not None and self._device_budget.ms is not None:
            states["device"], has_budgets = self._device_budget.is_met, True
        verdict = budget_verdict(
            states,
            has_model=document.model is not None,
            has_data=document.dataset is not None,
            has_budgets=has_budgets,
            is_final=report is not None and report.is_final and document.figures.is_current(report),
            is_stopped=bool(document.measuring.stopped),
            is_predicted=self._shown_accuracy.is_predicted,
        )
        self.banner.set_state(verdict.tone, verdict.headline, verdict.detail)

    @Slot(float)
    def _on_accuracy_budget(self, value: float) -> None:
        self._set_budgets(self._document.budgets.with_accuracy(value), "accuracy")

    @Slot(float)
    def _on_size_budget(self, value: float) -> None:
        self._set_budgets(self._document.budgets.with_size(value), "size")

    @Slot(float)
    def _on_latency_budget(self, value: float) -> None:
        self._set_budgets(self._document.budgets.with_latency(value), "latency")

    def _set_budgets(self, budgets: Budgets, which: str) -> None:
        self._document.set_budgets(budgets, gesture=self._gesture.token(which))
