"""The limits that the user sets for accuracy, size and latency."""

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace


@dataclass(frozen=True, slots=True)
class Budgets:
    """None where no limit is set. `accuracy` is a floor (0…1), the others are ceilings."""

    accuracy: float | None = None
    size_bytes: float | None = None
    latency_ms: float | None = None

    def with_accuracy(self, value: float) -> "Budgets":
        """Another floor; a negative one takes it away."""
        return replace(self, accuracy=value if value >= 0 else None)

    def with_size(self, value: float) -> "Budgets":
        """Another ceiling in bytes; a negative one takes it away."""
        return replace(self, size_bytes=value if value >= 0 else None)

    def with_latency(self, value: float) -> "Budgets":
        """Another ceiling in milliseconds; a negative one takes it away."""
        return replace(self, latency_ms=value if value >= 0 else None)

    def to_json(self) -> dict[str, float]:
        """The limits that are set, by name."""
        return {name: value for name, value in asdict(self).items() if value is not None}

    @staticmethod
    def from_json(values: Mapping[str, object]) -> "Budgets":
        """What `to_json` gave; names that are not known are left out. Raises TypeError for what is no limit."""
        known: dict[str, float] = {}
        for item in fields(Budgets):
            value = values.get(item.name)
            if value is None:
                continue
            if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value) or value < 0:
                raise TypeError(f"{item.name} cannot be {value!r}")
            known[item.name] = value
        return Budgets(**known)
