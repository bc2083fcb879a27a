"""The recipe that a search takes, on samples that nothing was chosen on: what decides whether it is taken."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from workbench.engine.core.accuracy_drop import drop_of, least_drop_of
from workbench.engine.core.format import format_with_interval
from workbench.engine.core.reports import EvaluationReport
from workbench.engine.core.search_result import ParetoPoint

_ROUNDING = 1e-9


@dataclass(frozen=True, slots=True)
class Confirmed:
    """What is taken after all.

    Args:
        point: the recipe; None where all that were tried surely lose more than is allowed.
        report: of it on the other samples; None where there are none.
        note: what is to be known of that, in one line; "" for nothing.
        refusal: why none is taken; "" where one is.
    """

    point: ParetoPoint | None
    report: EvaluationReport | None = None
    note: str = ""
    refusal: str = ""


def confirmed_best(
    best: ParetoPoint,
    others: Iterator[ParetoPoint],
    max_drop: float | None,
    confirm: Callable[[ParetoPoint], EvaluationReport | None],
) -> Confirmed:
    """The best recipe, or the first of others that keeps the allowed drop on other samples where the best does not.

    Which recipe is best was decided on the samples that it was measured on, and some samples are easier than others.
    Where none keeps the allowed drop, the one that loses least is taken if that may be chance: if its 95 % interval
    reaches down to what is allowed. Otherwise none is.

    Args:
        best: within the allowed drop where it was measured.
        others: what may take its place, in the order of trying; asked for one at a time.
        max_drop: percentage points, or dB, that may be lost; None for no limit.
        confirm: measures a recipe on the other samples.
    """
    report = confirm(best)
    if report is None or max_drop is None or drop_of(report) <= max_drop + _ROUNDING:
        return Confirmed(best, report)
    tried = [(best, report)]
    for point in others:
        found = confirm(point)
        if found is None:
            break
        tried.append((point, found))
        if drop_of(found) <= max_drop + _ROUNDING:
            note = "what seemed better was within the allowed drop where it was chosen, and lost more on other samples"
            return Confirmed(point, found, f"{note}; of {len(tried)} measured there, this is the first within it")
    point, report = min(tried, key=lambda one: drop_of(one[1]))
    said = f"{_difference(report)} on {report.done:,} other samples"
    if len(tried) > 1:
        said += f", the best of {len(tried)} measured there"
    if least_drop_of(report) <= max_drop + _ROUNDING:
        drop = f"{drop_of(report):.2f}, where {max_drop:g} may be lost"
        return Confirmed(point, report, f"{said}: {drop}, which may be chance")
    here = "" if point.measured is None else f", {_difference(point.measured)} where it was chosen"
    return Confirmed(None, refusal=f"the nearest recipe, of {point.file_bytes:,} bytes: {said}{here}")


def _difference(report: EvaluationReport) -> str:
    return "unknown" if report.difference is None else format_with_interval(report.difference, difference=True)
