"""A figure's texts on the card of that figure."""

from workbench.gui.panels.figure_texts import FigureTexts
from workbench.gui.widgets.metric_card import MetricCard


def show_texts(card: MetricCard, texts: FigureTexts, *, is_measured: bool = True) -> None:
    """Show a figure with all that is said of it; one that is measured enters the card's history."""
    card.show_figure(texts.value, texts.unit, texts.delta, texts.tone)
    card.dim(not texts.is_current)
    card.badge.set_origin(texts.origin, texts.detail)
    card.line.setText(texts.line)
    card.line.setToolTip(texts.tip)
    card.bar.set_figure(texts.bar_value, texts.band, texts.original, texts.maximum)
    if texts.bar_value is not None and is_measured:
        card.trend.add(texts.bar_value)


def show_nothing(card: MetricCard, line: str, *, original: float | None = None, maximum: float = 1.0) -> None:
    """Show that there is no figure, and why; perhaps with the original's on the bar."""
    card.show_figure("–", "")
    card.badge.set_origin("")
    card.line.setText(line)
    card.bar.set_figure(None, None, original, maximum)
