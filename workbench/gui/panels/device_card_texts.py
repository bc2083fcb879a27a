"""What the preview says of the latency on a device: values only, so that no widget is needed to check it."""

from dataclasses import dataclass

from workbench.engine.core.device_profile import DeviceProfile
from workbench.engine.core.format import format_interval, format_ms
from workbench.engine.core.latency_estimate import LatencyEstimate
from workbench.gui.change_text import format_change
from workbench.gui.device_texts import source_text

NO_DEVICE = "Choose a phone, a board or an NPU to see what the recipe would take there."
_NONE = "no figure: "


@dataclass(frozen=True, slots=True)
class DeviceTexts:
    """The card's texts and the numbers of its gauge.

    Args:
        value, unit: of the figure; a dash where there is none.
        delta: against the original.
        tone: token of the difference's colour.
        line: beside the badge.
        warning: why there is no figure; empty if there is one.
        tip: where the figure comes from.
        is_rough: whether the band is too wide to decide by.
        is_faint: whether the figure is of an earlier recipe.
        ms, band, original_ms: of the gauge; None where they are not known.
    """

    value: str = "–"
    unit: str = ""
    delta: str = ""
    tone: str = "muted"
    line: str = ""
    warning: str = ""
    tip: str = ""
    is_rough: bool = False
    is_faint: bool = False
    ms: float | None = None
    band: tuple[float, float] | None = None
    original_ms: float | None = None


def device_texts(
    profile: DeviceProfile | None,
    estimate: LatencyEstimate | None,
    original: LatencyEstimate | None,
    *,
    refusal: str = "",
    is_late: bool = False,
) -> DeviceTexts:
    """What is said of an estimate.

    Args:
        profile: of the device; None before it is known.
        estimate: of the recipe on the bench.
        original: of the model as it is.
        refusal: why the engine gave none.
        is_late: whether it is of an earlier recipe.
    """
    tip = source_text(profile) if profile is not None else ""
    if refusal:
        return DeviceTexts(warning=refusal, tip=tip)
    if estimate is None:
        return DeviceTexts(line="estimating…", tip=tip)
    before = original.figure.value if original is not None and original.figure is not None else None
    figure = estimate.figure
    if figure is None:
        reason = estimate.notes[0] if estimate.notes else "nothing like this was measured there"
        return DeviceTexts(warning=reason.removeprefix(_NONE), tip=tip, is_faint=is_late, original_ms=before)
    value, _, unit = format_ms(figure.value).partition(" ")
    band = (figure.low, figure.high) if figure.low is not None and figure.high is not None else None
    change = figure.value / before - 1 if before else 0.0
    parts = (
        f"{format_interval(figure)} ({figure.level} %)",
        f"original {format_ms(before)}" if before is not None else "",
    )
    line = "of an earlier recipe; this one is being estimated" if is_late else " · ".join(filter(None, parts))
    level = f"the band holds four of five measurements of networks like it; n = {figure.n} behind the profile"
    return DeviceTexts(
        value=value,
        unit=unit,
        delta=format_change(change) if before is not None else "",
        tone=_tone(change),
        line=line,
        tip="\n".join(part for part in (tip, level) if part),
        is_rough=estimate.is_rough,
        is_faint=is_late,
        ms=figure.value,
        band=band,
        original_ms=before,
    )


def _tone(change: float) -> str:
    if abs(change) < 5e-4:
        return "muted"
    return "good" if change < 0 else "warn"
