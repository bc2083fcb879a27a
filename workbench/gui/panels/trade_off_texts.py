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
from workbench.gui.like_for_like import Comparison
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
        comparison = point.compared or Comparison(point.accuracy)
        accuracy = comparison.figure
        low, high = accuracy.low, accuracy.high
        placed.append(
            PlotPoint(
                x,
                times * accuracy.value,
                _mark(point),
                None if low is None else times * low,
                None if high is None else times * high,
                is_front=across is Across.SIZE and point.recipe.digest in front,
                is_apart=comparison.is_apart,
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
    is_apart = point.compared is not None and point.compared.is_apart
    if point.accuracy.n and (point.is_measured or is_apart):
        parts[-1] += f", n = {point.accuracy.n:,}"
    if is_apart:
        parts.append("other samples than the original's")
    if point.latency is not None:
        parts.append(f"{format_ms(point.latency.value)} {point.latency.origin}")
    if point.on_device is not None:
        band = f" ({format_interval(point.on_device)}, {point.on_device.level} %)"
        parts.append(f"{format_ms(point.on_device.value)}{band} {point.on_device.origin} on the device")
    end = "on the bench now" if is_now else "click takes it"
    return f"{head}: {', '.join(part for part in parts if part)} ({end})"


def apart_text(points: Collection[TradePoint], original: Figure | None) -> str:
    """How points are compared that are of other samples than the original, in one line; "" where there are none.

    Args:
        points: with those that cannot be compared, which are not drawn.
        original: its accuracy.
    """
    apart = [point for point in points if point.compared is not None and point.compared.is_apart]
    num_left_out = sum(point.compared is None for point in points)
    sentences = []
    if apart:
        numbers = sorted({point.accuracy.n for point in apart if point.accuracy.n})
        said = f" (n = {' and '.join(f'{number:,}' for number in numbers)})" if 0 < len(numbers) <= 2 else ""
        whole = f", n = {original.n:,}" if original is not None and original.n else ""
        one = len(apart) == 1
        sentences.append(
            f"{'One hollow point is' if one else f'{len(apart)} hollow points are'} of other samples{said} than the "
            f"original{whole}: {'it lies' if one else 'they lie'} at the difference to it on the same samples."
        )
    if num_left_out:
        what = "One recipe is" if num_left_out == 1 else f"{num_left_out} recipes are"
        sentences.append(f"{what} left out: the original is not known on the same samples.")
    return " ".join(sentences)


def below_text(number: int, *, is_all: bool) -> str:
    """What the button says that shows points of hopeless accuracy, or leaves them out.

    >>> below_text(1, is_all=False), below_text(4, is_all=False), below_text(4, is_all=True)
    ('▼ 1 point below: show all', '▼ 4 points below: show all', '▲ Show the useful part only')
    """
    if is_all:
        return "▲ Show the useful part only"
    return f"▼ {number} point{'s' if number != 1 else ''} below: show all"
