"""The plan of the recipe on the bench, as the engine resolves it: asked for when nothing moves, never made here."""

from PySide6.QtCore import QObject, QTimer, Signal, Slot

from workbench.engine.core.plan import Plan
from workbench.engine.core.recipe import Recipe
from workbench.gui.engine import Engine
from workbench.gui.lanes import LatestLane
from workbench.worker.messages import Failed

# A plan counts the weights of every pruned layer, which is too much for each move of a drag.
_REST_MS = 150


class KnownPlan(QObject):
    """Follows the recipe; `changed` when a plan, or the reason why there is none, has come."""

    changed = Signal()

    def __init__(self, engine: Engine, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.plan: Plan | None = None
        self.refusal = ""
        self._recipe = Recipe()
        self._planned: Recipe | None = None
        self._lane = LatestLane(engine, "look", cancels=True, parent=self)
        self._rest = QTimer(self, interval=_REST_MS, singleShot=True)
        self._rest.timeout.connect(self._ask)

    @property
    def is_current(self) -> bool:
        """Whether the plan is of the recipe as it is now."""
        return self._planned is not None and self._planned == self._recipe

    def set_recipe(self, recipe: Recipe) -> None:
        """Another recipe lies on the bench."""
        self._recipe = recipe
        self._rest.start()

    def begin_again(self, recipe: Recipe) -> None:
        """Another model or other samples: what can be done is another matter."""
        self.plan, self.refusal, self._planned = None, "", None
        self._lane.clear()
        self.set_recipe(recipe)

    @Slot(object)
    def refine(self, measured: object) -> None:
        """Samples have been run: ask again for a plan that waits for what they tell."""
        if self.plan is not None and self.plan.awaits_samples and self.is_current:
            self._ask()

    @Slot()
    def _ask(self) -> None:
        recipe = self._recipe

        def on_done(plan: object) -> None:
            assert isinstance(plan, Plan)
            self._take(recipe, plan, "")

        def on_failed(failure: object) -> None:
            assert isinstance(failure, Failed)
            self._take(recipe, None, failure.text)

        self._lane.submit("plan", recipe, on_done=on_done, on_failed=on_failed)

    def _take(self, recipe: Recipe, plan: Plan | None, refusal: str) -> None:
        self._planned, self.plan, self.refusal = recipe, plan, refusal
        self.changed.emit()
