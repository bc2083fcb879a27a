"""What a plan says of the whole."""

import pytest

from workbench.engine.core.plan import LayerPlan, Plan
from workbench.engine.core.recipe import WeightSettings

_WIDE, _SHARED = "weights of 9 bits are not written yet", "its weights are quantized already"


def _idle(layer: str, reason: str) -> LayerPlan:
    return LayerPlan(layer, "weights 9 bit", "nothing", reason)


@pytest.mark.parametrize(
    ("layers", "said"),
    [
        ((_idle("a", _WIDE), _idle("b", _WIDE), _idle("c", _SHARED)), f"nothing was changed: {_WIDE}; {_SHARED}"),
        ((), "nothing was changed: the recipe asks for nothing that changes a weight"),
    ],
    ids=["each reason once", "nothing asked"],
)
def test_a_plan_that_does_nothing_says_so(layers: tuple[LayerPlan, ...], said: str):
    plan = Plan(layers)

    assert (plan.is_changed, plan.remarks) == (False, (said,))


def test_a_plan_that_changes_a_layer_has_its_notes():
    plan = Plan((_idle("a", _WIDE), LayerPlan("b", "", "", weights=WeightSettings(bits=4))), notes=("a note",))

    assert (plan.is_changed, plan.remarks) == (True, ("a note",))


@pytest.mark.parametrize(
    ("plan", "is_refused"),
    [
        (Plan((_idle("a", _WIDE),)), True),
        (Plan((_idle("a", _WIDE), LayerPlan("b", "", "", weights=WeightSettings(bits=4)))), False),
        (Plan((LayerPlan("a", "prune 0.0% of the weights", "zero 0.0% of the weights"),)), False),
        (Plan(()), False),
    ],
    ids=["all of it", "a part", "asks for what is so already", "asks for nothing"],
)
def test_a_plan_is_refused_where_something_is_asked_and_nothing_done(plan: Plan, is_refused: bool):
    assert plan.is_refused == is_refused
