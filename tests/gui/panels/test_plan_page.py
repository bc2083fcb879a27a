"""What the engine plans for a layer, on values, on a double of the engine and once in the whole window."""

import numpy as np
import pytest

from workbench.engine.core.plan import LayerPlan, Plan
from workbench.engine.core.recipe import ActivationRule, Recipe, WeightRule
from workbench.gui.panels.layers_panel import LayersPanel
from workbench.gui.panels.plan_page import PlanTexts, plan_texts

_LONG_MS = 30_000
_PLAN = Plan(
    (
        LayerPlan("a", "weights 4 bit per group 32", "weights 4 bit per channel", "no scales per group"),
        LayerPlan("b", "weights 4 bit per group 32", "weights 4 bit per group 32"),
    ),
    ("the file gets smaller",),
)


@pytest.fixture
def panel(bench, theme, qtbot):
    panel = LayersPanel(bench, theme)
    qtbot.addWidget(panel)
    panel.resize(560, 900)
    panel.show()
    one = np.ones((2, 3), np.float32)
    bench.put(a=one, b=one, c=one)
    return panel


def test_one_layers_entry_is_shown_as_it_is(bench, panel):
    texts = plan_texts(bench.model.layers[:1], _PLAN)

    assert texts == PlanTexts(
        "weights 4 bit per group 32", "weights 4 bit per channel", "no scales per group", "the file gets smaller"
    )


def test_of_several_layers_each_reason_is_said_once_with_its_number(bench, panel):
    texts = plan_texts(bench.model.layers[:2], _PLAN)

    assert texts.asked == "weights 4 bit per group 32"
    assert texts.done == "differs between the selected layers"
    assert texts.why == "no scales per group (1 of 2)"


def test_a_layer_that_got_what_was_asked_never_says_otherwise(bench, panel):
    emptied = LayerPlan(
        "b", "prune 100.0% of the weights", "zero 100.0% of the weights", "every weight becomes zero", is_caution=True
    )
    plan = Plan((_PLAN.layers[0], emptied))
    bench.select(("b",))

    panel.card.show_plan(plan_texts(bench.model.layers[1:2], plan), is_current=True)
    assert panel.card.why.text() == "As asked, with a note"
    assert panel.card.why.toolTip() == "every weight becomes zero"

    # Beside a layer that is not as asked, the difference is what is told.
    panel.card.show_plan(plan_texts(bench.model.layers[:2], plan), is_current=True)
    assert panel.card.why.text() == "Not as asked: why?"


def test_a_layer_that_no_rule_touches_stays_as_it_is(bench, panel):
    assert plan_texts(bench.model.layers[2:], _PLAN).done == "nothing; the layer stays as it is"


def test_the_plan_is_asked_for_after_an_edit_and_fainter_until_it_has_come(bench, panel, qtbot):
    bench.select(("a",))
    bench.plans.set_recipe(Recipe().with_rule("a", weights=WeightRule(4)))
    qtbot.waitUntil(lambda: bench.asks.of("plan", "look") != [])

    bench.asks.of("plan", "look")[0].done(_PLAN)
    assert panel.card.plan.isEnabled()
    assert panel.card.why.isVisible()

    bench.plans.set_recipe(Recipe())
    panel._show_plan()
    assert not panel.card.plan.isEnabled()


def test_the_link_opens_the_page_with_the_reason(bench, panel):
    bench.select(("a",))
    panel.card.show_plan(plan_texts(bench.model.layers[:1], _PLAN), is_current=True)

    panel.card.why.click()

    assert panel.card.plan.isVisible()
    assert panel.card.plan.why.text() == "no scales per group"


def test_the_engine_says_why_a_group_is_not_done_on_integers(demo_window, qtbot):
    document, card = demo_window.document, demo_window.layers.card
    document.select(("hidden",))

    rule = WeightRule(4, "per_group_32")
    document.edit(document.recipe.with_rule("hidden", weights=rule, activations=ActivationRule(8)), "Groups")

    qtbot.waitUntil(lambda: document.plans.is_current, timeout=_LONG_MS)
    assert "per group 32" in card.plan.asked.text()
    assert "per channel" in card.plan.done.text()
    assert card.plan.why.text() == "integer kernels have no scales per group: per channel instead"
    assert card.why.isVisible()
