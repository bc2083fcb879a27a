"""A figure that knows where it comes from: measured here, estimated, or reported by somebody."""

from dataclasses import dataclass
from enum import StrEnum


class Origin(StrEnum):
    """Where a figure comes from."""

    MEASURED = "measured"
    ESTIMATED = "estimated"
    REPORTED = "reported"


@dataclass(frozen=True, slots=True)
class Figure:
    """One value with its interval, unit and origin.

    Args:
        value: the figure itself, in `unit`.
        low, high: the interval, or None where the figure is exact or no interval is known.
        unit: "fraction", "ms", "bytes", "dB", "nat", "count".
        n: number of samples or runs behind it; 0 where that means nothing.
        level: how sure the interval is, per cent.
    """

    value: float
    unit: str
    origin: Origin
    low: float | None = None
    high: float | None = None
    n: int = 0
    level: int = 95

    def to_json(self) -> dict[str, object]:
        """The object that `--json` prints for a figure."""
        return {
            "value": self.value,
            "low": self.low,
            "high": self.high,
            "unit": self.unit,
            "origin": str(self.origin),
            "n": self.n,
            "level": self.level,
        }
