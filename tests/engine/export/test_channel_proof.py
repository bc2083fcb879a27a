"""The proof accepts what is cut rightly, and nothing else."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import numpy_helper

from tests.channel_networks import CHAIN, NETWORKS
from workbench.engine.compress.compressor import Compressor
from workbench.engine.core.errors import VerificationError
from workbench.engine.core.layer import TensorInfo
from workbench.engine.core.recipe import Prune, Recipe
from workbench.engine.data.dataset import Dataset, open_dataset
from workbench.engine.export.channel_proof import _compared, prove_channels
from workbench.engine.graph.model import load_model
from workbench.jobs import Cancelled, JobContext, Progress


@pytest.fixture
def sides(tmp_path: Path) -> Callable[..., tuple[onnx.ModelProto, bytes]]:
    """The pruned model, and the whole one with the same channels at zero."""

    def make(name: str = "chain", ratio: float = 0.5) -> tuple[onnx.ModelProto, bytes]:
        bench = Compressor(load_model(NETWORKS[name].write(tmp_path / "m.onnx")))
        recipe = Recipe()
        for kind in ("filters", "neurons"):
            recipe = recipe.with_rule("*", prune=Prune(kind, ratio=ratio))
        groups, ctx = bench.plan(recipe).groups, JobContext()
        silenced = bench.pruning.silenced(groups, None, ctx)
        return bench.pruning.pruned(groups, None, ctx).to_proto(), silenced.SerializeToString()

    return make


@pytest.fixture
def pictures(tmp_path: Path) -> Dataset:
    path = tmp_path / "x.npz"
    np.savez(path, x=np.random.default_rng(2).normal(size=(40, 3, 8, 8)).astype(np.float32))
    settings = {"scale": 1.0, "mean": 0.0, "std": 1.0}
    return open_dataset(path, settings, [TensorInfo("x", "float", ("N", 3, 8, 8))])


def _change(model: onnx.ModelProto, name: str, edit: Callable[[np.ndarray], np.ndarray]) -> None:
    (tensor,) = [tensor for tensor in model.graph.initializer if tensor.name == name]
    tensor.CopyFrom(numpy_helper.from_array(np.ascontiguousarray(edit(numpy_helper.to_array(tensor))), name))


@pytest.mark.parametrize("name", NETWORKS)
@pytest.mark.parametrize("ratio", [0.25, 0.75])
def test_what_is_cut_rightly_is_proven_on_random_inputs(sides, name: str, ratio: float):
    pruned, silenced = sides(name, ratio)

    proof = prove_channels(pruned.SerializeToString(), silenced, None, JobContext())

    assert proof.ok
    assert proof.is_random
    assert proof.samples == 4
    assert proof.max_relative_difference <= 1e-5


def test_samples_are_taken_where_there_are_some(sides, pictures: Dataset):
    pruned, silenced = sides()

    proof = prove_channels(pruned.SerializeToString(), silenced, pictures, JobContext(), samples=16)

    assert proof.ok
    assert (proof.samples, proof.is_random) == (16, False)


@pytest.mark.parametrize(
    ("tensor", "edit"),
    [
        ("w1", lambda weight: weight[::-1]),
        ("shift1", lambda shift: np.roll(shift, 1)),
        ("w3", lambda weight: weight[:, ::-1]),
        ("b3", lambda bias: bias + np.float32(0.01)),
    ],
    ids=["filters in another order", "shifts of other channels", "columns of others", "an output moved"],
)
@pytest.mark.parametrize("on_samples", [True, False], ids=["samples", "random inputs"])
def test_a_model_that_is_cut_wrongly_is_refused(sides, pictures: Dataset, tensor: str, edit, on_samples: bool):
    pruned, silenced = sides()
    _change(pruned, tensor, edit)

    proof = prove_channels(pruned.SerializeToString(), silenced, pictures if on_samples else None, JobContext())

    assert not proof.ok
    assert proof.max_relative_difference > 1e-3


def test_the_whole_model_is_no_proof_of_the_pruned_one(sides):
    _, silenced = sides()

    proof = prove_channels(CHAIN.proto().SerializeToString(), silenced, None, JobContext())

    assert not proof.ok


def test_nan_in_the_place_of_a_number_is_refused(sides):
    pruned, silenced = sides()
    _change(pruned, "b3", lambda bias: np.full_like(bias, np.nan))

    assert prove_channels(pruned.SerializeToString(), silenced, None, JobContext()).max_relative_difference == np.inf


def test_a_model_that_does_not_fit_together_is_no_valid_onnx(sides):
    pruned, silenced = sides()
    _change(pruned, "w3", lambda weight: weight[:, :-1])

    with pytest.raises(VerificationError, match="no valid ONNX") as caught:
        prove_channels(pruned.SerializeToString(), silenced, None, JobContext())

    assert "\n" not in str(caught.value)


def test_the_proof_can_be_stopped(sides, pictures: Dataset):
    pruned, silenced = sides()

    def cancel(progress: Progress) -> None:
        ctx.cancel()

    ctx = JobContext(cancel)
    with pytest.raises(Cancelled):
        prove_channels(pruned.SerializeToString(), silenced, pictures, ctx)


def test_an_infinite_output_does_not_hide_that_another_differs():
    expected, found = [np.array([-np.inf, 1.0])], [np.array([-np.inf, 2.0])]

    proof = _compared([expected], [found], 1, 1e-4)

    assert not proof.ok
    assert proof.max_relative_difference == 1.0


def test_outputs_of_text_are_compared_as_they_are():
    words = np.array(["cat", "dog"], object)

    assert _compared([[words]], [[words.copy()]], 1, 1e-4).ok
    assert not _compared([[words]], [[words[::-1]]], 1, 1e-4).ok


def test_half_floats_are_held_to_what_they_can_hold(tmp_path: Path):
    network = NETWORKS["chain"].proto()
    half = convert_float_to_half(network)
    (tmp_path / "half.onnx").write_bytes(half.SerializeToString())
    bench = Compressor(load_model(tmp_path / "half.onnx"))
    groups, ctx = bench.plan(Recipe().with_rule("*", prune=Prune("filters", ratio=0.5))).groups, JobContext()
    pruned = bench.pruning.pruned(groups, None, ctx).to_proto()

    proof = prove_channels(
        pruned.SerializeToString(), bench.pruning.silenced(groups, None, ctx).SerializeToString(), None, ctx
    )

    assert proof.ok


def test_a_fault_that_the_model_came_with_is_not_blamed_on_the_cut(sides):
    pruned, silenced = sides()
    whole = onnx.load_from_string(silenced)
    for model in (pruned, whole):
        model.graph.output[0].type.tensor_type.ClearField("shape")

    assert prove_channels(pruned.SerializeToString(), whole.SerializeToString(), None, JobContext()).ok


def convert_float_to_half(model: onnx.ModelProto) -> onnx.ModelProto:
    half = onnx.ModelProto()
    half.CopyFrom(model)
    for tensor in half.graph.initializer:
        if tensor.data_type == onnx.TensorProto.FLOAT:
            values = numpy_helper.to_array(tensor).astype(np.float16)
            tensor.CopyFrom(numpy_helper.from_array(values, tensor.name))
    for info in (*half.graph.input, *half.graph.output):
        info.type.tensor_type.elem_type = onnx.TensorProto.FLOAT16
    return half
