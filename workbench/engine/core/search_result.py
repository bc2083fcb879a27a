"""What a search for a recipe is asked, and what it found: plain values."""

from dataclasses import dataclass, replace
from enum import StrEnum

from workbench.engine.core.measurement import Figure
from workbench.engine.core.recipe import Recipe
from workbench.engine.core.reports import EvaluationReport


@dataclass(frozen=True, slots=True)
class SearchBudgets:
    """What a recipe has to stay within; None where there is no limit.

    Args:
        max_bytes: of the file.
        max_macs: multiply-adds at batch 1.
        max_latency_ms: of one inference, estimated for a device.
        max_drop: accuracy that may be lost, percentage points, or dB of a metric in dB.
        device: id of the profile that latency is estimated with.
    """

    max_bytes: int | None = None
    max_macs: int | None = None
    max_latency_ms: float | None = None
    max_drop: float | None = None
    device: str = ""

    @property
    def has_limits(self) -> bool:
        """Whether there is any limit."""
        return replace(self, device="") != SearchBudgets()

    def text(self, unit: str = "fraction") -> str:
        """As messages say it.

        Args:
            unit: of the metric that may drop.

        >>> SearchBudgets(max_bytes=500_000, max_drop=1).text()
        'at most 500,000 bytes, a drop of at most 1 pp'
        >>> SearchBudgets(max_drop=0.5).text("dB")
        'a drop of at most 0.5 dB'
        """
        parts = []
        if self.max_bytes is not None:
            parts.append(f"at most {self.max_bytes:,} bytes")
        if self.max_macs is not None:
            parts.append(f"at most {self.max_macs:,} multiply-adds")
        if self.max_latency_ms is not None:
            parts.append(f"at most {self.max_latency_ms:g} ms" + (f" on {self.device}" if self.device else ""))
        if self.max_drop is not None:
            parts.append(f"a drop of at most {self.max_drop:g} {'pp' if unit == 'fraction' else unit}")
        return ", ".join(parts)


class Lack(StrEnum):
    """What might bring limits into reach, and no layer's scan has tried: who asked for the search knows how to."""

    CHANNELS = "fewer channels"
    INTEGERS = "activations of 8 bits"


@dataclass(frozen=True, slots=True)
class ParetoPoint:
    """One recipe of the trade-off, which can be taken as it is.

    Args:
        recipe: gives this very file.
        file_bytes: of the file, exact.
        macs: multiply-adds at batch 1; None where they are not known.
        predicted: the metric by the scan, estimated, with its 90 % interval; None where nothing was fitted, or where
            biases are corrected, of which the scan knows nothing.
        kl: the sum of the layers' divergences, nats.
        latency: of one inference, estimated, ms; None without a device.
        measured: the evaluation, paired with the original; None where it was not run.
    """

    recipe: Recipe
    file_bytes: int
    macs: int | None
    predicted: Figure | None
    kl: float
    latency: Figure | None = None
    measured: EvaluationReport | None = None

    @property
    def value(self) -> float:
        """The metric: measured where it was, predicted otherwise."""
        if self.measured is not None:
            return self.measured.figure.value
        return -self.kl if self.predicted is None else self.predicted.value


@dataclass(frozen=True, slots=True)
class SearchResult:
    """What a search has found so far.

    Args:
        budgets: what was asked.
        metric: what accuracies are figures of.
        original: the metric of the model as it is.
        best: the best recipe within the budgets, measured; None where there is none, or none yet.
        refusal: why there is none, in one line.
        front: recipes that no other one of these beats in both size and accuracy, from small to large.
        num_measured: recipes that were measured on the way.
        seconds: that the search took so far.
        is_final: whether it has ended.
        confirmed: the best recipe on other samples than those that it was chosen on, paired; None where there are none,
            or before the end.
        model_digest, dataset_digest: what it holds for.
        notes: what else is to be known of it, a line each.
        lacks: what was not among the options, and might bring the budgets into reach.
    """

    budgets: SearchBudgets
    metric: str
    original: Figure
    best: ParetoPoint | None = None
    refusal: str = ""
    front: tuple[ParetoPoint, ...] = ()
    num_measured: int = 0
    seconds: float = 0.0
    is_final: bool = False
    model_digest: str = ""
    dataset_digest: str = ""
    confirmed: EvaluationReport | None = None
    notes: tuple[str, ...] = ()
    lacks: tuple[Lack, ...] = ()

    @property
    def note(self) -> str:
        """What flatters the measured figure of the best recipe, in one line; empty where nothing does."""
        if self.best is None or self.confirmed is not None or self.num_measured < 2:
            return ""
        return f"best of {self.num_measured} recipes measured on these samples"


def undominated(points: tuple[ParetoPoint, ...]) -> tuple[ParetoPoint, ...]:
    """The points that no other one beats in both size and accuracy, from small to large; of recipes, each once.

    What was measured is beaten by a prediction only where all of its interval is above.
    """
    by_recipe: dict[str, ParetoPoint] = {}
    for point in points:
        known = by_recipe.get(point.recipe.digest)
        if known is None or (known.measured is None and point.measured is not None):
            by_recipe[point.recipe.digest] = point
    front: list[ParetoPoint] = []
    for point in sorted(by_recipe.values(), key=lambda one: (one.file_bytes, -one.value)):
        if not any(_is_better(other, point) for other in front):
            front.append(point)
    return tuple(front)


def _is_better(smaller: ParetoPoint, point: ParetoPoint) -> bool:
    """Whether a point that is no larger has at least the accuracy of another."""
    predicted = smaller.predicted
    if point.measured is not None and smaller.measured is None and predicted is not None and predicted.low is not None:
        return predicted.low >= point.value
    return smaller.value >= point.value
