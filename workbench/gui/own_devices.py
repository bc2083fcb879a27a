"""What is asked of the engine about a user's own devices: fitting, keeping, removing, writing, taking in."""

from collections.abc import Callable
from functools import partial
from pathlib import Path

from PySide6.QtCore import QObject, Signal

from workbench.engine.core.device_fit import DeviceFit
from workbench.engine.core.device_profile import DeviceProfile
from workbench.gui.device_wish import DeviceWish
from workbench.gui.engine import Engine
from workbench.gui.known_devices import KnownDevices
from workbench.gui.lanes import LatestLane
from workbench.worker.messages import Failed


class OwnDevices(QObject):
    """Asks; exactly one of the signals follows each question.

    `fitted(wish, fit)`, `kept(profile)`, `removed(id)`, `exported(path)`, `times_read(times)`; `refused(text)`.
    """

    fitted = Signal(object, object)
    kept = Signal(object)
    removed = Signal(str)
    exported = Signal(object)
    times_read = Signal(object)
    refused = Signal(str)

    def __init__(self, engine: Engine, devices: KnownDevices, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._engine = engine
        self._devices = devices
        # Each key in a field asks again; only the last question counts.
        self._fits = LatestLane(engine, "look", cancels=True, parent=self)

    def fit(self, wish: DeviceWish) -> None:
        """What the measurements make of the profile; nothing is kept."""

        def on_done(fit: object) -> None:
            assert isinstance(fit, DeviceFit)
            self.fitted.emit(wish, fit)

        self._fits.submit(
            "fit_device", wish.id, wish.like, wish.measured, name=wish.name, on_done=on_done, on_failed=self._on_failed
        )

    def keep(self, wish: DeviceWish, *, force: bool) -> None:
        """Keep the profile, in place of one of that name if `force` is given."""
        self._request("add_device", wish.id, wish.like, wish.measured, name=wish.name, force=force, then=self._on_kept)

    def remove(self, device: str) -> None:
        """Forget a profile."""
        self._request("remove_device", device, then=partial(self._on_removed, device))

    def export(self, device: str, path: Path, *, force: bool) -> None:
        """Write a profile to a file."""
        self._request("export_device", device, str(path), force=force, then=lambda _: self.exported.emit(path))

    def take_in(self, path: Path, *, force: bool) -> None:
        """Keep a profile that somebody exported."""
        self._request("import_device", str(path), force=force, then=self._on_kept)

    def read_times(self, path: Path) -> None:
        """Read the times that a measuring tool has written to a file."""
        self._request("tool_times", str(path), then=self.times_read.emit)

    def read_pasted(self, text: str) -> None:
        """Read the times in what a measuring tool has printed."""
        self._request("pasted_times", text, then=self.times_read.emit)

    def _request(self, verb: str, *args: object, then: Callable[[object], None], **kwargs: object) -> None:
        self._engine.request("look", verb, *args, on_done=then, on_failed=self._on_failed, **kwargs)  # type: ignore[arg-type] # they are the verb's

    def _on_kept(self, profile: object) -> None:
        assert isinstance(profile, DeviceProfile)
        self._devices.ask()
        self.kept.emit(profile)

    def _on_removed(self, device: str, answer: object) -> None:
        self._devices.ask()
        self.removed.emit(device)

    def _on_failed(self, failure: object) -> None:
        assert isinstance(failure, Failed)
        self.refused.emit(failure.text)
