"""The channel groups of the model on the bench, asked for once, and what the recipe leaves of them."""

from collections.abc import Mapping

from PySide6.QtCore import QObject, Signal, Slot

from workbench.engine.core.channel_group import ModelChannels
from workbench.engine.core.channel_importance import CriterionInfo
from workbench.engine.core.layer import ModelInfo
from workbench.engine.core.recipe import Recipe
from workbench.gui.channels_now import ChannelsNow, GroupWishes
from workbench.gui.engine import Engine
from workbench.gui.known_plan import KnownPlan
from workbench.worker.messages import Failed


class KnownChannels(QObject):
    """Follows the bench. Nothing waits for the groups: until they are there, `now` knows none.

    Attributes:
        now: the channels under the recipe on the bench.
        criteria: the ways to tell how much channels matter, by name; empty until the engine has told them.
        refusal: why the groups are not known; empty while they are, or may be.

    Signals:
        changed: `now` or the criteria are others for the same recipe: the engine has answered.
        failed: (text, details)
    """

    changed = Signal()
    failed = Signal(str, str)

    def __init__(self, engine: Engine, plans: KnownPlan, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._engine = engine
        self._plans = plans
        self.now = ChannelsNow()
        self.criteria: Mapping[str, CriterionInfo] = {}
        self.refusal = ""
        self._model: ModelInfo | None = None
        self._recipe = Recipe()
        self._has_samples = False
        self._wishes: GroupWishes | None = None
        plans.changed.connect(self._on_plan)

    def begin_model(self, model: ModelInfo, recipe: Recipe) -> None:
        """Another model lies on the bench, without samples: ask for its groups."""
        self._model, self._recipe, self._wishes = model, recipe, None
        self._has_samples, self.refusal = False, ""
        self._resolve()
        self._ask()

    def begin_again(self) -> None:
        """The engine was started anew: what it was asked for is lost."""
        if self._model is not None and self._wishes is None:
            self._ask()

    def set_recipe(self, recipe: Recipe) -> None:
        """Another recipe lies on the bench."""
        self._recipe = recipe
        self._resolve()

    def set_has_samples(self, has_samples: bool) -> None:
        """Whether there are samples that a criterion may look at."""
        self._has_samples = has_samples
        self._resolve()

    def _ask(self) -> None:
        model = self._model

        def on_channels(channels: object) -> None:
            assert isinstance(channels, ModelChannels)
            if model is self._model and model is not None:
                self._wishes = GroupWishes(model, channels)
                self._resolve()
                self.changed.emit()

        def on_failed(failure: Failed) -> None:
            if model is self._model:
                self.refusal = f"the channels cannot be followed: {failure.text}"
                self.failed.emit(self.refusal, failure.details)
                self.changed.emit()

        # Beside what is waited for: a large graph takes a while to follow.
        self._engine.request("look", "channels", on_done=on_channels, on_failed=on_failed)
        if not self.criteria:
            self._engine.request("look", "criteria", on_done=self._on_criteria, on_failed=self._on_failed)

    def _on_criteria(self, criteria: object) -> None:
        assert isinstance(criteria, tuple)
        self.criteria = {one.name: one for one in criteria}
        self._resolve()
        self.changed.emit()

    def _on_failed(self, failure: Failed) -> None:
        self.failed.emit(failure.text, failure.details)

    @Slot()
    def _on_plan(self) -> None:
        before = self.now
        self._resolve()
        if dict(before.kept) != dict(self.now.kept) or before.is_spread != self.now.is_spread:
            self.changed.emit()

    def _resolve(self) -> None:
        if self._wishes is None:
            self.now = ChannelsNow()
            return
        plan = self._plans.plan if self._plans.is_current else None
        self.now = self._wishes.now(self._recipe, criteria=self.criteria, has_samples=self._has_samples, plan=plan)
