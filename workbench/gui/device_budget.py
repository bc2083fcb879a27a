"""The latency budget of the chosen device: whether it holds now, and whether the recipe on the bench keeps it."""

from PySide6.QtCore import QObject, Signal, Slot

from workbench.gui.bench import Bench
from workbench.gui.known_latency import KnownLatency


class DeviceBudget(QObject):
    """Follows budgets and estimates; `changed` when there is another limit or another answer.

    A budget belongs to the device that it was set for, and waits while another one is chosen. Where the device has no
    figure of the recipe on the bench there is nothing to hold against it: none can be set, and one that was set waits.

    Args:
        bench: has the budgets.
        latency: says which device is chosen, and what it takes.
    """

    changed = Signal()

    def __init__(self, bench: Bench, latency: KnownLatency, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._bench = bench
        self._latency = latency
        self._said = self._state()
        bench.budgets_changed.connect(self._on_change)
        latency.changed.connect(self._on_change)

    @property
    def device(self) -> str:
        """Id of the chosen device; empty if none is."""
        return self._latency.device

    @property
    def can_be_set(self) -> bool:
        """Whether there is a device with a figure."""
        estimate = self._latency.estimate
        return bool(self.device) and estimate is not None and estimate.figure is not None

    @property
    def ms(self) -> float | None:
        """The limit; None where there is none. Until it is known that there is no figure, it holds."""
        return None if self.waits else self._bench.budgets.on_device(self.device)

    @property
    def waits(self) -> bool:
        """Whether the device has a limit that does not hold, as it has no figure of the recipe on the bench."""
        latency = self._latency
        is_without = bool(latency.refusal) or (latency.estimate is not None and latency.estimate.figure is None)
        return is_without and self._bench.budgets.on_device(self.device) is not None

    @property
    def is_in_band(self) -> bool:
        """Whether the limit lies where the recipe may as well take less as more."""
        limit, estimate = self.ms, self._latency.estimate
        figure = estimate.figure if estimate is not None else None
        if limit is None or figure is None or figure.low is None or figure.high is None:
            return False
        return figure.low < limit < figure.high

    @property
    def is_met(self) -> bool | None:
        """Whether the recipe on the bench keeps the limit.

        None where there is no limit, where the figure is of an earlier recipe, and where a band that is too wide to
        decide by holds the limit.
        """
        limit, latency = self.ms, self._latency
        estimate = latency.estimate
        if limit is None or estimate is None or estimate.figure is None or latency.is_late:
            return None
        if estimate.is_rough and self.is_in_band:
            return None
        return estimate.figure.value <= limit

    def set(self, ms: float, gesture: object = None) -> None:
        """Set the limit of the chosen device; a negative one takes it away."""
        if self.can_be_set:
            self._bench.set_budgets(self._bench.budgets.with_device(self.device, ms), gesture=gesture)

    def _state(self) -> tuple[object, ...]:
        return self.device, self.can_be_set, self.ms, self.waits, self.is_in_band, self.is_met

    @Slot()
    def _on_change(self) -> None:
        said, self._said = self._said, self._state()
        if said != self._said:
            self.changed.emit()
