"""How much channels matter, as far as anybody has asked: the scores of a group are asked for once a criterion."""

from collections.abc import Callable
from functools import partial

from PySide6.QtCore import QObject, Signal

from workbench.engine.core.channel_importance import ChannelImportance
from workbench.engine.core.channel_wishes import DEFAULT_CRITERION
from workbench.engine.core.recipe import Recipe
from workbench.gui.engine import Engine
from workbench.gui.known_channels import KnownChannels
from workbench.gui.lanes import LatestLane
from workbench.worker.messages import Failed

_Key = tuple[object, ...]
# Each takes some kB.
_MOST_KEPT = 512


class KnownImportance(QObject):
    """Answers at once what is known, and asks the engine for the rest; a drag asks nothing, as scores stay.

    `arrived(ChannelImportance)` when an answer has come; `failed(layer, text)` when there is none.
    """

    arrived = Signal(object)
    failed = Signal(str, str)

    def __init__(self, engine: Engine, channels: KnownChannels, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._channels = channels
        self._lanes = {lane: LatestLane(engine, lane, parent=self) for lane in ("quick", "look")}
        self._known: dict[_Key, ChannelImportance] = {}
        self._asked: _Key | None = None
        self._bench = object()

    def find(self, layer: str, recipe: Recipe) -> ChannelImportance | None:
        """The scores that the recipe's criterion gives a layer's group; None until they arrive.

        Where blocks tie channels together, `kept` may be of an earlier recipe until the new answer arrives.
        """
        criterion = self._criterion(layer)
        key = (layer, criterion, recipe.calibration)
        known = self._known.get(key)
        if known is not None and not (known.has_blocks and known.recipe_digest != recipe.digest):
            return known
        # Only where blocks decide is the answer one of the recipe, and not of the criterion alone.
        wanted = (*key, recipe.digest) if known is not None else key
        needs = self._channels.criteria.get(criterion)
        lane = self._lanes["look" if needs is not None and needs.needs_samples else "quick"]
        if wanted != self._asked or lane.is_idle:
            self._asked = wanted
            lane.submit(
                "channel_importance", layer, recipe,
                on_done=self._of_bench(partial(self._on_arrived, key)),
                on_failed=self._of_bench(partial(self._on_failed, layer)),
            )  # fmt: skip
        return known

    def forget(self) -> None:
        """Another model or other samples: what is known holds no more."""
        self._known.clear()
        self._asked = None
        self._bench = object()
        for lane in self._lanes.values():
            lane.clear()

    def _criterion(self, layer: str) -> str:
        now = self._channels.now
        group = now.group_of(layer)
        asked = now.asked.get(group.name) if group is not None else None
        return asked.criterion if asked is not None else DEFAULT_CRITERION

    def _of_bench(self, answer: Callable[[object], None]) -> Callable[[object], None]:
        """The answer, unless something else lies on the bench by then."""
        bench = self._bench

        def on_answer(value: object) -> None:
            if bench is self._bench:
                answer(value)

        return on_answer

    def _on_arrived(self, key: _Key, found: object) -> None:
        assert isinstance(found, ChannelImportance)
        while len(self._known) >= _MOST_KEPT:
            del self._known[next(iter(self._known))]
        self._known[key] = found
        self.arrived.emit(found)

    def _on_failed(self, layer: str, failure: object) -> None:
        assert isinstance(failure, Failed)
        self.failed.emit(layer, failure.text)
