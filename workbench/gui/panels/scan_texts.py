"""What the page of sensitivities says of a cell and of the whole scan: values only, so that no widget is needed."""

import math

from workbench.engine.core.format import format_points
from workbench.engine.core.measurement import Figure
from workbench.engine.core.sensitivity import ScanCell, ScanSetting, SensitivityScan
from workbench.gui.heat_scale import Measure

UNITS = {Measure.KL: "nat", Measure.DROP: "pp lost", Measure.SQNR: "dB"}
_NOISE_SHARE = "of the signal"


def cell_text(layer: str, setting: ScanSetting, cell: ScanCell | None, *, is_now: bool = False) -> str:
    """One line on a cell: what it costs, how sure that is, and what a click does.

    Args:
        layer: its name.
        setting: what would be done to it.
        cell: what is known; None while it is not measured.
        is_now: whether the layer has this setting already.
    """
    head = f"{layer} at {setting.text}"
    end = "it has this now" if is_now else "click takes it"
    if cell is None:
        return f"{head}: not measured yet ({end})"
    if cell.error:
        return f"{head}: cannot be done: {cell.error}"
    parts = []
    if cell.drop is not None:
        parts.append(f"{format_points(-cell.drop.value, 2)}{_pm_points(cell.drop)}")
    if cell.soft_drop is not None:
        lost = cell.soft_drop
        parts.append(f"soft {format_points(-lost.value, 2)}{_pm_points(lost)}")
    if cell.kl is not None:
        name = "KL" if cell.kl.unit == "nat" else "noise"
        parts.append(f"{name} {_number(cell.kl.value)}{_pm(cell.kl)} {'nat' if name == 'KL' else _NOISE_SHARE}")
    if cell.sqnr_db is not None:
        parts.append(f"SQNR {_decibels(cell.sqnr_db)}")
    parts.append(f"n = {cell.num_samples:,}")
    return f"{head}: {', '.join(parts)} ({end})"


def short_text(cell: ScanCell | None, measure: Measure) -> tuple[str, str]:
    """What stands in a cell that has the room: figure and interval; both empty where nothing is known."""
    if cell is None or cell.error:
        return "", ""
    if measure is Measure.SQNR:
        return (_decibels(cell.sqnr_db).removesuffix(" dB"), "") if cell.sqnr_db is not None else ("", "")
    figure = cell.drop if measure is Measure.DROP else cell.kl
    if figure is None:
        return "", ""
    half = _half(figure)
    if measure is Measure.DROP:
        interval = f"±{100 * half:.1f}" if half is not None else ""
        return format_points(-figure.value).removesuffix(" pp"), interval
    return _number(figure.value), f"±{_number(half, 1)}" if half is not None else ""


def scan_facts(scan: SensitivityScan | None, num_known: int, num_cells: int) -> str:
    """How much is known, beside the title."""
    if scan is None:
        return ""
    if not scan.cells:
        return f"{len(scan.layers):,} layers × {len(scan.axes.settings)} settings, not measured yet"
    fewest = min((cell.num_samples for cell in scan.cells if not cell.error), default=scan.num_samples)
    counted = f"n = {fewest:,}" if fewest >= scan.num_samples else f"n = {fewest:,} of {scan.num_samples:,}"
    cells = f"{num_cells:,} cells" if num_known >= num_cells else f"{num_known:,} of {num_cells:,} cells"
    return f"measured one at a time · {cells} · {counted}"


def _half(figure: Figure) -> float | None:
    return (figure.high - figure.low) / 2 if figure.low is not None and figure.high is not None else None


def _pm(figure: Figure) -> str:
    half = _half(figure)
    return f" ± {_number(half, 2)}" if half is not None else ""


def _pm_points(figure: Figure) -> str:
    half = _half(figure)
    return f" ± {100 * half:.2f}" if half is not None else ""


def _number(value: float, digits: int = 3) -> str:
    """So many digits, and no exponent of a number that can be read without.

    >>> _number(0.0341), _number(0.00002), _number(12.3456), _number(0.0)
    ('0.0341', '2e−05', '12.3', '0')
    """
    return f"{value:.{digits}g}".replace("-", "−")


def _decibels(value: float) -> str:
    return "exact" if math.isinf(value) else f"{value:.1f} dB".replace("-", "−")
