"""Where a figure of a scan lies between harmless and worst: the scale of the heat map, and what its legend says."""

import math
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
import numpy.typing as npt

from workbench.engine.core.format import format_points

# Below a millionth of a nat rounding decides, not the layer.
_LEAST_KL, _MOST_DECADES = 1e-6, 5
_EMPTY_KL = 1e-4, 1.0
# A drop of a tenth of a point is none that matters, and few scans can tell it from none.
_LEAST_DROP = 1e-3
_STEPS = (1.0, 2.0, 5.0, 10.0)
_DB_STEP = 10.0
_MOST_TICKS = 7


class Measure(StrEnum):
    """What is looked at of each cell."""

    KL = "kl"
    DROP = "drop"
    SQNR = "sqnr"


@dataclass(frozen=True, slots=True)
class HeatScale:
    """From `low`, harmless, to `high`, worst: logarithmic, but for decibels, which are so already.

    Args:
        measure: which figure.
        low, high: in the unit of the figure; of SQNR `low` is the larger one, as much signal is harmless.
    """

    measure: Measure
    low: float
    high: float

    def places(self, values: npt.NDArray[np.float64]) -> npt.NDArray[np.float32]:
        """Places of 0…1, cut at both ends; NaN stays. Same shape."""
        if self.measure is Measure.SQNR:
            # Nothing changed: an infinite ratio.
            finite = np.where(np.isposinf(values), self.low, values)
            found = (finite - self.low) / (self.high - self.low)
        else:
            cut = np.maximum(values, self.low)
            found = np.log(cut / self.low) / math.log(self.high / self.low)
        return np.clip(found, 0, 1).astype(np.float32)

    def place(self, value: float) -> float:
        """The place of one value."""
        return float(self.places(np.array([value]))[0])

    @property
    def ticks(self) -> tuple[tuple[float, str], ...]:
        """Places that the legend names, from harmless to worst, with their texts."""
        values = _decibels(self.low, self.high) if self.measure is Measure.SQNR else _decades(self.low, self.high)
        return tuple((self.place(value), self._text(value)) for value in values)

    def _text(self, value: float) -> str:
        if self.measure is Measure.DROP:
            text = format_points(value).removeprefix("+").removesuffix(" pp")
            text = text.removesuffix(".0")
            return f"≤ {text}" if value == self.low else text
        if self.measure is Measure.SQNR:
            return f"{value:.0f}".replace("-", "−")
        return _power(value)


def heat_scale(measure: Measure, values: npt.NDArray[np.float64]) -> HeatScale:
    """The scale that holds these values, with round ends, so that it seldom moves while a scan fills in.

    Args:
        measure: which figure.
        values: any shape; NaN where nothing is known.
    """
    finite = values[np.isfinite(values)]
    if measure is Measure.SQNR:
        low = math.ceil(finite.max() / _DB_STEP) * _DB_STEP if finite.size else 60.0
        high = math.floor(finite.min() / _DB_STEP) * _DB_STEP if finite.size else 0.0
        return HeatScale(measure, max(low, high + _DB_STEP), high)
    if measure is Measure.KL and not finite.size:
        return HeatScale(measure, *_EMPTY_KL)
    most = float(finite.max()) if finite.size else 0.0
    if measure is Measure.DROP:
        return HeatScale(measure, _LEAST_DROP, max(10 * _LEAST_DROP, _rounded_up(most)))
    high = max(_rounded_up(most), 100 * _LEAST_KL)
    positive = finite[finite > 0]
    least = float(positive.min()) if positive.size else high
    low = 10.0 ** math.floor(math.log10(max(least, _LEAST_KL)))
    return HeatScale(measure, max(low, high / 10**_MOST_DECADES, _LEAST_KL) if low < high / 10 else high / 10, high)


def _rounded_up(value: float) -> float:
    """The next of 1, 2, 5, 10 times a power of ten."""
    if value <= 0:
        return 0.0
    power = 10.0 ** math.floor(math.log10(value))
    # A value that is such a number itself must not be pushed on by its last bit.
    return next(step * power for step in _STEPS if value <= step * power * (1 + 1e-9))


def _decades(low: float, high: float) -> list[float]:
    first, last = math.ceil(math.log10(low) - 1e-9), math.floor(math.log10(high) + 1e-9)
    decades = [10.0**power for power in range(first, last + 1)]
    if len(decades) < 4:
        decades = [step * 10.0**power for power in range(first - 1, last + 1) for step in (1.0, 3.0)]
        decades = [value for value in decades if low * (1 - 1e-9) <= value <= high * (1 + 1e-9)]
    return decades


def _decibels(low: float, high: float) -> list[float]:
    step = _DB_STEP * max(1, math.ceil((low - high) / _DB_STEP / _MOST_TICKS))
    return [low - number * step for number in range(int((low - high) / step + 1e-9) + 1)]


def _power(value: float) -> str:
    """A number of a logarithmic axis: short where it is, a power of ten where zeros would have to be counted.

    >>> _power(0.001), _power(0.3), _power(10.0), _power(0.00001)
    ('0.001', '0.3', '10', '10⁻⁵')
    """
    if value >= 0.001 * (1 - 1e-9):
        return f"{value:.3g}"
    raised = str(round(math.log10(value))).translate(str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹"))
    lead = value / 10.0 ** round(math.log10(value))
    return f"10{raised}" if abs(lead - 1) < 0.01 else f"{value:.0e}"
