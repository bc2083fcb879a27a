"""A written file against its preview: what is found, what is said, and how much is held."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import onnx.parser
import pytest
from onnx import TensorProto, helper, numpy_helper

from workbench.engine.core.errors import RunError, VerificationError
from workbench.engine.data.dataset import Dataset, open_dataset
from workbench.engine.export.verify import verify_file
from workbench.engine.runtime.session import RuntimeSession
from workbench.jobs import Cancelled, JobContext


def _network(*, first: float = 0.5, second: float = 0.25, batch: int | str = "N") -> bytes:
    """Two layers with a Relu between them: three features to two scores."""
    nodes = [
        helper.make_node("Gemm", ["x", "fc1.weight"], ["a"], name="n1"),
        helper.make_node("Relu", ["a"], ["b"], name="n2"),
        helper.make_node("Gemm", ["b", "fc2.weight"], ["y"], name="n3"),
    ]
    weights = [
        numpy_helper.from_array(np.full((3, 4), first, np.float32), "fc1.weight"),
        numpy_helper.from_array(np.array([[second, -second]] * 4, np.float32), "fc2.weight"),
    ]
    graph = helper.make_graph(
        nodes, "g",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [batch, 3])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [batch, 2])], weights,
    )  # fmt: skip
    return helper.make_model(graph, ir_version=8, opset_imports=[helper.make_opsetid("", 13)]).SerializeToString()


@pytest.fixture
def written(tmp_path: Path) -> Callable[[bytes], Path]:
    def write(data: bytes) -> Path:
        path = tmp_path / "written.onnx"
        path.write_bytes(data)
        return path

    return write


@pytest.fixture
def samples(tmp_path: Path) -> Dataset:
    x = np.abs(np.random.default_rng(2).normal(size=(150, 3))).astype(np.float32)
    np.savez(tmp_path / "x.npz", x=x)
    return open_dataset(tmp_path / "x.npz", None, RuntimeSession(_network()).inputs)


def test_the_very_file_is_verified_on_every_sample(written, samples: Dataset):
    seen: list[float] = []

    found = verify_file(_network(), written(_network()), samples, JobContext(lambda step: seen.append(step.done)))

    assert (found.samples, found.max_abs_difference, found.agreement, found.ok) == (150, 0.0, 1.0, True)
    assert found.counted == "150 samples"
    assert found.first_difference == ""
    assert seen[-1] == 150


def test_a_fixed_batch_that_does_not_divide_the_samples_is_verified_too(written, samples: Dataset):
    data = _network(batch=4)

    found = verify_file(data, written(data), samples, JobContext())

    assert (found.samples, found.ok) == (150, True)


@pytest.mark.parametrize(
    ("changes", "layer"), [({"first": 0.75}, "fc1"), ({"second": -0.25}, "fc2")], ids=["first", "second"]
)
def test_a_mismatch_names_the_layer_that_differs_first(written, samples: Dataset, changes, layer: str):
    found = verify_file(_network(), written(_network(**changes)), samples, JobContext())

    assert not found.ok
    assert found.first_difference == layer
    assert found.max_abs_difference > 0


def test_the_difference_and_the_agreement_are_those_of_the_outputs(written, samples: Dataset):
    # y = (s, −s) with s = 4 · 0.5 · Σx · 0.25; the sign of the second layer turned gives (−s, s).
    sums = samples.batch(range(150))["x"].sum(axis=1)

    found = verify_file(_network(), written(_network(second=-0.25)), samples, JobContext())

    assert found.max_abs_difference == pytest.approx(2 * 0.5 * sums.max(), rel=1e-5)
    assert found.agreement == 0


def test_without_samples_random_inputs_are_compared(written):
    found = verify_file(_network(), written(_network()), None, JobContext())

    assert (found.samples, found.is_random, found.ok) == (8, True, True)
    assert found.counted == "8 random inputs"
    assert not verify_file(_network(), written(_network(first=1)), None, JobContext()).ok


def test_a_model_that_random_inputs_do_not_fit_is_not_said_to_fail_on_samples(written):
    """Its weight takes three features, and it leaves their number open."""
    text = '<ir_version: 8, opset_import: ["" : 13]> m (float[N,M] x) => (float[N,K] y) <float[3,1] w = {1, 1, 1}> '
    data = onnx.parser.parse_model(text + "{ y = MatMul(x, w) }").SerializeToString()

    with pytest.raises(RunError, match=r"fails on random inputs: .*; give samples: it may take other shapes"):
        verify_file(data, written(data), None, JobContext())


def test_outputs_that_are_not_by_sample_are_compared(written):
    text = """<ir_version: 8, opset_import: ["" : 13]> m (float[1,3] x) => (int64[2,N] places, float[] total)
        { places = NonZero(x) total = ReduceSum<keepdims = 0>(x) }"""
    data = onnx.parser.parse_model(text).SerializeToString()

    found = verify_file(data, written(data), None, JobContext())

    assert (found.samples, found.agreement, found.ok) == (8, 1.0, True)


def test_a_file_that_is_cut_short_is_not_usable(written, samples: Dataset):
    data = _network()

    with pytest.raises(VerificationError, match="cannot use the file"):
        verify_file(data, written(data[: len(data) // 2]), samples, JobContext())


def test_a_cancel_stops_it(written, samples: Dataset):
    ctx = JobContext()
    ctx.cancel()

    with pytest.raises(Cancelled):
        verify_file(_network(), written(_network()), samples, ctx)


def test_outputs_that_are_no_numbers_are_counted(written, samples: Dataset):
    data = _network(second=float("nan"))

    found = verify_file(data, written(data), samples, JobContext())

    assert (found.num_nan, found.ok) == (150, True)
