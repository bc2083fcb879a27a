"""The budgets as lines of the trade-off: where they stand, what stands beside them, and what a drag sets."""

from dataclasses import dataclass, replace

from workbench.engine.core.format import format_bytes, format_figure, format_fraction, format_ms
from workbench.engine.core.measurement import Figure
from workbench.gui.panels.trade_off_texts import Across
from workbench.project.budgets import Budgets

_NO_BUDGET, _NO_FIGURE = "drag to set a budget", "no budget without a figure on a device"


@dataclass(frozen=True, slots=True)
class BudgetLines:
    """Values in the units of the axes; None for a budget that is not set.

    Args:
        x, y: where the lines stand.
        x_text, y_text: what stands beside them.
        can_move_x: whether the budget across can be set at all.
    """

    x: float | None
    y: float | None
    x_text: str
    y_text: str
    can_move_x: bool = True


@dataclass(frozen=True, slots=True)
class Axes:
    """What the axes show.

    Args:
        across: what is held against accuracy.
        unit: bytes of the unit of sizes.
        times: what accuracies are multiplied by.
    """

    across: Across
    unit: float
    times: float


def budget_lines(
    budgets: Budgets, axes: Axes, original: Figure | None, *, device_ms: float | None, can_limit_device: bool
) -> BudgetLines:
    """The lines of the budgets.

    Args:
        budgets: of the cards.
        axes: that they are drawn against.
        original: any accuracy of the metric, whose unit the floor has; None where there is none.
        device_ms: the limit on the chosen device; None where there is none.
        can_limit_device: whether one can be set there.
    """
    if axes.across is Across.LATENCY:
        x, text = budgets.latency_ms, f"latency budget {format_ms(budgets.latency_ms or 0)}"
    elif axes.across is Across.DEVICE:
        x, text = device_ms, f"budget on the device {format_ms(device_ms or 0)}"
    else:
        x = None if budgets.size_bytes is None else budgets.size_bytes / axes.unit
        text = f"size budget {format_bytes(int(budgets.size_bytes or 0))}"
    can_move_x = axes.across is not Across.DEVICE or can_limit_device
    floor = budgets.accuracy
    return BudgetLines(
        x,
        None if floor is None else axes.times * floor,
        text if x is not None else _NO_BUDGET if can_move_x else _NO_FIGURE,
        "drag to set a floor" if floor is None else f"accuracy floor {_floor_text(floor, original)}",
        can_move_x,
    )


def with_line(budgets: Budgets, axes: Axes, axis: str, value: float) -> Budgets:
    """The budgets after a line was dragged; that on a device is none of them.

    Args:
        budgets: before.
        axes: that the lines are drawn against.
        axis: "x" or "y".
        value: where the line is, in the axis's unit.
    """
    if axis == "y":
        return budgets.with_accuracy(max(0.0, value / axes.times))
    if axes.across is Across.LATENCY:
        return budgets.with_latency(max(0.0, value))
    return budgets.with_size(max(0.0, value * axes.unit))


def _floor_text(floor: float, original: Figure | None) -> str:
    if original is None:
        return format_fraction(floor)
    return format_figure(replace(original, value=floor, low=None, high=None, n=0))
