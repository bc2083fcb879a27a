import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from workbench.engine.core.errors import DataError, ExportError
from workbench.engine.core.recipe import ActivationRule, Recipe, WeightRule
from workbench.jobs import Cancelled, JobContext, Progress
from workbench.session import Session

_BITS = (2, 3, 4, 5)


def _recipe(bits: int) -> Recipe:
    return Recipe().with_rule("*", weights=WeightRule(bits=bits))


def _one_layer(rows: int) -> onnx.ModelProto:
    weight = np.random.default_rng(0).normal(size=(rows, 8)).astype(np.float32)
    graph = helper.make_graph(
        [helper.make_node("Gemm", ["x", "w"], ["y"], name="fc", transB=1)],
        "one",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n", 8])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["n", rows])],
        [numpy_helper.from_array(weight, "w")],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)


@pytest.fixture
def quick_switches():
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before)


def test_lanes_that_ask_for_different_recipes_each_get_their_own(tmp_path: Path, quick_switches):
    path = tmp_path / "one.onnx"
    onnx.save(_one_layer(64), path)
    session = Session()
    session.open_model(path)
    alone = {bits: session.preview_bytes(_recipe(bits)) for bits in _BITS}
    recipes = {bits: _recipe(bits) for bits in _BITS}

    def ask(bits: int) -> list[int]:
        return [session.preview_bytes(recipes[bits]) for _ in range(150)]

    with ThreadPoolExecutor(len(_BITS)) as lanes:
        together = dict(zip(_BITS, lanes.map(ask, _BITS), strict=True))

    assert {bits: set(sizes) for bits, sizes in together.items()} == {bits: {alone[bits]} for bits in _BITS}


def test_the_same_recipe_on_another_model_is_built_anew(tmp_path: Path):
    session = Session()
    sizes = []
    for rows in (64, 256):
        path = tmp_path / f"{rows}.onnx"
        onnx.save(_one_layer(rows), path)
        session.open_model(path)
        sizes.append(session.preview_bytes(_recipe(8)))

    # 192 rows more: 8 codes of a byte and a scale of four bytes each, and at most a few bytes of longer lengths.
    assert 192 * 12 <= sizes[1] - sizes[0] <= 192 * 12 + 12


@pytest.mark.parametrize("force", [False, True])
@pytest.mark.parametrize("name", ["big.onnx", "big.data"])
def test_what_the_model_is_read_from_is_never_overwritten(tmp_path: Path, name: str, force: bool):
    onnx.save(_one_layer(512), tmp_path / "big.onnx", save_as_external_data=True, location="big.data")
    before = (tmp_path / name).read_bytes()
    session = Session()
    session.open_model(tmp_path / "big.onnx")

    with pytest.raises(ExportError, match="is one of the files"):
        session.export(_recipe(4), tmp_path / name, force=force)

    assert (tmp_path / name).read_bytes() == before


def test_a_target_in_no_folder_is_refused_before_anything_is_computed(tmp_path: Path):
    path = tmp_path / "one.onnx"
    onnx.save(_one_layer(64), path)
    session = Session()
    session.open_model(path)

    with pytest.raises(ExportError, match="there is no folder"):
        session.export(_recipe(4), tmp_path / "nowhere" / "out.onnx")

    assert session._made._built is None


def _samples(path: Path) -> Path:
    generator = np.random.default_rng(1)
    np.savez(path, x=generator.normal(size=(40, 8)).astype(np.float32), y=generator.integers(0, 64, 40))
    return path


@pytest.fixture
def bench(tmp_path: Path) -> Session:
    """A session with a model and labelled samples."""
    onnx.save(_one_layer(64), tmp_path / "one.onnx")
    session = Session()
    session.open_model(tmp_path / "one.onnx")
    session.open_data(_samples(tmp_path / "d.npz"))
    return session


def test_what_is_put_on_the_bench_during_an_export_is_not_in_its_report(bench: Session, tmp_path: Path):
    onnx.save(_one_layer(256), tmp_path / "other.onnx")
    alone = bench.export(_recipe(4), tmp_path / "alone.onnx")
    opened: list[str] = []

    def open_another_once(progress: Progress) -> None:
        if not opened:
            opened.append(bench.open_model(tmp_path / "other.onnx").path)

    report = bench.export(_recipe(4), tmp_path / "out.onnx", ctx=JobContext(open_another_once))

    assert opened
    assert (report.before, report.after, report.verified) == (alone.before, alone.after, alone.verified)
    assert report.output_sha256 == alone.output_sha256


def test_an_export_that_is_cancelled_leaves_the_old_file(bench: Session, tmp_path: Path):
    target = tmp_path / "out.onnx"
    target.write_bytes(b"the old one")

    def cancel_while_verifying(progress: Progress) -> None:
        if progress.fraction > 0.5:
            ctx.cancel()

    ctx = JobContext(cancel_while_verifying)
    with pytest.raises(Cancelled):
        bench.export(_recipe(4), target, force=True, ctx=ctx)

    assert target.read_bytes() == b"the old one"


def test_figures_say_which_model_and_samples_they_hold_for(bench: Session, tmp_path: Path):
    model, data = bench.open_model(tmp_path / "one.onnx"), bench.open_data(tmp_path / "d.npz")

    evaluations = [*bench.evaluate(), *bench.evaluate(_recipe(4)), *bench.evaluate_against(tmp_path / "one.onnx")]
    latency = bench.measure_latency()

    assert {(report.model_digest, report.dataset_digest) for report in evaluations} == {(model.digest, data.digest)}
    assert latency.model_digest == model.digest


def test_an_export_says_which_step_it_is_in(bench: Session, tmp_path: Path):
    bench.open_model(tmp_path / "one.onnx")
    bench.open_data(tmp_path / "d.npz")
    texts: list[str] = []

    bench.export(_recipe(4), tmp_path / "steps.onnx", ctx=JobContext(lambda progress: texts.append(progress.text)))

    assert list(dict.fromkeys(text.partition(":")[0] for text in texts)) == ["measuring", "verifying"]
    assert all(text.endswith(" samples") for text in texts)


def test_of_weights_that_cannot_be_read_no_sparsity_is_known(bench: Session, tmp_path: Path):
    nodes = [
        helper.make_node("DequantizeLinear", ["q", "s"], ["w"], name="dq"),
        helper.make_node("MatMul", ["x", "w"], ["y"], name="fc"),
    ]
    graph = helper.make_graph(
        nodes, "quantized",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n", 8])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["n", 4])],
        [numpy_helper.from_array(np.ones((8, 4), np.int8), "q"), numpy_helper.from_array(np.float32(0.1), "s")],
    )  # fmt: skip
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8), tmp_path / "q.onnx")
    bench.open_model(tmp_path / "q.onnx")

    report = bench.export(_recipe(4), tmp_path / "out.onnx")

    assert (report.before.sparsity, report.after.sparsity) == (None, None)


def test_samples_that_do_not_fit_leave_those_on_the_bench(bench: Session, tmp_path: Path):
    bench.open_model(tmp_path / "one.onnx")
    good = bench.open_data(tmp_path / "d.npz")
    np.savez(tmp_path / "far.npz", x=np.zeros((4, 8), np.float32), y=[0, 1, 2, 9999])

    with pytest.raises(DataError, match="9999"):
        bench.open_data(tmp_path / "far.npz")

    assert {report.dataset_digest for report in bench.evaluate()} == {good.digest}


def test_without_labels_an_export_says_how_far_it_agrees_and_nothing_of_the_original(bench: Session, tmp_path: Path):
    np.savez(tmp_path / "bare.npz", x=np.zeros((4, 8), np.float32))
    bench.open_data(tmp_path / "bare.npz")

    report = bench.export(_recipe(8), tmp_path / "out.onnx")

    assert report.metric == "agreement"
    assert (report.before.accuracy, report.difference) == (None, None)
    assert report.after.accuracy is not None
    assert report.after.accuracy.value == 1.0


def test_the_original_agrees_with_itself_where_agreement_is_asked_for_though_there_are_labels(
    bench: Session, tmp_path: Path
):
    bench.open_data(tmp_path / "d.npz", {"metric": "agreement"})

    *_, original = bench.evaluate()
    *_, compressed = bench.evaluate(_recipe(8))

    assert (original.metric, original.figure.value) == ("agreement", 1.0)
    assert compressed.metric == "agreement"


def _forty_samples(demo_folder: Path, tmp_path: Path) -> Path:
    """The first forty of the demo's samples, for calibration."""
    with np.load(demo_folder / "digits.npz") as arrays:
        np.savez(tmp_path / "forty.npz", **{name: values[:40] for name, values in arrays.items()})
    return tmp_path / "forty.npz"


def test_a_bench_is_opened_with_its_calibration_samples_at_once(demo_folder: Path, tmp_path: Path):
    session, calibration = Session(), _forty_samples(demo_folder, tmp_path)
    recipe = Recipe().with_rule("*", weights=WeightRule(bits=8), activations=ActivationRule(bits=8))

    opened = session.open_bench(
        demo_folder / "digits.onnx",
        demo_folder / "digits.npz",
        None,
        recipe,
        calibration=calibration,
        calibration_overrides={"mean": [0.5]},
    )

    assert opened.calibration is not None
    assert (opened.calibration.num_samples, opened.calibration.preprocessing.mean) == (40, (0.5,))
    shared = "samples of the data that accuracy is measured on"
    assert not any(shared in note for note in session.plan(recipe).notes)
    session.close_calibration()
    assert any(shared in note for note in session.plan(recipe).notes)


def test_calibration_samples_that_are_gone_cost_nothing_else_of_a_bench(demo_folder: Path, tmp_path: Path):
    opened = Session().open_bench(
        demo_folder / "digits.onnx", demo_folder / "digits.npz", None, _recipe(4), calibration=tmp_path / "gone.npz"
    )

    assert opened.calibration is None
    assert "gone.npz" in opened.calibration_refusal
    assert opened.data is not None
    assert opened.data_refusal == opened.recipe_refusal == ""
