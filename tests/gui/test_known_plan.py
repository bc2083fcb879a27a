"""The plan of the recipe on the bench, asked for again once samples have told what it waits for."""

import pytest

from workbench.engine.core.plan import Plan
from workbench.engine.core.recipe import Prune, Recipe
from workbench.gui.known_plan import KnownPlan

_RECIPE = Recipe().with_rule("*", prune=Prune("filters", ratio=0.5, criterion="taylor", scope="global"))


@pytest.fixture
def plans(fake_engine, qtbot) -> KnownPlan:
    plans = KnownPlan(fake_engine)
    plans.set_recipe(_RECIPE)
    qtbot.waitUntil(lambda: len(fake_engine.of("plan", "look")) == 1)
    return plans


def _answer(fake_engine, plan: Plan) -> None:
    fake_engine.of("plan", "look")[-1].ticket.on_done(plan)


def test_a_plan_that_waits_for_samples_is_asked_for_again_when_they_have_been_run(plans: KnownPlan, fake_engine):
    _answer(fake_engine, Plan((), awaits_samples=True))

    plans.refine(None)
    _answer(fake_engine, Plan((), notes=("refined",)))

    assert len(fake_engine.of("plan", "look")) == 2
    assert plans.plan == Plan((), notes=("refined",))


def test_a_plan_that_is_final_is_not_asked_for_again(plans: KnownPlan, fake_engine):
    _answer(fake_engine, Plan(()))

    plans.refine(None)

    assert len(fake_engine.of("plan", "look")) == 1
