"""Channels pruned together with everything else a recipe asks; stopping, threads, and what is remembered."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import onnx
import pytest

from tests.channel_networks import BLOCKS, CHAIN, NETWORKS, SHORTCUT, Network
from workbench.engine.compress.activations.calibration import CalibrationSet
from workbench.engine.compress.compressor import Compressor
from workbench.engine.compress.structure.known_criteria import OWN_CRITERIA
from workbench.engine.core.layer import TensorInfo
from workbench.engine.core.recipe import ActivationRule, Calibration, Prune, Recipe, WeightRule
from workbench.engine.data.dataset import open_dataset
from workbench.engine.graph.model import load_model
from workbench.jobs import Cancelled, JobContext

_HALF = Recipe().with_rule("*", prune=Prune("filters", ratio=0.5))
_WAIT_S = 30


@pytest.fixture
def bench_of(tmp_path: Path) -> Callable[[Network], Compressor]:
    return lambda network: Compressor(load_model(network.write(tmp_path / "m.onnx")))


@pytest.fixture
def pictures(tmp_path: Path) -> CalibrationSet:
    """Twenty labelled pictures of 8×8 pixels."""
    path, random = tmp_path / "x.npz", np.random.default_rng(9)
    np.savez(path, x=random.normal(size=(20, 3, 8, 8)).astype(np.float32), y=random.integers(0, 5, 20))
    settings = {"scale": 1.0, "mean": 0.0, "std": 1.0}
    return CalibrationSet(open_dataset(path, settings, [TensorInfo("x", "float", ("N", 3, 8, 8))]), Calibration(8, 0))


def _by(criterion: str, ratio: float = 0.5) -> Recipe:
    return Recipe().with_rule("*", prune=Prune("filters", ratio=ratio, criterion=criterion))


@pytest.mark.parametrize("criterion", [criterion.name for criterion in OWN_CRITERIA])
def test_every_criterion_removes_what_is_asked(bench_of, pictures: CalibrationSet, criterion: str):
    bench = bench_of(CHAIN)

    plan = bench.plan(_by(criterion), samples=pictures)
    built = onnx.load_from_string(bench.build(plan, samples=pictures))

    shapes = {tensor.name: tuple(tensor.dims) for tensor in built.graph.initializer}
    assert (shapes["w1"], shapes["w2"], shapes["w3"]) == ((4, 3, 3, 3), (8, 4, 3, 3), (5, 8))
    onnx.checker.check_model(built, full_check=True)


def test_the_filters_of_the_greatest_norm_stay_as_they_are_and_in_order(bench_of):
    bench = bench_of(CHAIN)

    built = onnx.load_from_string(bench.build(bench.plan(_HALF)))

    weight = bench.model.weight("c1")
    best = np.sort(np.argsort(-np.linalg.norm(weight.astype(np.float64).reshape(8, -1), axis=1))[:4])
    found = {tensor.name: onnx.numpy_helper.to_array(tensor) for tensor in built.graph.initializer}
    np.testing.assert_array_equal(found["w1"], weight[best])
    np.testing.assert_array_equal(found["scale1"], _stored(CHAIN, "scale1")[best])


def _stored(network: Network, name: str) -> np.ndarray:
    return next(onnx.numpy_helper.to_array(one) for one in network.proto().graph.initializer if one.name == name)


@pytest.mark.parametrize("name", ["chain", "shortcut", "branches", "blocks", "flattened"])
@pytest.mark.parametrize("criterion", ["l2", "taylor"])
def test_a_fresh_bench_gives_the_same_bytes(tmp_path: Path, pictures: CalibrationSet, name: str, criterion: str):
    path = NETWORKS[name].write(tmp_path / "m.onnx")

    def build() -> bytes:
        bench = Compressor(load_model(path))
        return bench.build(bench.plan(_by(criterion), samples=pictures), samples=pictures)

    assert build() == build()


def test_codes_and_zeros_are_those_of_the_weights_that_are_left(bench_of, tmp_path: Path):
    """Pruning first and compressing the written file gives what one recipe gives."""
    bench = bench_of(SHORTCUT)
    rest = Recipe().with_rule("*", weights=WeightRule(bits=4, range="mse"), prune=Prune("weights", sparsity=0.4))
    both = Recipe((*_HALF.rules, *rest.rules))
    cut = tmp_path / "cut.onnx"
    cut.write_bytes(bench.build(bench.plan(_HALF)))

    at_once = bench.build(bench.plan(both))
    one_by_one = Compressor(load_model(cut))

    assert at_once == one_by_one.build(one_by_one.plan(rest))


@pytest.mark.parametrize(
    "more",
    [
        {"weights": WeightRule(bits=8), "activations": ActivationRule(bits=8)},
        {"weights": WeightRule(bits=3, rounding="learned")},
        {"weights": WeightRule(bits=4, bias_correction=True)},
    ],
    ids=["W8A8", "learned rounding", "bias correction"],
)
def test_what_needs_samples_comes_after_the_cut(bench_of, pictures: CalibrationSet, tmp_path: Path, more):
    bench = bench_of(CHAIN)
    rest = Recipe(equalize=True).with_rule("*", **more)
    both = Recipe((*_HALF.rules, *rest.rules), equalize=True)
    cut = tmp_path / "cut.onnx"
    cut.write_bytes(bench.build(bench.plan(_HALF)))

    at_once = bench.build(bench.plan(both, samples=pictures), samples=pictures)
    one_by_one = Compressor(load_model(cut))
    afterwards = one_by_one.build(one_by_one.plan(rest, samples=pictures), samples=pictures)

    assert at_once == afterwards


@pytest.mark.parametrize("criterion", ["taylor", "apoz"])
def test_a_look_at_samples_can_be_stopped(bench_of, pictures: CalibrationSet, criterion: str):
    bench = bench_of(CHAIN)
    ctx = JobContext(gate=lambda: ctx.cancel())

    with pytest.raises(Cancelled):
        bench.plan(_by(criterion), samples=pictures, ctx=ctx)

    # Nothing half done is remembered.
    assert bench.plan(_by(criterion), samples=pictures).groups


def test_a_plan_at_once_leaves_the_samples_alone(bench_of, pictures: CalibrationSet):
    bench, ctx = bench_of(CHAIN), JobContext()
    ctx.cancel()

    quick = bench.plan(_by("taylor"), samples=pictures, ctx=ctx, at_once=True)

    assert quick == bench.plan(_by("taylor"), samples=pictures)


_RESTS = {
    "6 bits": {"weights": WeightRule(bits=6)},
    "blocks": {"weights": WeightRule(bits=4, granularity="per_group_2")},
    "16 bits, sparse": {"weights": WeightRule(bits=16), "prune": Prune("weights", sparsity=0.4)},
    "sparse over all": {"prune": Prune("weights", sparsity=0.4, scope="global")},
    "pattern": {"prune": Prune("weights", pattern="1:2")},
    "ranges at run time": {"weights": WeightRule(bits=8), "activations": ActivationRule(bits=8, range="dynamic")},
}


@pytest.mark.parametrize("encoding", ["auto", "plain"])
@pytest.mark.parametrize("more", _RESTS.values(), ids=_RESTS.keys())
@pytest.mark.parametrize("name", sorted(NETWORKS))
def test_what_is_foreseen_of_what_is_left_is_what_the_cut_model_says(bench_of, name: str, more, encoding: str):
    bench = bench_of(NETWORKS[name])
    rest = Recipe(encoding=encoding).with_rule("*", **more)
    both = Recipe((*_half(bench).rules, *rest.rules), encoding=encoding)
    left = Compressor(bench.pruning.pruned(bench.plan(_half(bench)).groups, None, JobContext()))

    plan, afterwards = bench.plan(both), left.plan(rest)

    assert plan.opset == afterwards.opset
    for entry in afterwards.layers:
        found = plan.layer(entry.layer)
        assert found is not None
        assert (found.num_kept, found.threshold, found.weights) == (entry.num_kept, entry.threshold, entry.weights)
        one, other = bench.preview(entry.layer, both), left.preview(entry.layer, rest)
        assert (one.sparsity, one.sqnr_db, one.size_bytes) == (other.sparsity, other.sqnr_db, other.size_bytes)


def _half(bench: Compressor) -> Recipe:
    kinds = dict.fromkeys(group.kind for group in bench.pruning.channels.groups)
    recipe = Recipe()
    for kind in kinds:
        recipe = recipe.with_rule("*", prune=Prune(kind, ratio=0.5))
    return recipe


def test_another_ratio_is_planned_without_cutting_the_model(bench_of, monkeypatch: pytest.MonkeyPatch):
    bench = bench_of(SHORTCUT)
    rest = Recipe().with_rule("*", weights=WeightRule(bits=4), prune=Prune("weights", sparsity=0.4))
    bench.plan(Recipe((*_by("l2", 0.25).rules, *rest.rules)))
    monkeypatch.setattr(Compressor, "without_channels", _must_not)

    assert bench.plan(Recipe((*_half(bench).rules, *rest.rules))).groups
    assert bench.preview("c2", Recipe((*_half(bench).rules, *rest.rules))).sparsity > 0


@pytest.mark.parametrize("criterion", ["taylor", "activation_magnitude"])
@pytest.mark.parametrize("scope", ["layer", "global", "lamp"])
@pytest.mark.parametrize("recover", ["none", "weights"])
@pytest.mark.parametrize("rest", ["6 bits", "sparse over all", "pattern"])
def test_nothing_that_is_planned_at_once_runs_samples(
    bench_of, pictures: CalibrationSet, criterion: str, scope: str, recover: str, rest: str
):
    bench, ctx = bench_of(CHAIN), JobContext()
    prune = Prune("filters", ratio=0.5, criterion=criterion, scope=scope)
    recipe = Recipe(recover=recover).with_rule("*", prune=prune).with_rule("*", **_RESTS[rest])
    # Whoever runs samples asks first.
    ctx.cancel()

    quick = bench.plan(recipe, samples=pictures, ctx=ctx, at_once=True)

    full = bench.plan(recipe, samples=pictures)
    assert not full.awaits_samples
    assert [group.criterion for group in quick.groups] == [criterion] * len(quick.groups)
    assert quick.awaits_samples or quick == full
    # What the run has found is there at once from then on.
    assert bench.plan(recipe, samples=pictures, at_once=True) == full


def test_a_plan_that_waits_for_samples_says_so(bench_of, pictures: CalibrationSet):
    bench = bench_of(CHAIN)
    recipe = Recipe().with_rule("*", prune=Prune("filters", ratio=0.5, criterion="taylor", scope="global"))

    quick = bench.plan(recipe, samples=pictures, at_once=True)

    assert quick.awaits_samples
    assert any("decided on samples" in note for note in quick.notes)
    assert not any("decided on samples" in note for note in bench.plan(recipe, samples=pictures).notes)


def _must_not(*arguments: object, **more: object) -> None:
    raise AssertionError("this costs more than anybody waits for")


def test_urgent_work_does_not_wait_for_a_run_that_waits_for_it(bench_of, pictures: CalibrationSet):
    bench = bench_of(CHAIN)
    at_the_gate, urgent_done = threading.Event(), threading.Event()

    def gate() -> None:
        # As the worker's: a run goes on when what is more urgent has been answered.
        at_the_gate.set()
        assert urgent_done.wait(_WAIT_S)

    with ThreadPoolExecutor(1) as runs:
        run = runs.submit(bench.plan, _by("taylor"), samples=pictures, ctx=JobContext(gate=gate))
        assert at_the_gate.wait(_WAIT_S)
        urgent = bench.plan(_by("apoz"), samples=pictures)
        same = bench.plan(_by("taylor"), samples=pictures)
        urgent_done.set()

        assert urgent.groups
        assert run.result(_WAIT_S) == same


@pytest.mark.parametrize("network", [SHORTCUT, BLOCKS], ids=["shortcut", "blocks"])
def test_threads_get_what_each_gets_alone(bench_of, pictures: CalibrationSet, network: Network):
    recipes = [
        Recipe().with_rule("*", prune=Prune("filters", ratio=ratio, criterion=criterion, scope=scope))
        for ratio in (0.25, 0.5) for criterion in ("l2", "taylor") for scope in ("layer", "lamp")
    ]  # fmt: skip
    alone = bench_of(network)
    expected = [alone.build(alone.plan(recipe, samples=pictures), samples=pictures) for recipe in recipes]
    bench = bench_of(network)

    def build(recipe: Recipe) -> bytes:
        return bench.build(bench.plan(recipe, samples=pictures), samples=pictures)

    with ThreadPoolExecutor(4) as threads:
        assert list(threads.map(build, [*recipes, *recipes])) == [*expected, *expected]


def test_what_was_cut_last_is_not_cut_again(bench_of):
    bench = bench_of(CHAIN)
    plans = [bench.plan(_by("l2", ratio)) for ratio in (0.25, 0.5)]

    first = bench.pruning.pruned(plans[0].groups, None, JobContext())
    bench.pruning.pruned(plans[1].groups, None, JobContext())

    assert bench.pruning.pruned(plans[0].groups, None, JobContext()) is first


def test_other_samples_may_choose_other_channels(bench_of, pictures: CalibrationSet):
    bench = bench_of(CHAIN)
    others = CalibrationSet(pictures.dataset, Calibration(8, 1))
    plan = bench.plan(_by("activation_magnitude"), samples=pictures)

    first = bench.pruning.pruned(plan.groups, pictures, JobContext())

    assert bench.pruning.pruned(plan.groups, others, JobContext()) is not first
