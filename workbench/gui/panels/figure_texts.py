"""What the cards of the preview say of a report: values only, so that no widget is needed to check them."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace

from workbench.engine.core.channel_wishes import has_channel_rules
from workbench.engine.core.format import (
    format_figure,
    format_fraction,
    format_interval,
    format_ms,
    format_nan,
    format_ratio,
    format_settings,
)
from workbench.engine.core.measurement import Figure
from workbench.engine.core.recipe import Recipe
from workbench.engine.core.reports import EvaluationReport, LatencyReport
from workbench.gui.recipe_needs import asks_activations, needs_ranges

# A loss that few would notice: two percentage points, or the half decibel from which on a difference is seen.
_SMALL_LOSS = {"fraction": 0.02, "dB": 0.5}
_EARLIER = "of an earlier recipe"
_MEASURING = "this one is being measured"


@dataclass(frozen=True, slots=True)
class FigureTexts:
    """One card's texts and the numbers of its bar.

    Args:
        tone: token of the difference's colour.
        is_current: whether the figure is of the recipe on the bench. An earlier one is shown fainter, and no budget is
            met or missed by it.
        maximum: end of the bar.
    """

    value: str
    unit: str
    delta: str
    tone: str
    origin: str
    detail: str
    line: str
    tip: str
    is_current: bool
    bar_value: float | None
    band: tuple[float, float] | None
    original: float | None
    maximum: float


def accuracy_texts(
    report: EvaluationReport, *, is_current: bool, guesses: Mapping[str, object] | None = None, stopped: str = ""
) -> FigureTexts:
    """What is said of an evaluation.

    Args:
        report: the evaluation.
        is_current: whether it is of the recipe on the bench.
        guesses: how its samples were made ready, as far as nobody said it: a wrong guess changes every figure.
        stopped: why the recipe on the bench is not measured to the end; empty while it is.
    """
    figure, difference = report.figure, report.difference
    value, _, unit = format_figure(figure).partition(" ")
    counted = f"n = {figure.n}" if report.is_final else f"n = {report.done} of {report.total}"
    interval = _interval_text(difference or figure, paired=difference is not None)
    paired = "95 % interval of the difference to the original, paired on the same samples"
    tip = paired if difference is not None else "95 % interval"
    guessed = f"guessed preprocessing: {format_settings(guesses)}" if guesses else ""
    nan = format_nan(report.num_nan, report.done)
    if not is_current:
        interval = f"{interval}; {f'this one: {stopped}' if stopped else _MEASURING}"
    found = _found_text(report)
    parts = (nan, found, "guessed preprocessing" if guesses else "", interval, stopped if is_current else "")
    return FigureTexts(
        value=value,
        unit=unit,
        delta=format_figure(difference, difference=True) if difference is not None else "",
        tone="bad" if report.num_nan else _tone(_worse(difference, report.found_agreement)),
        origin=str(figure.origin),
        detail=counted if is_current else _EARLIER,
        line=" · ".join(part for part in parts if part),
        tip="\n".join(part for part in (tip, guessed) if part),
        is_current=is_current,
        bar_value=figure.value if is_current else None,
        band=_band(figure) if is_current else None,
        original=report.reference.value if report.reference is not None else None,
        maximum=_maximum(figure),
    )


def predicted_texts(figure: Figure, original: Figure, *, stopped: str = "", is_as_scanned: bool = True) -> FigureTexts:
    """What is said of an accuracy that is predicted from a scan, until it is measured.

    Args:
        figure: predicted, with its 90 % interval.
        original: of the model as it is.
        stopped: why the recipe on the bench is not measured to the end; empty while it is.
        is_as_scanned: whether weights are quantized in the style that was scanned.
    """
    value, _, unit = format_figure(figure).partition(" ")
    difference = replace(figure, value=figure.value - original.value)
    interval = format_interval(figure)
    parts = (
        f"{interval} ({figure.level} %)" if interval else "",
        "predicted from the scan",
        stopped or "being measured",
    )
    tip = f"{figure.level} % interval, learned from mixes that were measured on this model"
    other = "some layers have other scales or another range than was scanned"
    return FigureTexts(
        value=value,
        unit=unit,
        delta=format_figure(difference, difference=True),
        tone=_tone(difference),
        origin=str(figure.origin),
        detail="",
        line=" · ".join(part for part in parts if part),
        tip=tip if is_as_scanned else f"{tip}\n{other}",
        is_current=True,
        bar_value=figure.value,
        band=_band(figure),
        original=original.value,
        maximum=_maximum(original),
    )


def latency_texts(report: LatencyReport, *, is_current: bool, recipe: Recipe | None = None) -> FigureTexts:
    """What is said of a latency, and of it against the original's, which was timed with it.

    Args:
        report: the latency.
        is_current: whether the latency is of the recipe on the bench.
        recipe: that one; what is expected of it is said while it is not measured.
    """
    value, _, unit = format_ms(report.p50.value).partition(" ")
    before = report.original.value if report.original is not None else None
    compared = format_ratio(report.ratio) if report.ratio is not None else ""
    parts = [report.note, compared, report.device]
    line = " · ".join(part for part in parts if part) if is_current else _not_measured(recipe or Recipe())
    return FigureTexts(
        value=value,
        unit=unit,
        delta=f"p90 {format_ms(report.p90.value)}",
        tone="muted",
        origin=str(report.p50.origin),
        detail=f"n = {report.p50.n}" if is_current else _EARLIER,
        line=line,
        tip=line,
        is_current=is_current,
        bar_value=report.p50.value if is_current else None,
        band=_band(report.p50) if is_current else None,
        original=before,
        maximum=max(report.p90.value, before or 0.0) * 1.5,
    )


def unknown_accuracy_text(*, has_data: bool, stopped: str) -> str:
    """What stands in place of an accuracy of which nothing is known."""
    return (stopped or "measuring…") if has_data else "no data open"


def estimated_size_text(recipe: Recipe, *, has_samples: bool, is_followed: bool = True) -> str:
    """What the size shown at once is made of, and what is missing to know it.

    Args:
        recipe: on the bench.
        has_samples: whether there are any to find ranges on.
        is_followed: whether it is known which channels belong together.
    """
    if has_channel_rules(recipe) and not is_followed:
        return "without the channels that go: they are still being followed"
    if not needs_ranges(recipe):
        return "by arithmetic on this recipe"
    missing = "ranges are not known yet" if has_samples else "ranges need samples: open data"
    return f"by arithmetic on the weights; {missing}"


def floor_text(floor: float | None, figure: Figure | None) -> str:
    """The floor in the unit of the figure; of a fraction before there is one."""
    if floor is None:
        return ""
    return f"floor {format_figure(replace(figure, value=floor)) if figure is not None else format_fraction(floor)}"


def _not_measured(recipe: Recipe) -> str:
    """Nothing faster is promised until it is measured: integers are quicker on some computers, and slower on others."""
    if asks_activations(recipe):
        return "not measured of this recipe yet; whether integers are faster here, measuring tells"
    if has_channel_rules(recipe):
        return "not measured of this recipe yet; fewer channels are fewer MACs, and measuring tells what that saves"
    # Weight-only changes alter the file, not the arithmetic.
    return "not measured of this recipe yet; smaller weights alone make a file smaller, not faster"


def _found_text(report: EvaluationReport) -> str:
    """How much is left of what the original finds; nothing is said where all of it is."""
    found = report.found_agreement
    if found is None or found.value == 1:
        return ""
    return f"same where the original finds something: {format_figure(found)}"


def _worse(difference: Figure | None, found: Figure | None) -> Figure | None:
    """What is lost: of a detector that of what it finds, which is little of all that it says."""
    if difference is None or found is None:
        return difference
    return replace(difference, value=min(difference.value, found.value - 1))


def _tone(difference: Figure | None) -> str:
    if difference is None:
        return "muted"
    if difference.value >= 0:
        return "good"
    return "warn" if difference.value > -_SMALL_LOSS.get(difference.unit, 0.0) else "bad"


def _band(figure: Figure) -> tuple[float, float] | None:
    return (figure.low, figure.high) if figure.low is not None and figure.high is not None else None


def _maximum(figure: Figure) -> float:
    if figure.unit == "fraction":
        return 1.0
    # Identical images have an infinite PSNR, which no bar can hold.
    return 1.3 * figure.value if math.isfinite(figure.value) else 100.0


def _interval_text(figure: Figure, *, paired: bool) -> str:
    interval = format_interval(figure, difference=paired)
    if not interval:
        return "no interval known"
    return f"{interval} (95 %{', paired' if paired else ''})"
