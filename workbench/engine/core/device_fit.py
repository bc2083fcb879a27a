"""What a user's own measurements make of a device profile, before it is kept."""

from dataclasses import dataclass
from pathlib import Path

from workbench.engine.core.device_profile import DeviceProfile


@dataclass(frozen=True, slots=True)
class FittedTime:
    """One measurement, and what the profile says of that model before and after the fit.

    Args:
        model: its file.
        measured_ms: on the user's device.
        before_ms, after_ms: estimated; None where there is no figure, as on a device that was measured in int8 only.
        by_others_ms: estimated by a profile that is fitted to the other measurements alone; None without others.
    """

    model: Path
    measured_ms: float
    before_ms: float | None
    after_ms: float | None
    by_others_ms: float | None = None

    @property
    def error_before(self) -> float | None:
        """Estimate over measurement, less one.

        >>> FittedTime(Path("net.onnx"), 10.0, 12.0, 10.5).error_before
        0.2
        """
        return None if self.before_ms is None else round(self.before_ms / self.measured_ms - 1, 12)

    @property
    def error_after(self) -> float | None:
        """The same after the fit; small, as the measurement itself is in it."""
        return None if self.after_ms is None else round(self.after_ms / self.measured_ms - 1, 12)

    @property
    def error_by_others(self) -> float | None:
        """The same of what the others say: about what is to be expected of a model that was not measured."""
        return None if self.by_others_ms is None else round(self.by_others_ms / self.measured_ms - 1, 12)


@dataclass(frozen=True, slots=True)
class DeviceFit:
    """A profile fitted to measurements.

    Args:
        profile: as it would be kept.
        times: what it says of each model that was measured.
        notes: what has to be said of the measurements.
    """

    profile: DeviceProfile
    times: tuple[FittedTime, ...]
    notes: tuple[str, ...] = ()
