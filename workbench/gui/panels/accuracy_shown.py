"""What the card of accuracy shows: measured of this recipe, or predicted, or the last one that was measured."""

from workbench.engine.core.format import format_metric
from workbench.engine.core.measurement import Figure
from workbench.gui.document import Document
from workbench.gui.panels.figure_texts import (
    FigureTexts,
    accuracy_texts,
    floor_text,
    predicted_texts,
    unknown_accuracy_text,
)
from workbench.gui.panels.layers_asked import LayersAsked
from workbench.gui.panels.shown_texts import show_nothing, show_texts
from workbench.gui.widgets.metric_card import MetricCard


class AccuracyShown:
    """Fills the card when it is told to.

    Args:
        document: the bench.
        asked: reads what is asked of the layers of a scan; None where no accuracy is predicted.
        card: of the accuracy.
    """

    def __init__(self, document: Document, asked: LayersAsked | None, card: MetricCard) -> None:
        self._document = document
        self._asked = asked
        self._card = card
        self._is_predicted = False
        self._figure: Figure | None = None

    @property
    def figure(self) -> Figure | None:
        """Of the recipe on the bench, measured or predicted; None where neither is known."""
        return self._figure

    @property
    def is_predicted(self) -> bool:
        """Whether what is shown is predicted."""
        return self._is_predicted

    @property
    def is_undecided(self) -> bool:
        """Whether the accuracy is predicted, and may as well lie above the floor as below it."""
        floor, figure = self._document.budgets.accuracy, self._figure
        if not self._is_predicted or floor is None or figure is None or figure.low is None or figure.high is None:
            return False
        return figure.low < floor < figure.high

    def say(self, text: str) -> None:
        """Show in the place of the figure what building the preview is at, which may take long."""
        report = self._document.figures.accuracy
        is_current = report is not None and self._document.figures.is_current(report)
        if not is_current and not self._is_predicted:
            self._card.line.setText(text)

    def show(self) -> None:
        """Show what is known now."""
        card, document = self._card, self._document
        stopped = document.measuring.stopped if document.dataset is not None else ""
        card.action.setVisible(bool(stopped))
        report, floor = document.figures.accuracy, document.budgets.accuracy
        is_current = report is not None and document.figures.is_current(report)
        card.bar.set_budget(floor)
        card.note.setText(floor_text(floor, report.figure if report is not None else None))
        self._figure = report.figure if report is not None and is_current else self._predicted_figure()
        predicted = None if is_current else self._predicted_texts(stopped)
        self._is_predicted = predicted is not None
        if predicted is not None:
            show_texts(card, predicted, is_measured=False)
        elif report is None:
            baseline = document.figures.baseline
            line = unknown_accuracy_text(has_data=document.dataset is not None, stopped=stopped)
            show_nothing(card, line, original=baseline.figure.value if baseline else None)
        else:
            card.title.setText(format_metric(report.metric))
            guesses = document.dataset.preprocessing.guesses if document.dataset is not None else {}
            show_texts(card, accuracy_texts(report, is_current=is_current, guesses=guesses, stopped=stopped))

    def _predicted_figure(self) -> Figure | None:
        """What the scan says of this recipe."""
        document = self._document
        prediction = document.predictions.prediction
        if self._asked is None or prediction is None or document.scans.scan is None:
            return None
        # The scan may have been asked for other settings since, and know no groups any more.
        return document.predictions.accuracy(self._asked.of(prediction.table.layers, prediction.groups))

    def _predicted_texts(self, stopped: str) -> FigureTexts | None:
        prediction, scan = self._document.predictions.prediction, self._document.scans.scan
        if self._figure is None or self._asked is None or prediction is None or scan is None:
            return None
        is_as_scanned = self._asked.is_as_scanned(scan)
        return predicted_texts(self._figure, prediction.original, stopped=stopped, is_as_scanned=is_as_scanned)
