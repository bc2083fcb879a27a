"""Sizes of what channels leave, by arithmetic, against the file that the engine builds."""

from dataclasses import replace
from pathlib import Path

import pytest

from workbench.engine.core.recipe import Prune, Recipe, WeightRule
from workbench.gui.channel_cut import NO_CUT, cut_of
from workbench.gui.channels_now import ChannelsNow, GroupWishes
from workbench.gui.instant import instant_size
from workbench.session import Session

_RESNET = "models/cifar10/resnet20_cifar10_{}.onnx"
_COMBINED = {
    "channels alone": {},
    "6 bits": {"weights": WeightRule(bits=6)},
    "4 bits in groups": {"weights": WeightRule(bits=4, granularity="per_group_32")},
    "half floats": {"weights": WeightRule(bits="float16")},
    "80 % sparse": {"prune": Prune("weights", sparsity=0.8)},
    "80 % sparse, 4 bits": {"prune": Prune("weights", sparsity=0.8), "weights": WeightRule(bits=4)},
    "2:4, 8 bits": {"prune": Prune("weights", pattern="2:4"), "weights": WeightRule(bits=8)},
}


@pytest.fixture(scope="module", params=["demo", "opset13", "dynamo"])
def session(request, demo_folder: Path) -> Session:
    path = demo_folder / "digits.onnx"
    if request.param != "demo":
        path = request.getfixturevalue("shared_data") / _RESNET.format(request.param)
    session = Session()
    session.open_model(path)
    return session


def _info(session: Session):
    return session._bench.model.info


def _pruned(session: Session, ratio: float, multiple_of: int | None = None) -> Recipe:
    recipe = Recipe()
    for group in session.channels().groups:
        if group.num_units:
            recipe = recipe.with_rule(group.members, prune=Prune(group.kind, ratio=ratio, multiple_of=multiple_of))
    return recipe


def _now(session: Session, recipe: Recipe) -> ChannelsNow:
    wishes = GroupWishes(_info(session), session.channels())
    return wishes.now(recipe, criteria={one.name: one for one in session.criteria()}, has_samples=False)


def _estimate(session: Session, recipe: Recipe) -> int:
    footprint = session.footprint()
    cut = cut_of(_now(session, recipe), footprint.file_bytes)
    return instant_size(_info(session), footprint, recipe, cut).total_bytes


@pytest.mark.parametrize("ratio", [0.1, 0.33, 0.5, 0.75])
@pytest.mark.parametrize("multiple_of", [None, 8], ids=["any number", "multiple of 8"])
def test_what_stays_is_what_the_engine_plans(session: Session, ratio: float, multiple_of: int | None):
    recipe = _pruned(session, ratio, multiple_of)

    assert dict(_now(session, recipe).kept) == {plan.group: plan.kept for plan in session.plan(recipe).groups}


@pytest.mark.parametrize("rule", _COMBINED.values(), ids=_COMBINED)
def test_the_estimate_is_within_a_percent_of_the_file(session: Session, rule):
    recipe = _pruned(session, 0.5)
    recipe = recipe.with_rule("*", **rule) if rule else recipe

    assert _estimate(session, recipe) == pytest.approx(session.preview_bytes(recipe), rel=0.01)


@pytest.mark.parametrize("bits", [4, 8])
def test_so_it_is_in_the_standard_containers(session: Session, bits: int):
    recipe = replace(_pruned(session, 0.5).with_rule("*", weights=WeightRule(bits=bits)), encoding="plain")

    # Raised to opset 21, a file lets go of shapes that were told; how many of them were constants is not known before.
    slack = 2_100 if session.footprint().rewritten_bytes[21] < session.channels().base_bytes else 0
    assert _estimate(session, recipe) == pytest.approx(session.preview_bytes(recipe), rel=0.01, abs=slack)


@pytest.mark.parametrize("ratio", [0.25, 0.6])
def test_each_layer_keeps_the_share_that_the_engine_gives_it(session: Session, ratio: float):
    now = _now(session, _pruned(session, ratio))
    shares = session.channels().layer_shares(now.kept)

    cut = cut_of(now, session.footprint().file_bytes)

    assert cut.shares == {name: share for name, share in shares.items() if share < 1}
    for name, share in cut.outputs.items():
        counted = now.of_layer(name)
        assert share == (1.0 if counted is None else counted.left / counted.whole)


@pytest.mark.parametrize("ratio", [0.25, 0.6])
def test_macs_and_parameters_are_those_of_the_pruned_model(session: Session, ratio: float, tmp_path: Path):
    recipe, info = _pruned(session, ratio), _info(session)
    cut = cut_of(_now(session, recipe), session.footprint().file_bytes)
    path = tmp_path / "pruned.onnx"
    session.export(recipe, path)

    # Counted anew in the file that was written.
    left = Session().open_model(path)

    assert cut.macs(info) == left.macs
    # Constants of shapes may have been computed, a handful of numbers.
    assert abs(info.num_params - cut.lost_params - left.num_params) <= 4


def test_taking_channels_back_gives_the_first_size_again(session: Session):
    footprint, recipe = session.footprint(), Recipe().with_rule("*", weights=WeightRule(bits=5))
    before = instant_size(_info(session), footprint, recipe)

    members, prune = _first_rule(session)
    _estimate(session, recipe.with_rule(members, prune=prune))
    after = instant_size(_info(session), footprint, recipe)

    assert after == before
    assert after.layers == before.layers


def test_channels_are_the_very_same_while_only_weights_are_edited(session: Session):
    members, prune = _first_rule(session)
    recipe = Recipe().with_rule(members, prune=prune)
    wishes = GroupWishes(_info(session), session.channels())
    first = wishes.now(recipe, criteria={}, has_samples=False)

    edited = recipe.with_rule("*", weights=WeightRule(bits=5))

    assert wishes.now(edited, criteria={}, has_samples=False) is first
    assert wishes.now(Recipe(), criteria={}, has_samples=False).kept == {}
    assert first.kept != {}


def test_nothing_is_cut_while_the_groups_are_not_known(session: Session):
    assert cut_of(ChannelsNow(), session.footprint().file_bytes) is NO_CUT


def _first_rule(session: Session) -> tuple[tuple[str, ...], Prune]:
    group = session.channels().groups[0]
    return group.members, Prune(group.kind, ratio=0.5)
