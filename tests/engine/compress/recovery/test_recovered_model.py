"""Layers fitted after channels went: by hand on three weights, and what every fit promises on a small network."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import numpy_helper

from workbench.engine.compress.activations.calibration import CalibrationSet
from workbench.engine.compress.compressor import Compressor
from workbench.engine.compress.rounding.paired_rows import PairedRows
from workbench.engine.core.errors import WorkbenchError
from workbench.engine.core.plan import Plan
from workbench.engine.core.recipe import Calibration, Prune, Recipe
from workbench.engine.data.dataset import open_dataset
from workbench.engine.graph.model import Model, load_model
from workbench.engine.graph.shapes import infer_shapes
from workbench.jobs import Cancelled, JobContext

_HALF = Recipe(calibration=Calibration(samples=40)).with_rule("*", prune=Prune("filters", ratio=0.5))


def _stored(proto: onnx.ModelProto, name: str) -> np.ndarray:
    return numpy_helper.to_array(next(tensor for tensor in proto.graph.initializer if tensor.name == name))


def _built(bench: Compressor, recipe: Recipe, samples: CalibrationSet | None) -> tuple[Plan, onnx.ModelProto]:
    plan = bench.plan(recipe, samples=samples)
    return plan, onnx.load_from_string(bench.build(plan, samples=samples))


@pytest.fixture
def three_weights(tmp_path: Path) -> Callable[[list[float]], tuple[Compressor, CalibrationSet]]:
    """h = (x, 2 x), y = h₁ + 3 h₂: opened with samples of x."""

    def make(xs: list[float]) -> tuple[Compressor, CalibrationSet]:
        proto = onnx.parser.parse_model(
            '<ir_version: 8, opset_import: ["" : 13]> m (float[N,1] x) => (float[N,1] y)'
            " { h = Gemm<transB=1>(x, w) y = Gemm<transB=1>(h, v, b) }"
        )
        for name, value in (("w", [[1], [2]]), ("v", [[1, 3]]), ("b", [0.25])):
            proto.graph.initializer.append(numpy_helper.from_array(np.array(value, np.float32), name))
        (tmp_path / "m.onnx").write_bytes(proto.SerializeToString())
        bench = Compressor(load_model(tmp_path / "m.onnx"))
        np.savez(tmp_path / "x.npz", x=np.array(xs, np.float32)[:, None])
        plain = {"scale": 1.0, "mean": 0.0, "std": 1.0, "layout": "raw"}
        dataset = open_dataset(tmp_path / "x.npz", plain, bench.model.info.inputs)
        return bench, CalibrationSet(dataset, Calibration(len(xs)))

    return make


_ONE_GOES = Recipe().with_rule("*", prune=Prune("neurons", ratio=0.5))


def test_the_weight_that_is_left_does_the_work_of_both(three_weights: Callable[..., tuple[Compressor, CalibrationSet]]):
    # The smaller weight goes, h₁. Of x = ±1: y − b = 7 x, h₂ = ±2, H = 4, C = 14, λ = 0.04; 3.5 would be exact.
    bench, samples = three_weights([-1.0, 1.0] * 100)

    _, proto = _built(bench, replace(_ONE_GOES, recover="weights"), samples)

    assert _stored(proto, "v").item() == pytest.approx((14 + 0.04 * 3) / 4.04, rel=1e-6)
    assert _stored(proto, "b").tolist() == pytest.approx([0.25], abs=1e-6)


def test_the_bias_takes_the_mean_of_what_went(three_weights: Callable[..., tuple[Compressor, CalibrationSet]]):
    # h₁ = x has the mean 1.5, and the weight 1.
    bench, samples = three_weights([1.0, 2.0] * 50)

    plan, proto = _built(bench, replace(_ONE_GOES, recover="bias"), samples)

    assert _stored(proto, "v").tolist() == [[3.0]]
    assert _stored(proto, "b").tolist() == pytest.approx([0.25 + 1.5], rel=1e-6)
    assert "the bias of 1 layer behind removed channels is fitted on 100 samples" in plan.notes


@pytest.mark.parametrize("layer", ["c2", "y"])
def test_no_fitted_layer_is_further_off_than_with_its_old_weights(
    shortcut_model: Callable[..., Compressor], samples: Callable[..., CalibrationSet], layer: str
):
    bench = shortcut_model()
    drawn = samples(bench)
    _, bare = _built(bench, _HALF, drawn)
    _, fitted = _built(bench, replace(_HALF, recover="weights"), drawn)
    # The layers before it as they are fitted, itself as it was.
    unfitted = onnx.ModelProto()
    unfitted.CopyFrom(fitted)
    node = next(node for node in fitted.graph.node if layer in node.output)
    for tensor in unfitted.graph.initializer:
        if tensor.name in node.input[1:]:
            tensor.CopyFrom(numpy_helper.from_array(_stored(bare, tensor.name), tensor.name))

    after, before = (_error(bench.model, proto, layer, drawn, bare) for proto in (fitted, unfitted))

    assert (after <= before * (1 + 1e-5)).all()
    assert after.sum() < 0.9 * before.sum()


def _error(
    model: Model, proto: onnx.ModelProto, layer: str, samples: CalibrationSet, bare: onnx.ModelProto
) -> np.ndarray:
    """Mean squared difference of each output channel from what is wanted of it."""
    whole = model.to_proto()
    kept = _kept_rows(_stored(whole, "w2"), _stored(bare, "w2")) if layer != "y" else np.ones(5, np.bool_)
    pair = PairedRows(whole, proto, infer_shapes(whole), samples)
    found = [
        np.moveaxis((goals - outputs) ** 2, 1, -1).reshape(-1, outputs.shape[1])
        for outputs, goals in pair.batches(layer, JobContext(), kept=kept, axis=1, of_outputs=True)
    ]
    return np.concatenate(found).mean(axis=0)


def _kept_rows(whole: np.ndarray, pruned: np.ndarray) -> np.ndarray:
    """Which filters are left: those whose weights are among the whole one's, whatever inputs they lost."""
    left = [set(row.ravel().tolist()) for row in pruned]
    return np.array([any(one <= set(row.ravel().tolist()) for one in left) for row in whole])


def test_the_same_samples_give_the_same_bytes(
    shortcut_model: Callable[..., Compressor], samples: Callable[..., CalibrationSet]
):
    asked = replace(_HALF, recover="weights")

    one, two = (_built(bench, asked, samples(bench))[1] for bench in (shortcut_model(), shortcut_model()))

    assert one.SerializeToString(deterministic=True) == two.SerializeToString(deterministic=True)


def test_other_samples_give_other_weights(
    shortcut_model: Callable[..., Compressor], samples: Callable[..., CalibrationSet]
):
    bench = shortcut_model()
    asked = replace(_HALF, recover="weights")

    one, two = (_built(bench, asked, samples(bench, 20, seed))[1] for seed in (0, 1))

    assert not np.array_equal(_stored(one, "w3"), _stored(two, "w3"))


def test_the_plan_says_what_is_fitted(
    shortcut_model: Callable[..., Compressor], samples: Callable[..., CalibrationSet]
):
    bench = shortcut_model()

    plan = bench.plan(replace(_HALF, recover="weights"), samples=samples(bench))

    assert "the weights of 2 layers behind removed channels are fitted on 40 samples" in plan.notes
    assert plan.needs_samples
    entries = {entry.layer: entry.done for entry in plan.layers}
    assert [name for name, done in entries.items() if "fit its weights" in done] == ["Conv_1", "Gemm_0"]


def test_a_layer_whose_weights_others_share_gets_a_bias_alone(
    shortcut_model: Callable[..., Compressor], samples: Callable[..., CalibrationSet]
):
    body = """
      c1 = Conv<pads = [1,1,1,1]>(x, w1, b1)
      c2 = Conv<pads = [1,1,1,1]>(c1, w2, b2)
      c3 = Conv<pads = [1,1,1,1]>(c2, w2, b2)
      p = GlobalAveragePool(c3)
      f = Flatten(p)
      y = Gemm<transB = 1>(f, w3, b3)
    """
    bench = shortcut_model(body)

    plan, proto = _built(bench, replace(_HALF, recover="weights"), samples(bench))

    reasons = {entry.layer: entry.reason for entry in plan.layers}
    assert "its weights are not fitted: other layers share them" in reasons["Conv_1"]
    two, three = (next(node for node in proto.graph.node if name in node.output) for name in ("c2", "c3"))
    assert two.input[1] == three.input[1]
    assert two.input[2] != three.input[2]
    onnx.checker.check_model(proto, full_check=True)


def test_without_samples_nothing_is_fitted_and_the_plan_says_so(shortcut_model: Callable[..., Compressor]):
    plan = shortcut_model().plan(replace(_HALF, recover="weights"))

    assert "recover: weights does nothing: it needs samples, and none are given" in plan.notes
    assert not plan.needs_samples


def test_without_channels_to_go_nothing_is_fitted_and_the_plan_says_so(
    shortcut_model: Callable[..., Compressor], samples: Callable[..., CalibrationSet]
):
    bench = shortcut_model()

    plan = bench.plan(Recipe(recover="bias"), samples=samples(bench))

    assert "recover: bias does nothing: no channels are removed" in plan.notes


def test_weights_are_pruned_among_those_that_were_fitted(
    shortcut_model: Callable[..., Compressor], samples: Callable[..., CalibrationSet]
):
    bench = shortcut_model()
    asked = replace(_HALF, recover="weights").with_rule("Gemm_0", prune=Prune("weights", sparsity=0.5))

    _, fitted = _built(bench, replace(_HALF, recover="weights"), samples(bench))
    plan, _ = _built(bench, asked, samples(bench))

    magnitudes = np.sort(np.abs(_stored(fitted, "w3")), axis=None)
    entry = plan.layer("Gemm_0")
    assert entry is not None
    assert entry.threshold is not None
    assert magnitudes[9] < entry.threshold <= magnitudes[10]


def test_fitting_can_be_stopped(shortcut_model: Callable[..., Compressor], samples: Callable[..., CalibrationSet]):
    bench, ctx = shortcut_model(), JobContext()
    plan = bench.plan(replace(_HALF, recover="weights"), samples=samples(bench))
    ctx.cancel()

    with pytest.raises(Cancelled):
        bench.build(plan, samples=samples(bench), ctx=ctx)


def test_batch_normalization_is_folded_so_that_what_comes_out_of_both_is_fitted(
    shortcut_model: Callable[..., Compressor], samples: Callable[..., CalibrationSet]
):
    body = """
      c1 = Conv<pads = [1,1,1,1]>(x, w1)
      n1 = BatchNormalization(c1, b1, b2, b2, v1)
      r1 = Relu(n1)
      c2 = Conv<pads = [1,1,1,1]>(r1, w2)
      n2 = BatchNormalization(c2, b1, b2, b2, v1)
      p = GlobalAveragePool(n2)
      f = Flatten(p)
      y = Gemm<transB = 1>(f, w3, b3)
    """
    bench = shortcut_model(body, v1=np.full(8, 0.5))

    _, fitted = _built(bench, replace(_HALF, recover="weights"), samples(bench))

    assert not [node for node in fitted.graph.node if node.op_type == "BatchNormalization"]
    onnx.checker.check_model(fitted, full_check=True)


def test_a_word_that_is_no_recovery_is_refused():
    from workbench.project.recipe_text import parse_recipe

    with pytest.raises(WorkbenchError, match="line 2"):
        parse_recipe("version: 1\nrecover: everything\n")
