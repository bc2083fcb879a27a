"""Verbs about phones and boards: their profiles, and what they would take."""

from collections.abc import Sequence
from pathlib import Path

from workbench.engine.core.device_fit import DeviceFit
from workbench.engine.core.device_profile import DeviceProfile
from workbench.engine.core.latency_estimate import LatencyEstimate
from workbench.engine.core.recipe import Recipe
from workbench.engine.core.tool_time import ToolTime
from workbench.estimating import pasted_times, tool_times
from workbench.jobs import JobContext
from workbench.session.on_bench import OnBench


class DeviceVerbs(OnBench):
    """Estimates for devices, and a user's own devices."""

    def device_profiles(self) -> tuple[tuple[DeviceProfile, ...], tuple[str, ...]]:
        """The devices that can be estimated for, a user's own first, and what is wrong with files of those."""
        return self._devices.profiles()

    def estimate_latency(
        self,
        device: str,
        recipe: Recipe | None = None,
        *,
        measured_ms: float | None = None,
        ctx: JobContext | None = None,
    ) -> LatencyEstimate:
        """Estimated latency on a device of the graph that the recipe gives, layer by layer.

        Args:
            device: id of a profile.
            recipe: what is done to the model first; nothing without.
            measured_ms: what the user measured of the model itself there; the profile is fitted to it first.
            ctx: asked before each step.

        Raises:
            Cancelled: somebody asked to stop.
            DataError: the time is none.
            ProjectError: there is no such device.
            RecipeError: the recipe does not fit the model.
        """
        recipe, ctx = recipe or Recipe(), ctx or JobContext()
        return self._estimating.estimate(self._bench, device, recipe, measured_ms=measured_ms, ctx=ctx)

    def fit_device(
        self, device: str, like: str, measured: Sequence[tuple[Path, float]], *, name: str = ""
    ) -> DeviceFit:
        """What model files' ms on a user's own device make of a profile; nothing is kept. Raises as `Devices.fit`."""
        return self._devices.fit(device, like, measured, name=name)

    def tool_times(self, path: str | Path) -> tuple[ToolTime, ...]:
        """The times in a file that a measuring tool has written. Raises DataError."""
        return tool_times(Path(path))

    def pasted_times(self, text: str) -> tuple[ToolTime, ...]:
        """The times in what a measuring tool has printed. Raises DataError."""
        return pasted_times(text)

    def add_device(
        self, device: str, like: str, measured: Sequence[tuple[Path, float]], *, name: str = "", force: bool = False
    ) -> DeviceProfile:
        """Keep a profile of a user's own device, fitted to model files' ms there. Raises as `Devices.add` does."""
        return self._devices.add(device, like, measured, name=name, force=force)

    def remove_device(self, device: str) -> None:
        """Forget a profile of the user's own. Raises ProjectError if it is none."""
        self._devices.remove(device)

    def export_device(self, device: str, path: str | Path, *, force: bool = False) -> None:
        """Write a device profile to a file. Raises ExportError or ProjectError."""
        self._devices.export(device, Path(path), force=force)

    def import_device(self, path: str | Path, *, force: bool = False) -> DeviceProfile:
        """Keep a device profile that somebody exported. Raises ExportError or ProjectError."""
        return self._devices.take_in(Path(path), force=force)
