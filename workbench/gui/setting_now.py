"""What a layer has now, read from a scan: where it stands among the settings that were tried, and what that costs."""

import bisect
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from workbench.engine.core.sensitivity import ScanSetting

# Quantization noise has a quarter of its power with each bit more (6 dB a bit, Bennett 1948), and KL grows with it.
_FALL_A_BIT = 4.0


@dataclass(frozen=True, slots=True)
class SettingNow:
    """What the recipe asks of one layer, as far as a scan has words for it; None and 0 where nothing is asked.

    Args:
        bits, activation_bits: of weights, and of what goes in and out.
        sparsity, ratio: fraction of zeros, and of channels that go.
    """

    bits: int | None = None
    activation_bits: int | None = None
    sparsity: float = 0.0
    ratio: float = 0.0

    @property
    def is_untouched(self) -> bool:
        """Whether nothing is asked."""
        return self == SettingNow()

    @property
    def text(self) -> str:
        """In words: "W4, 30 % zeros"."""
        asked = ScanSetting(self.bits, self.activation_bits, self.sparsity or None, self.ratio or None)
        return asked.text

    @property
    def amounts(self) -> tuple[tuple[str, float], ...]:
        """What is asked, by the name that a scan's setting has for it."""
        said = (
            ("weights", self.bits),
            ("activations", self.activation_bits),
            ("sparsity", self.sparsity or None),
            ("ratio", self.ratio or None),
        )
        return tuple((name, float(value)) for name, value in said if value is not None)


@dataclass(frozen=True, slots=True)
class Cost:
    """What a setting costs by itself.

    Args:
        kl: in the scan's unit; the sum where a layer has several settings.
        is_exact: whether it is one measured cell, and not read between cells or added up.
    """

    kl: float
    is_exact: bool


def rows_now(settings: Sequence[ScanSetting], now: SettingNow) -> tuple[float, ...]:
    """Where a layer stands among the settings: rows, and between two rows what lies between two settings.

    What lies beyond the first or last one tried stands at the edge of its row.
    """
    found = []
    for name, amount in now.amounts:
        tried = _tried(settings, name)
        if tried:
            values, rows = zip(*sorted((value, row) for row, value in tried), strict=True)
            found.append(_row_at(values, rows, amount))
    return tuple(found)


def cost_now(settings: Sequence[ScanSetting], kl: npt.NDArray[np.float64], now: SettingNow) -> Cost | None:
    """What the layer's setting costs, from the cells of its column; None where one of its parts is not known.

    Args:
        settings: that were tried.
        kl: of each, shape (settings,); NaN where it is not measured.
        now: what the layer has.
    """
    total, is_exact = 0.0, len(now.amounts) == 1
    for name, amount in now.amounts:
        points = sorted((value, float(kl[row])) for row, value in _tried(settings, name) if np.isfinite(kl[row]))
        if not points:
            return None
        cost, is_cell = _cost_at(points, amount, is_bits=name in ("weights", "activations"))
        total, is_exact = total + cost, is_exact and is_cell
    return Cost(total, is_exact) if now.amounts else None


def _tried(settings: Sequence[ScanSetting], name: str) -> list[tuple[int, float]]:
    """Rows whose setting is of this one thing, with its amount."""
    rows = []
    for row, setting in enumerate(settings):
        said = setting.to_json()
        if set(said) == {name}:
            rows.append((row, float(getattr(setting, name))))
    return rows


def _row_at(values: Sequence[float], rows: Sequence[int], amount: float) -> float:
    place = bisect.bisect_left(values, amount)
    if place < len(values) and values[place] == amount:
        return float(rows[place])
    if place in (0, len(values)):
        end = 0 if place == 0 else -1
        beyond = rows[end] < rows[-1 - end] if len(rows) > 1 else place == 0
        return rows[end] - 0.42 if beyond else rows[end] + 0.42
    share = (amount - values[place - 1]) / (values[place] - values[place - 1])
    return rows[place - 1] + share * (rows[place] - rows[place - 1])


def _cost_at(points: Sequence[tuple[float, float]], amount: float, *, is_bits: bool) -> tuple[float, bool]:
    """Between two cells along the logarithm of what they cost; beyond the last by the law of quantization noise."""
    values = [value for value, _ in points]
    place = bisect.bisect_left(values, amount)
    if place < len(values) and values[place] == amount:
        return points[place][1], True
    if is_bits and place in (0, len(values)):
        value, cost = points[0 if place == 0 else -1]
        return cost * _FALL_A_BIT ** (value - amount), False
    if place == len(values):
        return points[-1][1], False
    above = points[place]
    if place == 0:
        # Without zeros nothing is lost.
        return above[1] * (amount / above[0]) ** 2, False
    below = points[place - 1]
    share = (amount - below[0]) / (above[0] - below[0])
    if min(below[1], above[1]) <= 0:
        return below[1] + share * (above[1] - below[1]), False
    return float(below[1] ** (1 - share) * above[1] ** share), False
