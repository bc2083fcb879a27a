"""What wishes for channels do to a recipe."""

import numpy as np
import pytest

from workbench.engine.core.channel_group import ChannelGroup, ModelChannels
from workbench.engine.core.recipe import Prune, Recipe, WeightRule
from workbench.gui.channels_now import GroupWishes
from workbench.gui.panels import layer_edits
from workbench.gui.panels.channel_edits import ChannelWish, with_channels, without_channels

_PAIR = ChannelGroup("a", "filters", ("a", "b[0]"), (8,))
_ALONE = ChannelGroup("c", "filters", ("c",), (16,))
_DENSE = ChannelGroup("fc", "neurons", ("fc",), (4,))
_GROUPS = (_PAIR, _ALONE, _DENSE)


@pytest.fixture
def model(make_layer, make_model):
    weight = np.ones((8, 2, 1, 1), np.float32)
    return make_model(
        *(make_layer(name, weight) for name in ("a", "b[0]", "c")), make_layer("fc", weight, op_type="Gemm")
    )


@pytest.fixture
def now_of(model):
    channels = ModelChannels(_GROUPS, group_of={member: one.name for one in _GROUPS for member in one.members})

    def now(recipe):
        return GroupWishes(model, channels).now(recipe, criteria={}, has_samples=True)

    return now


def test_one_rule_names_every_layer_of_the_group(model, now_of):
    recipe = with_channels(Recipe(), now_of(Recipe()), [_PAIR], ChannelWish(ratio=0.25))

    (rule,) = recipe.rules
    assert rule.prune == Prune("filters", ratio=0.25)
    assert [layer.name for layer in model.layers if rule.matches(layer.name, layer.op_type)] == ["a", "b[0]"]
    assert dict(now_of(recipe).kept) == {"a": (6,)}


def test_a_hundred_moves_leave_one_rule(now_of):
    recipe = Recipe()
    for percent in range(1, 101):
        recipe = with_channels(recipe, now_of(recipe), [_PAIR], ChannelWish(ratio=percent / 100))

    assert [rule.prune for rule in recipe.rules] == [Prune("filters", ratio=1.0)]


def test_other_settings_keep_the_ratio(now_of):
    recipe = with_channels(Recipe(), now_of(Recipe()), [_PAIR], ChannelWish(ratio=0.5))
    for wish in (ChannelWish(criterion="l1"), ChannelWish(multiple_of=8), ChannelWish(scope="lamp")):
        recipe = with_channels(recipe, now_of(recipe), [_PAIR], wish)

    assert recipe.rules[-1].prune == Prune("filters", ratio=0.5, scope="lamp", criterion="l1", multiple_of=8)


def test_any_number_takes_the_multiple_back(now_of):
    recipe = with_channels(Recipe(), now_of(Recipe()), [_PAIR], ChannelWish(multiple_of=8))

    recipe = with_channels(recipe, now_of(recipe), [_PAIR], ChannelWish(multiple_of=1))

    assert recipe.rules[-1].prune.multiple_of is None


def test_groups_that_are_asked_the_same_share_a_rule_so_that_one_target_is_spread(now_of):
    recipe = with_channels(Recipe(), now_of(Recipe()), [_PAIR, _ALONE], ChannelWish(ratio=0.5))
    recipe = with_channels(recipe, now_of(recipe), [_PAIR, _ALONE], ChannelWish(scope="global"))

    asked = now_of(recipe).asked
    assert len(recipe.rules) == 1
    assert asked["a"].prune is asked["c"].prune
    assert now_of(recipe).is_spread


def test_filters_and_neurons_are_asked_by_rules_of_their_own(now_of):
    recipe = with_channels(Recipe(), now_of(Recipe()), _GROUPS, ChannelWish(ratio=0.5))

    assert [rule.prune.kind for rule in recipe.rules] == ["filters", "neurons"]
    assert dict(now_of(recipe).kept) == {"a": (4,), "c": (8,), "fc": (2,)}


def test_nothing_is_asked_by_a_slider_that_stays_at_zero(now_of):
    assert with_channels(Recipe(), now_of(Recipe()), [_PAIR], ChannelWish(ratio=0.0)) == Recipe()


def test_a_later_rule_for_one_member_is_overruled_by_the_next_move(now_of):
    recipe = with_channels(Recipe(), now_of(Recipe()), [_PAIR], ChannelWish(ratio=0.25))
    recipe = recipe.with_rule("a", prune=Prune("filters", ratio=0.75))
    assert dict(now_of(recipe).kept) == {"a": (2,)}

    recipe = with_channels(recipe, now_of(recipe), [_PAIR], ChannelWish(ratio=0.5))

    assert dict(now_of(recipe).kept) == {"a": (4,)}


def test_reset_asks_nothing_of_the_whole_group_and_keeps_what_else_is_asked(model, now_of):
    recipe = Recipe().with_rule("b[[]0]", weights=WeightRule(bits=4))
    recipe = with_channels(recipe, now_of(recipe), [_PAIR, _ALONE], ChannelWish(ratio=0.5))

    left = without_channels(recipe, model, now_of(recipe), [_PAIR])

    assert dict(now_of(left).kept) == {"c": (8,)}
    assert left.settings_for("b[0]", "Conv").weights.bits == 4


def test_reset_holds_against_a_pattern(model, now_of):
    recipe = Recipe().with_rule("*", prune=Prune("filters", ratio=0.5))

    left = without_channels(recipe, model, now_of(recipe), [_PAIR])

    assert dict(now_of(left).kept) == {"c": (8,)}


def test_taking_back_the_pruning_of_weights_leaves_the_channels(model, now_of):
    layers = [model.layer("c")]
    recipe = with_channels(Recipe(), now_of(Recipe()), [_ALONE], ChannelWish(ratio=0.5))
    recipe = layer_edits.with_sparsity(recipe, model, layers, 0.3)

    recipe = layer_edits.with_sparsity(recipe, model, layers, 0.0)

    assert dict(now_of(recipe).kept) == {"c": (8,)}
    assert layer_edits.pruning_of(recipe, layers[0]) is None


def test_settings_given_to_similar_layers_leave_their_channels(model, now_of):
    recipe = with_channels(Recipe(), now_of(Recipe()), [_PAIR], ChannelWish(ratio=0.5))
    recipe = recipe.with_rule("c", weights=WeightRule(bits=4))

    recipe = layer_edits.with_same_as(recipe, model, model.layer("c"), [model.layer("a"), model.layer("b[0]")])

    assert dict(now_of(recipe).kept) == {"a": (4,)}
    assert recipe.settings_for("a", "Conv").weights.bits == 4


def test_an_edit_elsewhere_finds_the_same_groups_asked(model):
    channels = ModelChannels(_GROUPS, group_of={member: one.name for one in _GROUPS for member in one.members})
    wishes, recipe = GroupWishes(model, channels), Recipe()
    for edit in (
        ("a", {"prune": Prune("filters", ratio=0.5)}),
        ("c", {"weights": WeightRule(bits=4)}),
        ("*", {"prune": Prune("filters", ratio=0.25)}),
        ("c", {"prune": Prune("none")}),
        (("a", "b[[]0]"), {"prune": Prune("filters", ratio=0.75)}),
    ):
        recipe = recipe.with_rule(edit[0], **edit[1])

        step = wishes.now(recipe, criteria={}, has_samples=True)

        # One that has followed every edit, and one that sees the recipe for the first time.
        fresh = GroupWishes(model, channels).now(recipe, criteria={}, has_samples=True)
        assert (dict(step.kept), dict(step.asked)) == (dict(fresh.kept), dict(fresh.asked))
