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
        low, high: the 95 % interval, or None where the figure is exact or no interval is known.
        unit: "fraction", "ms", "bytes", "dB", "nat", "count".
        n: number of samples or runs behind it; 0 where that means nothing.
    """

    value: float
    unit: str
    origin: Origin
    low: float | None = None
    high: float | None = None
    n: int = 0

    def to_json(self) -> dict[str, object]:
        """The object that `--json` prints for a figure."""
        return {
            "value": self.value,
            "low": self.low,
            "high": self.high,
            "unit": self.unit,
            "origin": str(self.origin),
            "n": self.n,
        }


@dataclass(frozen=True, slots=True)
class Measurement:
    """A figure together with everything that it was measured on.

    Args:
        metric: "top1", "top5", "psnr", "agreement", "latency_p50", …
        model_digest, recipe_digest, dataset_id, device_id: what it holds for; empty where not involved.
        tool: program and version that gave the figure, such as "onnxruntime 1.32.0".
    """

    metric: str
    figure: Figure
    model_digest: str
    recipe_digest: str = ""
    dataset_id: str = ""
    device_id: str = ""
    tool: str = ""
