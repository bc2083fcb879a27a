"""The devices that latency can be estimated for: asked for when somebody first looks, and after each change."""

from PySide6.QtCore import QObject, Signal

from workbench.engine.core.device_profile import DeviceProfile
from workbench.gui.engine import Engine
from workbench.worker.messages import Failed


class KnownDevices(QObject):
    """`changed` when there are other profiles; `failed(text, details)` when they could not be read."""

    changed = Signal()
    failed = Signal(str, str)

    def __init__(self, engine: Engine, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._engine = engine
        self._is_asked = False
        self.profiles: tuple[DeviceProfile, ...] = ()
        self.problems: tuple[str, ...] = ()

    def find(self, device: str) -> DeviceProfile | None:
        """The profile of that id."""
        return next((profile for profile in self.profiles if profile.id == device), None)

    def ask_once(self) -> None:
        """Ask the engine, unless it was asked before."""
        if not self._is_asked:
            self.ask()

    def ask(self) -> None:
        """Ask the engine, which reads the files of a user's own profiles each time."""
        self._is_asked = True
        self._engine.request("quick", "device_profiles", on_done=self._on_done, on_failed=self._on_failed)

    def _on_done(self, found: object) -> None:
        assert isinstance(found, tuple)
        self.profiles, self.problems = found
        for problem in self.problems:
            self.failed.emit(problem, "")
        self.changed.emit()

    def _on_failed(self, failure: Failed) -> None:
        self._is_asked = False
        self.failed.emit(failure.text, failure.details)
