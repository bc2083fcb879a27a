"""What the recipe does to the whole model, against the original: accuracy, size, latency, and where the bytes are."""

from dataclasses import replace

from PySide6.QtCore import Qt, Signal, Slot
from PySide6.QtWidgets import QScrollArea, QVBoxLayout, QWidget

from workbench.engine.core.format import format_bytes, format_metric, format_ms
from workbench.engine.core.measurement import Figure
from workbench.gui.change_text import format_change
from workbench.gui.device_budget import DeviceBudget
from workbench.gui.document import Document
from workbench.gui.panels.budget_verdict import budget_verdict
from workbench.gui.panels.figure_texts import (
    FigureTexts,
    accuracy_texts,
    estimated_size_text,
    floor_text,
    latency_texts,
    predicted_texts,
    unknown_accuracy_text,
)
from workbench.gui.panels.gesture import Gesture
from workbench.gui.panels.layers_asked import LayersAsked
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
        self._asked = asked
        self._on_device = on_device
        self._device_budget = device_budget
        self._is_predicted = False
        self._accuracy_now: Figure | None = None
        self._prediction_now: Figure | None = None
        self._theme = theme
        self._sizes = Sizes(_MANY)
        self._gesture = Gesture()
        self.sizes: SizesNow | None = None
        self.note.setText("vs. original")
        # In line with the cards, which leave room for the scroll bar.
        self.note.setContentsMargins(0, 0, 4, 0)
        self.banner = Banner(theme, self)
        self.accuracy = MetricCard(theme, "Accuracy", floor=True, action="Measure again", parent=self)
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
        return size, self._accuracy_now

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
        self._show_accuracy()
        self._show_banner()

    @Slot(str)
    def _on_probe_said(self, text: str) -> None:
        """Building the preview takes long: say in the place of the figure what it is at."""
        report = self._document.figures.accuracy
        is_current = report is not None and self._document.figures.is_current(report)
        if not is_current and not self._is_predicted:
            self.accuracy.line.setText(text)

    @Slot()
    def _on_stopped_changed(self) -> None:
        self._show_accuracy()
        self._show_banner()

    @Slot(object, object)
    def _on_recipe(self, old: object, new: object) -> None:
        self._show_size()
        self._show_accuracy()
        self._show_latency()
        self._show_banner()

    @Slot()
    def _on_channels(self) -> None:
        self._show_size()
        self._show_banner()

    @Slot()
    def _on_prediction(self) -> None:
        self._show_accuracy()
        self._show_banner()

    @Slot()
    def _on_device_budget(self) -> None:
        self._show_banner()

    @Slot(object)
    def _on_measured(self, what: object) -> None:
        self._show_all()

    def _show_all(self) -> None:
        self._show_size()
        self._show_accuracy()
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

    def _show_accuracy(self) -> None:
        card, document = self.accuracy, self._document
        stopped = document.measuring.stopped if document.dataset is not None else ""
        card.action.setVisible(bool(stopped))
        report = document.figures.accuracy
        predicted = None if report is not None and document.figures.is_current(report) else self._predicted(stopped)
        self._is_predicted = predicted is not None
        is_known = report is not None and document.figures.is_current(report)
        self._accuracy_now = report.figure if report is not None and is_known else self._prediction_now
        card.bar.set_budget(self._document.budgets.accuracy)
        floor = self._document.budgets.accuracy
        card.note.setText(floor_text(floor, report.figure if report is not None else None))
        if predicted is not None:
            self._show_texts(card, predicted, is_measured=False)
            return
        if report is None:
            card.show_figure("–", "")
            card.badge.set_origin("")
            card.line.setText(unknown_accuracy_text(has_data=document.dataset is not None, stopped=stopped))
            baseline = document.figures.baseline
            card.bar.set_figure(None, None, baseline.figure.value if baseline else None, 1.0)
            return
        card.title.setText(format_metric(report.metric))
        guesses = document.dataset.preprocessing.guesses if document.dataset is not None else {}
        is_current = document.figures.is_current(report)
        self._show_texts(card, accuracy_texts(report, is_current=is_current, guesses=guesses, stopped=stopped))

    def _predicted(self, stopped: str) -> FigureTexts | None:
        """What the scan says of this recipe, until it is measured."""
        document, self._prediction_now = self._document, None
        prediction, scan = document.predictions.prediction, document.scans.scan
        if self._asked is None or prediction is None or scan is None:
            return None
        # The scan may have been asked for other settings since, and know no groups any more.
        asked = self._asked.of(prediction.table.layers, prediction.groups)
        figure = self._prediction_now = document.predictions.accuracy(asked)
        if figure is None:
            return None
        is_as_scanned = self._asked.is_as_scanned(scan)
        return predicted_texts(figure, prediction.original, stopped=stopped, is_as_scanned=is_as_scanned)

    def _show_texts(self, card: MetricCard, texts: FigureTexts, *, is_measured: bool = True) -> None:
        card.show_figure(texts.value, texts.unit, texts.delta, texts.tone)
        card.dim(not texts.is_current)
        card.badge.set_origin(texts.origin, texts.detail)
        card.line.setText(texts.line)
        card.line.setToolTip(texts.tip)
        card.bar.set_figure(texts.bar_value, texts.band, texts.original, texts.maximum)
        # The history is one of measurements.
        if texts.bar_value is not None and is_measured:
            card.trend.add(texts.bar_value)

    def _show_latency(self) -> None:
        card, document = self.latency, self._document
        report = document.figures.latency
        limit = document.budgets.latency_ms
        card.bar.set_budget(limit)
        card.note.setText(f"limit {format_ms(limit)}" if limit else "")
        if report is None:
            card.show_figure("–", "")
            card.badge.set_origin("")
            card.line.setText("not measured yet" if document.model is not None else "")
            card.bar.set_figure(None, None, None, 1.0)
            return
        is_current = document.figures.is_current(report)
        self._show_texts(card, latency_texts(report, is_current=is_current, recipe=document.recipe))

    def _show_banner(self) -> None:
        document = self._document
        report = document.figures.accuracy
        states = {
            "accuracy": None if self._is_undecided else self.accuracy.bar.is_met,
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
            is_predicted=self._is_predicted,
        )
        self.banner.set_state(verdict.tone, verdict.headline, verdict.detail)

    @property
    def _is_undecided(self) -> bool:
        """Whether the accuracy is predicted, and may as well lie above the floor as below it."""
        floor, figure = self._document.budgets.accuracy, self._accuracy_now
        if not self._is_predicted or floor is None or figure is None or figure.low is None or figure.high is None:
            return False
        return figure.low < floor < figure.high

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
