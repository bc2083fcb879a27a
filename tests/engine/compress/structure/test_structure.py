"""What is foreseen of a model without channels, against the model that is really cut."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from tests.channel_networks import BLOCKS, NETWORKS, Network
from tests.engine.graph.channels.test_random_graphs import _MODELS as RANDOM_MODELS
from workbench.engine.compress.compressor import Compressor
from workbench.engine.compress.structure.structure import ModelStructure
from workbench.engine.core.errors import ModelError
from workbench.engine.core.recipe import Prune, Recipe
from workbench.engine.graph.model import load_model
from workbench.jobs import JobContext

# Lengths that are said in fewer bytes, and constants that several nodes stop reading.
_FEW_BYTES = 60

# Halves of one layer's channels, side by side again before anything with weights reads them: one class, two tensors.
_HALVES = Network(
    """
    c1 = Conv(x, w1, b1)
    a, b = Split<axis = 1>(c1)
    ra = Relu(a)
    rb = Tanh(b)
    both = Concat<axis = 1>(ra, rb)
    c2 = Conv(both, w2, b2)
    p = GlobalAveragePool(c2)
    y = Flatten(p)
    """,
    {"w1": (8, 3, 1, 1), "b1": (8,), "w2": (5, 8, 1, 1), "b2": (5,)},
)


@pytest.fixture(scope="module")
def structure_of(tmp_path_factory: pytest.TempPathFactory) -> Callable[[Network], ModelStructure]:
    folder, made = tmp_path_factory.mktemp("networks"), {}

    def make(network: Network) -> ModelStructure:
        if network.body not in made:
            path = network.write(folder / f"{len(made)}.onnx")
            made[network.body] = ModelStructure(load_model(path))
        return made[network.body]

    return make


def _scores(structure: ModelStructure, seed: int) -> dict[str, np.ndarray]:
    random = np.random.default_rng(seed)
    return {name: random.random(len(group.units)) for name, group in structure.unit_groups.items()}


def _settled(structure: ModelStructure, asked: dict[str, tuple[int, ...]], scores: dict[str, np.ndarray]):
    """What each group really keeps of what it is asked to keep."""
    return {name: structure.num_kept(name, counts, scores[name]) for name, counts in asked.items()}


@pytest.mark.parametrize("name", NETWORKS)
@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_weights_multiply_adds_and_bytes_are_those_of_the_model_that_is_cut(structure_of, name: str, data):
    structure = structure_of(NETWORKS[name])
    channels, before = structure.channels, structure.model.info
    ratios = st.floats(0, 1)
    groups = [group for group in channels.groups if group.num_units]
    asked = {group.name: group.units_kept(data.draw(ratios)) for group in groups}
    scores = _scores(structure, data.draw(st.integers(0, 5)))

    kept = _settled(structure, asked, scores)
    cut = structure.without(structure.units_gone(asked, scores))

    shares = channels.layer_shares(kept)
    for layer in before.layers:
        left = cut.info.layer(layer.name)
        assert left.num_weights == pytest.approx(layer.num_weights * shares[layer.name], abs=1e-6)
        assert left.macs == pytest.approx(layer.macs * shares[layer.name], abs=1e-6)
    assert channels.file_bytes(kept) == pytest.approx(cut.info.file_bytes, rel=0.005, abs=_FEW_BYTES)
    for group in groups:
        assert all(count >= 1 for count in kept[group.name])
        if structure.is_exact(group.name):
            assert kept[group.name] == asked[group.name]


@pytest.mark.parametrize("name", NETWORKS)
@pytest.mark.parametrize("ratio", [0.5, 1.0])
def test_what_goes_are_as_many_channels_as_a_layer_is_said_to_lose(structure_of, name: str, ratio: float):
    structure = structure_of(NETWORKS[name])
    scores = _scores(structure, 0)
    asked = {group.name: group.units_kept(ratio) for group in structure.channels.groups if group.num_units}

    cut = structure.without(structure.units_gone(asked, scores))

    kept = _settled(structure, asked, scores)
    for layer in structure.model.info.layers:
        left, whole = structure.channels.output_channels(layer.name, kept)
        after = cut.info.layer(layer.name)
        assert (whole, left) == (layer.weight_shape[layer.axis], after.weight_shape[after.axis])


@pytest.mark.parametrize(("asked", "left", "expected"), [(4, 4, [3, 5, 6, 7]), (2, 2, [3, 7]), (1, 2, [3, 7])])
def test_one_channel_of_every_tensor_stays(structure_of, asked: int, left: int, expected: list[int]):
    structure = structure_of(_HALVES)
    # Those of the first half are the least important by far.
    scores = {name: np.arange(len(group.units), dtype=float) for name, group in structure.unit_groups.items()}
    (group,) = [group for group in structure.channels.groups if group.num_units]

    cut = structure.without(structure.units_gone({group.name: (asked,)}, scores))

    assert not structure.channels.is_exact
    assert structure.num_kept(group.name, (asked,), scores[group.name]) == (left,)
    np.testing.assert_array_equal(cut.weight("c1"), structure.model.weight("c1")[expected])
    onnx.checker.check_model(cut.to_proto(), full_check=True)


def test_blocks_of_two_convolutions_make_numbers_depend_on_the_scores(structure_of):
    assert not structure_of(BLOCKS).channels.is_exact
    assert structure_of(NETWORKS["shortcut"]).channels.is_exact


def test_a_choice_that_leaves_nothing_is_refused(structure_of):
    structure = structure_of(NETWORKS["chain"])

    with pytest.raises(ModelError, match="would be left without channels"):
        structure.without(structure.unit_groups["c1"].units.tolist())


def test_the_model_that_was_opened_stays_as_it_is(tmp_path: Path):
    path = NETWORKS["chain"].write(tmp_path / "m.onnx")
    model = load_model(path)
    before = model.to_proto().SerializeToString()
    structure = ModelStructure(model)
    whole = structure.flow.proto.SerializeToString()

    structure.without(structure.units_gone({"c1": (3,)}, _scores(structure, 0)))

    assert model.to_proto().SerializeToString() == before
    assert structure.flow.proto.SerializeToString() == whole


@settings(
    max_examples=80,
    database=None,
    derandomize=True,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(
    proto=RANDOM_MODELS,
    ratio=st.sampled_from((0.25, 0.5, 0.75, 1.0)),
    scope=st.sampled_from(("layer", "global", "lamp", "erk")),
    multiple_of=st.sampled_from((1, 2, 4)),
)
def test_of_random_graphs_too(tmp_path: Path, proto: onnx.ModelProto, ratio: float, scope: str, multiple_of: int):
    path = tmp_path / "m.onnx"
    path.write_bytes(proto.SerializeToString())
    bench, recipe = Compressor(load_model(path)), Recipe()
    for kind in ("filters", "neurons"):
        recipe = recipe.with_rule("*", prune=Prune(kind, ratio=ratio, scope=scope, multiple_of=multiple_of))

    plan = bench.plan(recipe)
    assume(plan.groups)
    left = bench.without_channels(plan.groups, None, JobContext())

    channels, kept = bench.pruning.channels, {group.group: group.kept for group in plan.groups}
    shares = channels.layer_shares(kept)
    for layer in bench.model.info.layers:
        after = left.model.info.layer(layer.name)
        assert after.num_weights == pytest.approx(layer.num_weights * shares[layer.name], abs=1e-6)
        if layer.macs is not None:
            assert after.macs == pytest.approx(layer.macs * shares[layer.name], abs=1e-6)
    assert channels.file_bytes(kept) == pytest.approx(left.model.info.file_bytes, rel=0.005, abs=5 * _FEW_BYTES)
    assert all(count >= 1 for counts in kept.values() for count in counts)
