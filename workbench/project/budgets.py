"""The limits that the user sets for accuracy, size and latency, here and on devices."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

_SINGLE = ("accuracy", "size_bytes", "latency_ms")


@dataclass(frozen=True, slots=True)
class Budgets:
    """None where no limit is set. `accuracy` is a floor (0…1), the others are ceilings.

    Args:
        latency_ms: on this computer.
        device_ms: on other devices, by the ids of their profiles: what is set for one says nothing of another.
    """

    accuracy: float | None = None
    size_bytes: float | None = None
    latency_ms: float | None = None
    device_ms: Mapping[str, float] = field(default_factory=dict, hash=False)

    def with_accuracy(self, value: float) -> "Budgets":
        """Another floor; a negative one takes it away."""
        return replace(self, accuracy=value if value >= 0 else None)

    def with_size(self, value: float) -> "Budgets":
        """Another ceiling in bytes; a negative one takes it away."""
        return replace(self, size_bytes=value if value >= 0 else None)

    def with_latency(self, value: float) -> "Budgets":
        """Another ceiling in milliseconds on this computer; a negative one takes it away."""
        return replace(self, latency_ms=value if value >= 0 else None)

    def with_device(self, device: str, value: float) -> "Budgets":
        """Another ceiling in milliseconds on one device; a negative one takes it away."""
        others = {name: ms for name, ms in self.device_ms.items() if name != device}
        return replace(self, device_ms=others | {device: value} if value >= 0 else others)

    def on_device(self, device: str) -> float | None:
        """The ceiling in milliseconds that was set for this device."""
        return self.device_ms.get(device)

    def to_json(self) -> dict[str, object]:
        """The limits that are set, by name."""
        single = {name: getattr(self, name) for name in _SINGLE if getattr(self, name) is not None}
        return single | {"device_ms": dict(self.device_ms)} if self.device_ms else single

    @staticmethod
    def from_json(values: Mapping[str, object]) -> "Budgets":
        """What `to_json` gave; names that are not known are left out. Raises TypeError for what is no limit."""
        single = {name: _limit(name, values[name]) for name in _SINGLE if values.get(name) is not None}
        devices = values.get("device_ms", {})
        if not isinstance(devices, dict):
            raise TypeError(f"device_ms cannot be {devices!r}")
        return Budgets(**single, device_ms={name: _limit(f"device_ms of {name}", ms) for name, ms in devices.items()})


def _limit(name: str, value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value) or value < 0:
        raise TypeError(f"{name} cannot be {value!r}")
    return value
