"""What a plan says of channels: what goes of each layer, with which others, who asked, and why it is not what was."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tests.channel_networks import ATTENTION, BLOCKS, BRANCHES, CHAIN, FLATTENED, NETWORKS, SHORTCUT, Network
from workbench.engine.compress.compressor import Compressor
from workbench.engine.core.errors import RecipeError
from workbench.engine.core.plan import LayerPlan, Plan
from workbench.engine.core.recipe import Calibration, Prune, Recipe
from workbench.engine.graph.model import load_model
from workbench.jobs import JobContext
from workbench.project.recipe_text import parse_recipe


@pytest.fixture
def plan_of(tmp_path: Path) -> Callable[..., Plan]:
    def plan(network: Network, *rules: tuple[str, Prune]) -> Plan:
        recipe = Recipe()
        for select, prune in rules:
            recipe = recipe.with_rule(select, prune=prune)
        return Compressor(load_model(network.write(tmp_path / "m.onnx"))).plan(recipe)

    return plan


def _entry(plan: Plan, layer: str) -> LayerPlan:
    entry = plan.layer(layer)
    assert entry is not None
    return entry


def _filters(ratio: float, **rest: object) -> Prune:
    return Prune("filters", ratio=ratio, **rest)


def test_each_member_of_a_group_says_its_own_numbers_and_the_group(plan_of):
    plan = plan_of(SHORTCUT, ("*", _filters(0.5)))

    # The third convolution adds 8 padded channels to 8 of its own to those of the first.
    assert _entry(plan, "c1").done == "remove 4 of 8 filters by l2, with 1 other layer of group c1"
    assert _entry(plan, "c3").done == "remove 8 of 16 filters by l2, with 1 other layer of group c1"
    assert _entry(plan, "c2").done == "remove 6 of 12 filters by l2"
    assert {_entry(plan, name).reason for name in ("c1", "c2", "c3")} == {""}


def test_a_layer_that_goes_along_says_with_whom(plan_of):
    plan = plan_of(SHORTCUT, ("c3", _filters(0.25)))

    assert _entry(plan, "c3").reason == ""
    assert _entry(plan, "c1").asked == ""
    assert _entry(plan, "c1").done == "remove 2 of 8 filters by l2, with 1 other layer of group c1"
    assert _entry(plan, "c1").reason == "its channels go with those of c3"
    assert plan.layer("c2") is None


def test_the_latest_rule_that_matches_a_member_holds_for_the_group(plan_of):
    plan = plan_of(SHORTCUT, ("*", _filters(0.25)), ("c3", _filters(0.5, criterion="l1")))

    assert _entry(plan, "c1").done == "remove 4 of 8 filters by l1, with 1 other layer of group c1"
    assert _entry(plan, "c2").done == "remove 3 of 12 filters by l2"


def test_an_earlier_rule_of_the_other_member_does_not(plan_of):
    plan = plan_of(SHORTCUT, ("c3", _filters(0.5)), ("c1", _filters(0.25)))

    assert _entry(plan, "c3").done == "remove 4 of 16 filters by l2, with 1 other layer of group c1"


def test_none_takes_back_what_was_asked(plan_of):
    plan = plan_of(SHORTCUT, ("*", _filters(0.5)), ("c[13]", Prune("none")))

    assert plan.layer("c1") is None
    assert [group.group for group in plan.groups] == ["c2"]


def test_none_for_one_member_leaves_the_wish_of_the_other(plan_of):
    plan = plan_of(SHORTCUT, ("*", _filters(0.5)), ("c1", Prune("none")))

    assert _entry(plan, "c1").done == "remove 4 of 8 filters by l2, with 1 other layer of group c1"
    assert _entry(plan, "c1").reason == "its channels go with those of c3"


def test_heads_go_as_a_whole(plan_of):
    plan = plan_of(ATTENTION, ("*", Prune("neurons", ratio=0.3)))

    assert _entry(plan, "k").done == "remove 1 of 3 heads by l2, with 2 other layers of group q"
    assert _entry(plan, "k").reason == "whole heads of 4 channels go"
    assert _entry(plan, "h").done == "remove 7 of 24 neurons by l2"


def test_channels_that_all_stay_say_why(plan_of):
    plan = plan_of(ATTENTION, ("*", Prune("neurons", ratio=0.5)))

    assert _entry(plan, "y").done == "nothing"
    assert _entry(plan, "y").reason == "no neurons are removed: they are the model's output y"
    assert _entry(plan, "o").reason.startswith("no neurons are removed: Add s")


def test_a_multiple_is_the_reason_for_another_share(plan_of):
    # 10.8 of 12 lie nearer to 8 than to 16.
    plan = plan_of(SHORTCUT, ("c2", _filters(0.1, multiple_of=8)))

    assert _entry(plan, "c2").done == "remove 4 of 12 filters by l2"
    assert _entry(plan, "c2").reason == "33.3% go instead of 10.0%, as a multiple of 8 channels stays"


def test_a_multiple_that_no_layer_has_room_for_is_dropped_and_says_so(plan_of):
    plan = plan_of(SHORTCUT, ("c2", _filters(0.5, multiple_of=100)))

    assert _entry(plan, "c2").done == "remove 6 of 12 filters by l2"
    assert _entry(plan, "c2").reason == "multiple_of 100 is dropped where only 12 channels go together"


def test_a_multiple_that_is_dropped_is_no_reason_for_another_share(plan_of):
    plan = plan_of(CHAIN, ("c1", _filters(1.0, multiple_of=9)))

    dropped = "multiple_of 9 is dropped where only 8 channels go together"
    assert _entry(plan, "c1").reason == f"87.5% go instead of 100.0%, as no layer may vanish; {dropped}"


def test_a_multiple_that_nothing_can_be_cut_with_says_so(plan_of):
    plan = plan_of(CHAIN, ("c1", _filters(0.5, multiple_of=8)))

    assert plan.groups == ()
    assert _entry(plan, "c1").reason == "no filters are removed: a multiple of 8 channels stays"


def test_blocks_are_the_reason_for_another_share(plan_of):
    plan = plan_of(BLOCKS, ("c1", _filters(1.0)))

    assert _entry(plan, "c1").done == "remove 6 of 8 filters by l2"
    assert _entry(plan, "c1").reason == "75.0% go instead of 100.0%, as each of 2 blocks keeps equally many"


def test_the_last_channel_stays_and_says_so(plan_of):
    plan = plan_of(CHAIN, ("c1", _filters(1.0)))

    assert _entry(plan, "c1").done == "remove 7 of 8 filters by l2"
    assert _entry(plan, "c1").reason == "87.5% go instead of 100.0%, as no layer may vanish"


def test_a_ratio_too_small_for_one_channel_says_so(plan_of):
    plan = plan_of(CHAIN, ("c1", _filters(0.01)))

    assert plan.groups == ()
    assert _entry(plan, "c1").done == "nothing"
    assert _entry(plan, "c1").reason == "no filters are removed: 1.0% of 8 is nearest to none"
    assert plan.remarks == ("nothing was changed: no filters are removed: 1.0% of 8 is nearest to none",)


@pytest.mark.parametrize(
    ("select", "prune", "reason"),
    [
        ("g1", _filters(0.5), "Gemm has neurons, no filters"),
        ("c1", Prune("neurons", ratio=0.5), "Conv has filters, no neurons"),
    ],
    ids=["filters of a Gemm", "neurons of a Conv"],
)
def test_an_operator_without_that_kind_says_so(plan_of, select: str, prune: Prune, reason: str):
    plan = plan_of(FLATTENED, (select, prune))

    assert _entry(plan, select).done == "nothing"
    assert _entry(plan, select).reason == reason


def test_kinds_are_settings_of_their_own(plan_of):
    plan = plan_of(FLATTENED, ("*", _filters(0.5)), ("*", Prune("neurons", ratio=0.25)))

    assert _entry(plan, "c1").done == "remove 3 of 6 filters by l2"
    assert _entry(plan, "g1").done == "remove 5 of 20 neurons by l2"


@pytest.mark.parametrize("criterion", ["taylor", "apoz", "activation_magnitude"])
def test_a_criterion_without_the_samples_it_needs_does_nothing_and_says_so(plan_of, criterion: str):
    plan = plan_of(CHAIN, ("c1", _filters(0.5, criterion=criterion)), ("c2", _filters(0.5)))

    assert [group.group for group in plan.groups] == ["c2"]
    assert _entry(plan, "c1").done == "nothing"
    assert (
        _entry(plan, "c1").reason == f"no filters are removed: criterion {criterion} needs samples, and none are given"
    )


def test_a_criterion_that_had_to_take_another_says_so(plan_of):
    plan = plan_of(BRANCHES, ("c4", _filters(0.5, criterion="batch_norm_scale")))

    assert _entry(plan, "c4").done == "remove 5 of 10 filters by batch_norm_scale"
    assert "l1 instead" in _entry(plan, "c4").reason


def test_an_unknown_criterion_is_one_clear_line(plan_of):
    with pytest.raises(RecipeError) as caught:
        plan_of(CHAIN, ("c1", _filters(0.5, criterion="l3")))

    assert "\n" not in str(caught.value)
    assert "criterion 'l3' is not known" in str(caught.value)
    assert "l1, l2" in str(caught.value)


@pytest.mark.parametrize("name", NETWORKS)
def test_the_plan_of_channels_alone_is_that_of_the_model_that_is_cut(tmp_path: Path, name: str):
    bench = Compressor(load_model(NETWORKS[name].write(tmp_path / "m.onnx")))
    recipe = Recipe().with_rule("*", prune=_filters(0.4)).with_rule("*", prune=Prune("neurons", ratio=0.4))

    alone = bench.plan(recipe)
    beside = bench.plan(recipe.with_rule("*", prune=Prune("weights", threshold=0.0)))

    assert alone.groups == beside.groups
    assert {entry.layer: (entry.num_kept, entry.reason) for entry in alone.layers} == {
        entry.layer: (entry.num_kept, entry.reason) for entry in beside.layers
    }


def test_weights_are_pruned_among_those_that_are_left(tmp_path: Path):
    bench = Compressor(load_model(CHAIN.write(tmp_path / "m.onnx")))
    recipe = Recipe().with_rule("c1", prune=_filters(0.5)).with_rule("c1", prune=Prune("weights", sparsity=0.5))

    plan = bench.plan(recipe)

    weight = bench.model.weight("c1")
    # The four filters of the greatest norm stay; half of their 108 weights become zero.
    strongest = np.argsort(-np.sqrt((weight.astype(np.float64) ** 2).sum(axis=(1, 2, 3))))[:4]
    left = np.sort(np.abs(weight[strongest]).ravel())
    assert _entry(plan, "c1").num_kept == 54
    assert left[53] < _entry(plan, "c1").threshold <= left[54]
    assert _entry(plan, "c1").done.startswith("remove 4 of 8 filters by l2; zero 50.0% of the weights")


def test_a_member_whose_wish_is_overruled_says_by_what(plan_of):
    plan = plan_of(SHORTCUT, ("c1", _filters(0.75)), ("c3", _filters(0.25)))

    assert _entry(plan, "c1").done == "remove 2 of 8 filters by l2, with 1 other layer of group c1"
    assert _entry(plan, "c1").reason == "a later rule for its group asks for 25.0%"
    assert _entry(plan, "c3").reason == ""


def test_a_criterion_that_nobody_knows_names_the_line(tmp_path: Path):
    bench = Compressor(load_model(CHAIN.write(tmp_path / "m.onnx")))
    text = 'version: 1\nrules:\n  - select: "*"\n    prune: {kind: filters, ratio: 0.5, criterion: wisdom}\n'

    with pytest.raises(RecipeError, match=r"mine.yaml, line 3: criterion 'wisdom' is not known"):
        bench.plan(parse_recipe(text), source="mine.yaml")


def test_a_layer_is_shown_as_the_plan_has_it_where_channels_go(tmp_path: Path):
    bench = Compressor(load_model(CHAIN.write(tmp_path / "m.onnx")))
    recipe = Recipe().with_rule("*", prune=_filters(0.5)).with_rule("c2", prune=Prune("weights", sparsity=0.5))

    entry = bench.plan(recipe).layer("c2")

    assert entry is not None
    assert bench.preview("c2", recipe).threshold == entry.threshold
    assert entry.threshold != bench.plan(Recipe(recipe.rules[1:])).layer("c2").threshold


def test_chance_is_another_with_another_seed(tmp_path: Path):
    bench = Compressor(load_model(CHAIN.write(tmp_path / "m.onnx")))
    recipe = Recipe().with_rule("*", prune=_filters(0.5, criterion="random"))

    gone = [
        bench.pruning.units_gone(
            bench.plan(replace(recipe, calibration=Calibration(seed=seed))).groups, None, JobContext()
        )
        for seed in (0, 0, 1)
    ]

    assert gone[0] == gone[1] != gone[2]
