"""What the page of the trade-off says, and where its points lie: values only, so that no widget is needed."""

from collections.abc import Collection
from enum import StrEnum

from workbench.engine.core.format import (
    format_bytes,
    format_figure,
    format_interval,
    format_metric,
    format_ms,
)
from workbench.engine.core.measurement import Figure
from workbench.gui.plot_point import Mark, PlotPoint
from workbench.gui.trade_off import PointKind, TradePoint

_SMALL_FILE = 2e6


class Across(StrEnum):
    """What accuracy is held against."""

    SIZE = "size"
    LATENCY = "latency"
    DEVICE = "device"


def time_of(point: TradePoint, across: Across) -> Figure | None:
    """The point's time on that axis; None where it is not known."""
    return point.on_device if across is Across.DEVICE else point.latency


def size_unit(points: Collection[TradePoint]) -> tuple[float, str]:
    """Bytes of the unit that sizes are drawn in, and its name."""
    largest = max((point.size_bytes for point in points), default=0)
    return (1e3, "kB") if largest < _SMALL_FILE else (float(1 << 20), "MiB")


def accuracy_times(points: Collection[TradePoint]) -> tuple[float, str]:
    """What accuracies are drawn as: per cent of a fraction, or as they are, with their unit."""
    units = {point.accuracy.unit for point in points}
    return (100.0, "%") if units <= {"fraction"} else (1.0, next(iter(units), ""))


def plot_points(points: Collection[TradePoint], across: Across, front: Collection[str]) -> tuple[PlotPoint, ...]:
    """Where the points lie; those without a figure for the axis are left out by the caller.

    Args:
        points: each with what the axis needs.
        across: what is held against accuracy.
        front: digests of the recipes that no other one beats.
    """
    times, _ = accuracy_times(points)
    unit, _ = size_unit(points)
    placed = []
    for point in points:
        x, time = point.size_bytes / unit, time_of(point, across)
        if across is not Across.SIZE and time is not None:
            x = time.value
        low, high = point.accuracy.low, point.accuracy.high
        placed.append(
            PlotPoint(
                x,
                times * point.accuracy.value,
                _mark(point),
                None if low is None else times * low,
                None if high is None else times * high,
                is_front=across is Across.SIZE and point.recipe.digest in front,
            )
        )
    return tuple(placed)


def _mark(point: TradePoint) -> Mark:
    if point.kind is PointKind.ORIGINAL:
        return Mark.ORIGINAL
    if point.kind is PointKind.TRIED:
        return Mark.TRIED
    return Mark.MEASURED if point.is_measured else Mark.PREDICTED


def point_text(point: TradePoint, metric: str, *, is_now: bool) -> str:
    """One line on a point: what it costs, what it keeps, how sure that is, and what a click does."""
    head = "The original" if point.kind is PointKind.ORIGINAL else format_bytes(point.size_bytes)
    accuracy = f"{format_metric(metric)} {format_figure(point.accuracy)}"
    if point.difference is not None:
        accuracy += f" ({format_figure(point.difference, difference=True)})"
    interval = format_interval(point.accuracy)
    level = 95 if point.is_measured else 90
    parts = [accuracy, f"{interval} ({level} %)" if interval else "", f"{point.accuracy.origin}"]
    if point.is_measured and point.accuracy.n:
        parts[-1] += f", n = {point.accuracy.n:,}"
    if point.latency is not None:
        parts.append(f"{format_ms(point.latency.value)} {point.latency.origin}")
    if point.on_device is not None:
        band = f" ({format_interval(point.on_device)}, 80 %)"
        parts.append(f"{format_ms(point.on_device.value)}{band} {point.on_device.origin} on the device")
    end = "on the bench now" if is_now else "click takes it"
    return f"{head}: {', '.join(part for part in parts if part)} ({end})"
