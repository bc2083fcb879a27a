"""Estimated latency of many recipes on the chosen device, asked for one after the other while somebody looks."""

from collections.abc import Iterable

from PySide6.QtCore import QObject, Signal, Slot

from workbench.engine.core.latency_estimate import LatencyEstimate
from workbench.engine.core.measurement import Figure
from workbench.engine.core.recipe import Recipe
from workbench.gui.engine import Engine
from workbench.gui.known_latency import KnownLatency


class DeviceTimes(QObject):
    """`changed` when all that was asked for is known, or another device was chosen.

    Args:
        engine: estimates.
        latency: says for which device.
    """

    changed = Signal()

    def __init__(self, engine: Engine, latency: KnownLatency, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._engine = engine
        self._latency = latency
        self._figures: dict[str, Figure | None] = {}
        self._wanted: list[Recipe] = []
        self._is_asking = False
        self._round = 0
        latency.began.connect(self._begin)

    def of(self, recipe: Recipe) -> Figure | None:
        """What a recipe takes there, as far as it is known and there is a figure."""
        return self._figures.get(recipe.digest)

    def ask(self, recipes: Iterable[Recipe]) -> None:
        """Find out what these take."""
        if not self._latency.device:
            return
        self._wanted = [recipe for recipe in recipes if recipe.digest not in self._figures]
        if not self._is_asking:
            self._next()

    def _next(self) -> None:
        if not self._wanted:
            return
        recipe, asked = self._wanted.pop(), self._round
        self._is_asking = True

        def on_end(found: object) -> None:
            self._is_asking = False
            if asked == self._round:
                # One that is refused has no figure, and is not asked for again.
                self._figures[recipe.digest] = found.figure if isinstance(found, LatencyEstimate) else None
                if not self._wanted:
                    self.changed.emit()
            self._next()

        # Not in the quick lane: a knob that moves meanwhile comes first.
        self._engine.request(
            "look", "estimate_latency", self._latency.device, recipe,
            on_done=on_end, on_failed=on_end, on_stopped=on_end,
        )  # fmt: skip

    @Slot()
    def _begin(self) -> None:
        """Another device or another model: nothing that was found holds."""
        self._round += 1
        self._figures.clear()
        self._wanted.clear()
        self.changed.emit()
