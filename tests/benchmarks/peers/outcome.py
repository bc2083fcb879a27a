"""What one tool reached on one case, and the table of them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from workbench.engine.core.measurement import Figure
from workbench.engine.evaluate.intervals import paired_difference_interval

_WIDTHS = f"{'model':<14} {'setting':<17} {'float':>6} {'reach':>6}  {'by':<32}{'top-1':>7}  {'drop, points':<23}"
_HEADER = f"{_WIDTHS} {'seconds':>8} {'bytes':>10}"


@dataclass(frozen=True, slots=True)
class Drop:
    """Accuracy of the float model less that of the quantized one on the same samples, with its paired 95 % interval."""

    value: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a tool reached.

    Args:
        tool: its name, with the method.
        accuracy: 0…1; None where it gave nothing to measure.
        drop: against the float model.
        seconds: from the float file to the quantized model, calibration included.
        size_bytes: of the file; None where the tool writes none.
        note: why there are no figures, or what to know of them.
    """

    tool: str
    accuracy: float | None = None
    drop: Drop | None = None
    seconds: float | None = None
    size_bytes: int | None = None
    note: str = ""


class OutcomeTable:
    """Prints rows as they come, under one header.

    Args:
        show: prints a line.
        shown: what was printed by the tables before this one; the header joins it.
    """

    def __init__(self, show: Callable[[str], None], shown: set[str]) -> None:
        self._show = show
        self._shown = shown

    def add(self, name: str, setting: str, reference: float, reach: float, outcomes: Sequence[Outcome]) -> None:
        """One row: what every tool reached from the same float accuracy."""
        lines = [] if _HEADER in self._shown else [_HEADER]
        self._shown.add(_HEADER)
        start = f"{name:<14} {setting:<17} {100 * reference:6.2f} {reach:6.1f}"
        for outcome in outcomes:
            lines.append(f"{start}  {outcome.tool:<32}{_figures(outcome)}")
            start = " " * len(start)
        self._show("\n" + "\n".join(lines))


def drop_between(reference: npt.NDArray[np.bool_], quantized: npt.NDArray[np.bool_]) -> Drop:
    """Drop of accuracy from which samples were right before, and which are right now."""
    both, neither = int(np.sum(reference & quantized)), int(np.sum(~reference & ~quantized))
    only_before, only_now = int(np.sum(reference & ~quantized)), int(np.sum(~reference & quantized))
    low, high = paired_difference_interval(both, only_before, only_now, neither)
    return Drop(float(np.mean(reference) - np.mean(quantized)), low, high)


def drop_of(difference: Figure | None) -> Drop | None:
    """The drop that a report's difference, quantized less float, says."""
    if difference is None or difference.low is None or difference.high is None:
        return None
    return Drop(-difference.value, -difference.high, -difference.low)


def _figures(outcome: Outcome) -> str:
    accuracy = "–" if outcome.accuracy is None else f"{100 * outcome.accuracy:.2f}"
    seconds = "–" if outcome.seconds is None else f"{outcome.seconds:.1f}"
    size = "–" if outcome.size_bytes is None else f"{outcome.size_bytes:,}"
    drop = "–"
    if outcome.drop is not None:
        low, high = 100 * outcome.drop.low, 100 * outcome.drop.high
        drop = f"{100 * outcome.drop.value:6.2f} [{low:+.2f}, {high:+.2f}]"
    note = f"  {outcome.note}" if outcome.note else ""
    return f"{accuracy:>7}  {drop:<23} {seconds:>8} {size:>10}{note}"
