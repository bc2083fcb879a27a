"""Where the recipe on the bench lies in the trade-off: measured, or estimated the moment a knob moves."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from workbench.engine.core.measurement import Figure, Origin
from workbench.gui.like_for_like import like_for_like
from workbench.gui.panels.trade_off_texts import Across

if TYPE_CHECKING:  # a test hands in a bench without an engine
    from workbench.gui.document import Document
    from workbench.gui.known_latency import KnownLatency

FiguresNow = Callable[[], tuple[int | None, Figure | None]]


@dataclass(frozen=True, slots=True)
class PlaceNow:
    """A place in the units of figures: bytes or ms, and the metric's.

    Args:
        across: what is held against accuracy.
        accuracy: as it can be held against the points'.
    """

    across: float
    accuracy: Figure

    @property
    def is_measured(self) -> bool:
        """Whether the accuracy is."""
        return self.accuracy.origin is Origin.MEASURED


class TradeOffNow:
    """Reads the place from what is known now.

    Args:
        document: the bench.
        figures_now: bytes and accuracy of the recipe on the bench as they are known now, or None.
        latency: on the chosen device of the recipe on the bench; None where no device is chosen anywhere.
    """

    def __init__(self, document: "Document", figures_now: FiguresNow, latency: "KnownLatency | None") -> None:
        self._document = document
        self._figures_now = figures_now
        self._latency = latency

    def place(self, across: Across) -> PlaceNow | None:
        """Where it lies; None while one of the two is not known."""
        size, accuracy = self._figures_now()
        along = {Across.SIZE: lambda: size, Across.LATENCY: self._ms_here, Across.DEVICE: self._ms_there}[across]()
        compared = self._compared(accuracy) if accuracy is not None else None
        return PlaceNow(along, compared) if along is not None and compared is not None else None

    def _compared(self, accuracy: Figure) -> Figure | None:
        document = self._document
        report, prediction = document.figures.accuracy, document.predictions.prediction
        reference, difference = None, None
        if accuracy.origin is not Origin.MEASURED:
            reference = prediction.original if prediction is not None else None
        elif report is not None:
            reference, difference = report.reference, report.difference
        compared = like_for_like(accuracy, document.trade_off.original, reference=reference, difference=difference)
        return compared.figure if compared is not None else None

    def _ms_here(self) -> float | None:
        report = self._document.figures.latency
        is_current = report is not None and self._document.figures.is_current(report)
        return report.p50.value if report is not None and is_current else None

    def _ms_there(self) -> float | None:
        latency = self._latency
        if latency is None or latency.estimate is None or latency.estimate.figure is None or not latency.is_current:
            return None
        return latency.estimate.figure.value
