"""The limits that the user sets for accuracy, size and latency."""

from dataclasses import dataclass, replace


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
