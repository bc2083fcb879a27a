"""One target over the layers of a rule: how much goes in all, and what it never does to one of them."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest

from tests.channel_networks import ATTENTION, BLOCKS, BRANCHES, CHAIN, NETWORKS, SHORTCUT, Network
from workbench.engine.compress.compressor import Compressor
from workbench.engine.compress.structure.criterion import Criterion, GroupView, Judgement, MemberScores, Needs
from workbench.engine.core.plan import Plan
from workbench.engine.core.recipe import Prune, Recipe, Rule
from workbench.engine.graph.model import load_model

_SPREAD = ("global", "lamp", "erk")


@pytest.fixture
def bench_of(tmp_path: Path) -> Callable[[Network], Compressor]:
    return lambda network: Compressor(load_model(network.write(tmp_path / "m.onnx")))


def _everywhere(ratio: float, scope: str, **rest: object) -> Recipe:
    recipe = Recipe()
    for kind in ("filters", "neurons"):
        recipe = recipe.with_rule("*", prune=Prune(kind, ratio=ratio, scope=scope, **rest))
    return recipe


def _channels(bench: Compressor, plan: Plan, op_type: str) -> tuple[int, int]:
    """Output channels that go, and that could go, over all layers of one type."""
    channels, kept = bench.pruning.channels, {plan.group: plan.kept for plan in plan.groups}
    gone = free = 0
    for layer in bench.model.info.layers:
        if layer.op_type == op_type:
            left, whole = channels.output_channels(layer.name, kept)
            gone += whole - left
            free += whole - channels.outputs[layer.name].fixed
    return gone, free


def _widths(data: bytes) -> dict[str, int]:
    """Output channels of each layer of a built model."""
    model = onnx.load_from_string(data)
    sizes = {tensor.name: tensor.dims[0] for tensor in model.graph.initializer}
    return {node.name: sizes[node.input[1]] for node in model.graph.node if node.op_type == "Conv"}


def _by_width() -> Criterion:
    def judge(view: GroupView) -> Judgement:
        units = view.units
        return Judgement([MemberScores(np.full(len(units), float(len(units))), units)], is_comparable=True)

    return Criterion("width", "the number of channels", Needs.WEIGHTS, judge)


@pytest.mark.parametrize("scope", _SPREAD)
@pytest.mark.parametrize("ratio", [0.25, 0.5, 0.7])
@pytest.mark.parametrize("network", [CHAIN, SHORTCUT, BRANCHES], ids=["chain", "shortcut", "branches"])
def test_the_ratio_is_met_over_all_layers_of_the_rule(bench_of, network: Network, ratio: float, scope: str):
    bench = bench_of(network)

    plan = bench.plan(Recipe().with_rule("*", prune=Prune("filters", ratio=ratio, scope=scope)))

    gone, free = _channels(bench, plan, "Conv")
    # At least so many, and less than what a single unit adds, which is in two layers at most.
    assert ratio * free - 1e-9 <= gone <= ratio * free + 2


@pytest.mark.parametrize("scope", _SPREAD)
@pytest.mark.parametrize("name", NETWORKS)
def test_something_of_every_group_stays_however_much_is_asked(bench_of, name: str, scope: str):
    bench = bench_of(NETWORKS[name])

    plan = bench.plan(_everywhere(1.0, scope))

    assert plan.groups
    assert all(count >= 1 for group in plan.groups for count in group.kept)


@pytest.mark.parametrize("scope", _SPREAD)
def test_multiples_stay(bench_of, scope: str):
    plan = bench_of(SHORTCUT).plan(_everywhere(0.5, scope, multiple_of=4))

    assert plan.groups
    assert {count % 4 for group in plan.groups for count in group.kept} == {0}


@pytest.mark.parametrize("scope", ["layer", *_SPREAD])
@pytest.mark.parametrize("ratio", [0.2, 0.45, 0.6])
def test_the_plan_of_blocks_says_what_really_goes(bench_of, scope: str, ratio: float):
    bench = bench_of(BLOCKS)
    recipe = Recipe().with_rule("*", prune=Prune("filters", ratio=ratio, scope=scope))

    plan = bench.plan(recipe)

    built = _widths(bench.build(plan))
    for group in plan.groups:
        assert built[group.group] == group.num_kept
        assert group.num_kept % 2 == 0


def test_one_threshold_takes_the_least_important_wherever_they_are(tmp_path: Path):
    # Every filter of the second layer is worth more than any of the first: scores are comparable as they are.
    bench = Compressor(load_model(CHAIN.write(tmp_path / "m.onnx")), [_by_width()])

    plan = bench.plan(Recipe().with_rule("*", prune=Prune("filters", ratio=0.25, scope="global", criterion="width")))

    # 6 of 24 go, all from the first layer, which has 8.
    assert {group.group: group.kept for group in plan.groups} == {"c1": (2,)}


def test_two_rules_have_a_target_each_even_if_they_say_the_same(bench_of):
    prune = Prune("filters", ratio=0.5, scope="erk")
    bench = bench_of(SHORTCUT)

    apart = bench.plan(Recipe((Rule(("c1",), prune=prune), Rule(("c2",), prune=prune))))

    # By one target over both, less of the denser layer would stay.
    assert {group.group: group.kept for group in apart.groups} == {"c1": (4, 4), "c2": (6,)}


def test_heads_count_with_all_their_channels(bench_of):
    bench = bench_of(ATTENTION)

    plan = bench.plan(Recipe().with_rule("*", prune=Prune("neurons", ratio=1 / 3, scope="erk")))

    # A head is 12 channels of q, k and v; 60 may go in all, of which at least 20 have to.
    gone = sum((group.num_units - group.num_kept) * {"q": 12, "h": 1}[group.group] for group in plan.groups)
    assert 20 <= gone <= 20 + 12
