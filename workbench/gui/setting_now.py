"""What a layer has now, in the words of a scan, and where that stands among the settings that were tried."""

import bisect
from collections.abc import Sequence
from dataclasses import dataclass, field

from workbench.engine.core.recipe import LayerSettings
from workbench.engine.core.sensitivity import ScanSetting


@dataclass(frozen=True, slots=True)
class SettingNow:
    """What the recipe asks of one layer, as far as a scan has words for it; None and 0 where nothing is asked.

    Args:
        bits, activation_bits: of weights, and of what goes in and out.
        sparsity, ratio: fraction of zeros, and of channels that go.
        settings: all that is asked.
    """

    bits: int | None = None
    activation_bits: int | None = None
    sparsity: float = 0.0
    ratio: float = 0.0
    settings: LayerSettings | None = field(default=None, compare=False)

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
