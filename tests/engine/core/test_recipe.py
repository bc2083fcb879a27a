"""Edits of a recipe: the last word counts, and many edits of one layer leave one rule."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from workbench.engine.core.recipe import Prune, Recipe, Rule, WeightRule

_LAYERS = (("conv1", "Conv"), ("conv2", "Conv"), ("head", "Gemm"))
_SELECTS = ("*", "conv*", "op:Conv", "conv1", "head", ("conv1", "head"))
_HALF, _SMALL = Prune("weights", sparsity=0.5), Prune("weights", threshold=0.1)
_PRUNES = (None, _HALF, _SMALL, Prune("filters", ratio=0.5), Prune("none"))
_WEIGHTS = (None, WeightRule(bits=8), WeightRule(bits=3), WeightRule(bits="float"), WeightRule(symmetric=False))
_EDITS = st.lists(st.tuples(st.sampled_from(_SELECTS), st.sampled_from(_WEIGHTS), st.sampled_from(_PRUNES)), max_size=8)


def _bits(recipe: Recipe, layer: str) -> int | None:
    weights = recipe.settings_for(layer, "Conv").weights
    return None if weights is None else weights.bits


@pytest.mark.parametrize("everything", ["*", "op:Conv"])
def test_an_edit_of_all_layers_holds_for_one_that_was_edited_alone_before(everything: str):
    recipe = Recipe()
    for select, bits in ((everything, 4), ("conv1", 8), (everything, 2)):
        recipe = recipe.with_rule(select, weights=WeightRule(bits=bits))

    assert _bits(recipe, "conv1") == 2


def test_an_edit_of_one_layer_holds_after_one_of_several():
    recipe = Recipe()
    for select, bits in (("conv1", 4), (("conv1", "conv2"), 8), ("conv1", 2)):
        recipe = recipe.with_rule(select, weights=WeightRule(bits=bits))

    assert (_bits(recipe, "conv1"), _bits(recipe, "conv2")) == (2, 8)


def test_a_drag_leaves_one_rule_behind_those_it_must_follow():
    recipe = Recipe().with_rule("conv1", weights=WeightRule(bits=8)).with_rule("*", prune=_HALF)

    for percent in range(60):
        recipe = recipe.with_rule("conv1", prune=Prune("weights", sparsity=percent / 100))

    assert [rule.select for rule in recipe.rules] == [("conv1",), ("*",), ("conv1",)]
    assert recipe.rules[-1].prune == Prune("weights", sparsity=0.59)


def test_layers_that_are_edited_in_turn_keep_one_rule_each():
    recipe = Recipe()

    for bits in (2, 3, 4):
        recipe = recipe.with_rule("conv1", weights=WeightRule(bits=bits)).with_rule("head", weights=WeightRule(bits=8))

    assert [rule.select for rule in recipe.rules] == [("conv1",), ("head",)]
    assert _bits(recipe, "conv1") == 4


def test_another_kind_of_pruning_leaves_the_first_as_it_is():
    weights, filters = Prune("weights", sparsity=0.5), Prune("filters", ratio=0.25)

    recipe = Recipe().with_rule("conv1", prune=weights).with_rule("conv1", prune=filters)

    assert recipe.settings_for("conv1", "Conv").prunes == (weights, filters)


def test_two_kinds_of_pruning_dragged_in_turn_keep_one_rule_each():
    recipe = Recipe()

    for percent in (10, 20, 30):
        recipe = recipe.with_rule(("conv1", "conv2"), prune=Prune("filters", ratio=percent / 100))
        recipe = recipe.with_rule("conv1", prune=Prune("weights", sparsity=percent / 100))

    assert [(rule.select, rule.prune.kind) for rule in recipe.rules] == [
        (("conv1", "conv2"), "filters"),
        (("conv1",), "weights"),
    ]


def test_filters_follow_a_later_rule_for_neurons_of_the_same_layers():
    # A group may hold layers of both kinds, and its latest rule has the last word.
    both, recipe = ("conv1", "head"), Recipe().with_rule(("conv1", "head"), prune=Prune("filters", ratio=0.5))

    recipe = recipe.with_rule("head", prune=Prune("neurons", ratio=0.1)).with_rule(
        both, prune=Prune("filters", ratio=0.2)
    )

    assert [rule.select for rule in recipe.rules] == [both, ("head",), both]


# The last edit extends the first rule, which stands before that of the filters.
@example([("*", None, None), ("conv*", None, Prune("filters", ratio=0.5)), ("*", None, Prune("weights", sparsity=0.5))])
@given(_EDITS)
def test_an_edit_says_what_a_rule_at_the_end_would_say(edits: list[tuple[str, WeightRule | None, Prune | None]]):
    recipe, appended = Recipe(), Recipe()
    for select, weights, prune in edits:
        recipe = recipe.with_rule(select, weights=weights, prune=prune)
        names = (select,) if isinstance(select, str) else select
        appended = Recipe((*appended.rules, Rule(names, weights, prune=prune)))

    for layer in _LAYERS:
        assert recipe.settings_for(*layer) == appended.settings_for(*layer)


def test_a_changed_recipe_does_not_keep_the_digest_that_was_asked_before():
    recipe = Recipe().with_rule("conv1", weights=WeightRule(bits=8))
    before = recipe.digest

    changed = recipe.with_rule("conv1", weights=WeightRule(bits=4))

    assert changed.digest != before
    assert changed.with_rule("conv1", weights=WeightRule(bits=8)).digest == before
    assert recipe.digest == before
