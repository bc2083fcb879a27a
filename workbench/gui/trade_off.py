"""Accuracy against size and latency: the recipes that a search found, and those that were measured on the bench."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from PySide6.QtCore import QObject, Signal, Slot

from workbench.engine.core.measurement import Figure, Origin
from workbench.engine.core.recipe import Recipe
from workbench.engine.core.search_result import ParetoPoint, SearchResult
from workbench.gui.bench import Bench
from workbench.gui.known_figures import KnownFigures
from workbench.gui.like_for_like import Comparison, like_for_like
from workbench.gui.shown_figures import ShownFigures

_MOST_TRIED = 400


class PointKind(StrEnum):
    """Where a point comes from."""

    ORIGINAL = "original"
    TRIED = "tried"
    FOUND = "found"


@dataclass(frozen=True, slots=True)
class TradePoint:
    """A recipe that can be taken.

    Args:
        recipe: gives this file.
        kind: where it comes from.
        accuracy: measured or predicted, with its interval.
        size_bytes: of the file, exact.
        latency: of one inference on this computer, ms; None where it is not known.
        difference: of the accuracy to the original's, where it was measured with it.
        on_device: estimated latency on the chosen device, ms; None where there is none.
        reference: the original's accuracy on the samples of `accuracy`; None where it is not known.
        compared: what can be held against the original's accuracy; None where nothing can.
    """

    recipe: Recipe
    kind: PointKind
    accuracy: Figure
    size_bytes: int
    latency: Figure | None = None
    difference: Figure | None = None
    on_device: Figure | None = None
    reference: Figure | None = None
    compared: Comparison | None = None

    @property
    def is_measured(self) -> bool:
        """Whether the accuracy is."""
        return self.accuracy.origin is Origin.MEASURED


class TradeOff(QObject):
    """Follows the bench; `changed` when there are other points.

    Args:
        bench: whose recipes are remembered once they are measured.
        figures: tell when something was measured, and how the original does.
        known: what is known of each recipe.
    """

    changed = Signal()

    def __init__(self, bench: Bench, figures: ShownFigures, known: KnownFigures, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._bench = bench
        self._figures = figures
        self._known = known
        self._tried: dict[str, Recipe] = {}
        self.result: SearchResult | None = None
        figures.measured.connect(self._on_measured)
        bench.model_changed.connect(self._begin)
        bench.dataset_changed.connect(self._begin)

    def points(self) -> tuple[TradePoint, ...]:
        """The original first, then what was tried, then what a search found; each recipe once."""
        base = self.result.original if self.result is not None else None
        found = {point.recipe.digest: _found_point(point, self._known, base) for point in self._front}
        tried = {digest: self._tried_point(recipe) for digest, recipe in self._tried.items()}
        own = {digest: point for digest, point in tried.items() if point is not None}
        original = self._original()
        rest = (point for digest, point in found.items() if point is not None and digest not in own)
        points = (*((original,) if original is not None else ()), *own.values(), *rest)
        return tuple(replace(point, compared=self._compared(point)) for point in points)

    @property
    def original(self) -> Figure | None:
        """The accuracy that all others are held against; None where it is not known yet."""
        report = self._figures.original
        if report is not None:
            return report.figure
        return self.result.original if self.result is not None else None

    def _compared(self, point: TradePoint) -> Comparison | None:
        return like_for_like(point.accuracy, self.original, reference=point.reference, difference=point.difference)

    def front(self) -> frozenset[str]:
        """Digests of the recipes of the search's front."""
        return frozenset(point.recipe.digest for point in self._front)

    @Slot(object)
    def take(self, result: object) -> None:
        """A search has found something; what holds for another model or other samples is dropped."""
        if isinstance(result, SearchResult) and is_of_bench(result, self._bench):
            self.result = result
            self.changed.emit()

    @property
    def _front(self) -> Sequence[ParetoPoint]:
        return self.result.front if self.result is not None else ()

    def _original(self) -> TradePoint | None:
        model, report = self._bench.model, self._figures.original
        if model is None or report is None:
            return None
        latency = self._known.latency(Recipe())
        return TradePoint(
            Recipe(), PointKind.ORIGINAL, report.figure, model.file_bytes, latency.p50 if latency else None
        )

    def _tried_point(self, recipe: Recipe) -> TradePoint | None:
        report, size, latency = self._known.evaluation(recipe), self._known.size(recipe), self._known.latency(recipe)
        if report is None or size is None:
            return None
        time = latency.p50 if latency is not None else None
        return TradePoint(
            recipe, PointKind.TRIED, report.figure, size, time, report.difference, reference=report.reference
        )

    @Slot(object)
    def _on_measured(self, what: object) -> None:
        recipe = self._bench.recipe
        if recipe.rules:
            # The one that was tried last stays longest.
            self._tried.pop(recipe.digest, None)
            self._tried[recipe.digest] = recipe
            while len(self._tried) > _MOST_TRIED:
                del self._tried[next(iter(self._tried))]
        self.changed.emit()

    @Slot()
    def _begin(self) -> None:
        """Another model or other samples: nothing that was found holds."""
        self._tried.clear()
        self.result = None
        self.changed.emit()


def is_of_bench(result: SearchResult, bench: Bench) -> bool:
    """Whether a search's result holds for the model and the samples on the bench, as far as it says."""
    return all(
        not digest or (info is not None and info.digest == digest)
        for digest, info in ((result.model_digest, bench.model), (result.dataset_digest, bench.dataset))
    )


def _found_point(point: ParetoPoint, known: KnownFigures, original: Figure | None) -> TradePoint | None:
    report = point.measured
    accuracy = report.figure if report is not None else point.predicted
    if accuracy is None:
        return None
    # The search's own latency is that of a device, which may be another by now; this one is of this computer.
    latency = known.latency(point.recipe)
    time = latency.p50 if latency is not None else None
    difference = report.difference if report is not None else None
    # What is predicted, is from the original as the search has it.
    reference = report.reference if report is not None else original
    return TradePoint(point.recipe, PointKind.FOUND, accuracy, point.file_bytes, time, difference, reference=reference)
