"""What layers' activations look like, as far as anybody has asked: one request at a time, beside all other work."""

from collections.abc import Callable
from functools import partial

from PySide6.QtCore import QObject, Signal

from workbench.engine.core.quantization_reports import LayerActivations
from workbench.engine.core.recipe import Recipe
from workbench.gui.engine import Engine
from workbench.gui.lanes import LatestLane
from workbench.worker.messages import Failed

# Each takes some 20 kB.
_MOST_KEPT = 256


class KnownActivations(QObject):
    """Answers at once what is known, and asks the engine for the rest.

    `arrived(LayerActivations)` when an answer has come; `failed(layer, text)` when there is none.
    """

    arrived = Signal(object)
    failed = Signal(str, str)

    def __init__(self, engine: Engine, parent: QObject | None = None) -> None:
        super().__init__(parent)
        # An edit does not cancel what runs: the pass over the samples is for all layers, and for the next recipe too.
        self._lane = LatestLane(engine, "look", parent=self)
        self._known: dict[tuple[str, str], LayerActivations] = {}
        self._asked: tuple[str, str] | None = None
        self._bench = object()

    def find(self, layer: str, recipe: Recipe) -> LayerActivations | None:
        """What is known of a layer under a recipe; if that is nothing, it is asked for, and `arrived` follows."""
        key = (recipe.digest, layer)
        known = self._known.get(key)
        if known is None and (key != self._asked or self._lane.is_idle):
            self._asked = key
            self._lane.submit(
                "layer_activations", layer, recipe,
                on_done=self._of_bench(self._on_arrived), on_failed=self._of_bench(partial(self._on_failed, layer)),
            )  # fmt: skip
        return known

    def forget(self) -> None:
        """Another model or other samples: what is known holds no more, and what was asked is not wanted."""
        self._known.clear()
        self._bench = object()
        self._lane.clear()

    def _of_bench(self, answer: Callable[[object], None]) -> Callable[[object], None]:
        """The answer, unless something else lies on the bench by then."""
        bench = self._bench

        def on_answer(value: object) -> None:
            if bench is self._bench:
                answer(value)

        return on_answer

    def _on_arrived(self, found: object) -> None:
        assert isinstance(found, LayerActivations)
        while len(self._known) >= _MOST_KEPT:
            del self._known[next(iter(self._known))]
        self._known[found.recipe_digest, found.layer] = found
        self.arrived.emit(found)

    def _on_failed(self, layer: str, failure: object) -> None:
        assert isinstance(failure, Failed)
        self.failed.emit(layer, failure.text)
