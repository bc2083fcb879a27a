"""A recipe as a point of the trade-off, in the units of its axes."""

from dataclasses import dataclass
from enum import StrEnum


class Mark(StrEnum):
    """How a point is drawn; each has a shape of its own, so that colour is not the only cue."""

    ORIGINAL = "original"
    MEASURED = "measured"
    PREDICTED = "predicted"
    TRIED = "tried"


@dataclass(frozen=True, slots=True)
class PlotPoint:
    """One point, in the units of the axes.

    Args:
        x, y: where it lies.
        mark: how it is drawn.
        low, high: the interval of y; None where none is known.
        is_front: whether the line of the front goes through it.
        is_apart: whether it is of other samples than the original, and drawn hollow.
    """

    x: float
    y: float
    mark: Mark
    low: float | None = None
    high: float | None = None
    is_front: bool = False
    is_apart: bool = False
