"""The estimated latency of the recipe on the bench on the device that was chosen: asked for at each move."""

from PySide6.QtCore import QObject, QTimer, Signal, Slot

from workbench.engine.core.device_profile import DeviceProfile
from workbench.engine.core.latency_estimate import LatencyEstimate
from workbench.engine.core.layer import ModelInfo
from workbench.engine.core.recipe import Recipe
from workbench.gui.engine import Engine
from workbench.gui.known_devices import KnownDevices
from workbench.gui.lanes import LatestLane
from workbench.worker.messages import Failed

# An estimate takes some milliseconds: only one that is late is worth a word.
_LATE_MS = 150


class KnownLatency(QObject):
    """Follows the recipe; `changed` when there is another device or another figure, `device_changed(id)` for settings.

    `began` when nothing that was found before holds: another device or another model.

    Attributes:
        device: id of the profile that was chosen; empty if none is.
        estimate: of the last recipe that is known.
        original: of the model as it is.
        refusal: why there is none, as the engine says it.
    """

    changed = Signal()
    began = Signal()
    device_changed = Signal(str)

    def __init__(self, engine: Engine, devices: KnownDevices, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._devices = devices
        self._profile: DeviceProfile | None = None
        self.device = ""
        self.estimate: LatencyEstimate | None = None
        self.original: LatencyEstimate | None = None
        self.refusal = ""
        self._model: ModelInfo | None = None
        self._recipe = Recipe()
        self._estimated: Recipe | None = None
        # A lane for each: the newest move must not push out the question about the original.
        self._lane = LatestLane(engine, "quick", parent=self)
        self._original_lane = LatestLane(engine, "quick", parent=self)
        self._late = QTimer(self, interval=_LATE_MS, singleShot=True)
        self._late.timeout.connect(self.changed)
        devices.changed.connect(self._on_devices)

    @property
    def profile(self) -> DeviceProfile | None:
        """Of the device that was chosen; None before the profiles are known."""
        return self._profile

    @property
    def is_current(self) -> bool:
        """Whether the estimate is of the recipe as it is now."""
        return self._estimated is not None and self._estimated == self._recipe

    @property
    def is_late(self) -> bool:
        """Whether the estimate is of an earlier recipe, and has been for longer than a drag takes to be followed."""
        return not self.is_current and not self._late.isActive()

    def choose(self, device: str) -> None:
        """Estimate for another device; for none if the id is empty."""
        if device == self.device:
            return
        self.device = device
        self._profile = self._devices.find(device)
        self.device_changed.emit(device)
        self._begin()

    def begin_model(self, model: ModelInfo, recipe: Recipe) -> None:
        """Another model lies on the bench."""
        self._model, self._recipe = model, recipe
        self._begin()

    def set_recipe(self, recipe: Recipe) -> None:
        """Another recipe lies on the bench."""
        self._recipe = recipe
        self.ask()

    def ask(self) -> None:
        """Ask for the recipe's figure, as what it rests on may have changed."""
        if self._model is None or not self.device:
            return
        device, model, recipe = self.device, self._model, self._recipe

        def on_done(found: object) -> None:
            if isinstance(found, LatencyEstimate) and self._is_of(device, model):
                self._take(recipe, found, "")

        def on_failed(failure: object) -> None:
            if isinstance(failure, Failed) and self._is_of(device, model):
                self._take(recipe, None, failure.text)

        if not self._late.isActive():
            self._late.start()
        self._lane.submit("estimate_latency", device, recipe, on_done=on_done, on_failed=on_failed)

    def begin_again(self) -> None:
        """The engine was started anew: what it was asked for is lost."""
        self._begin()

    def _begin(self) -> None:
        """Nothing that was found holds."""
        self.estimate, self.original, self.refusal, self._estimated = None, None, "", None
        self.began.emit()
        self.changed.emit()
        self.ask()
        if self._model is None or not self.device:
            return
        # With the first estimate and not before: at the start nobody should wait for the profiles.
        self._devices.ask_once()
        device, model = self.device, self._model

        def on_done(found: object) -> None:
            if isinstance(found, LatencyEstimate) and self._is_of(device, model):
                self.original = found
                self.changed.emit()

        self._original_lane.submit("estimate_latency", device, Recipe(), on_done=on_done)

    def _is_of(self, device: str, model: ModelInfo) -> bool:
        """Whether an answer is still of use."""
        return device == self.device and model is self._model

    def _take(self, recipe: Recipe, estimate: LatencyEstimate | None, refusal: str) -> None:
        self._estimated, self.estimate, self.refusal = recipe, estimate, refusal
        if self.is_current:
            self._late.stop()
        self.changed.emit()

    @Slot()
    def _on_devices(self) -> None:
        """Profiles were read: the chosen one may be another by now, or gone."""
        if not self.device:
            return
        before, self._profile = self._profile, self._devices.find(self.device)
        if self._profile is None:
            self.choose("")
        elif before is None:
            self.changed.emit()
        elif before != self._profile:
            self._begin()
