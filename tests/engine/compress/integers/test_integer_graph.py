"""Quantized graphs as onnxruntime runs them: on integers throughout, and with the numbers that were meant."""

from collections import Counter
from pathlib import Path

import numpy as np
import onnx
import onnxruntime as ort
import pytest

from workbench.engine.compress.compressor import Compressor
from workbench.engine.core.recipe import ActivationRule, Recipe, WeightRule

_EIGHT = ActivationRule(bits=8)


def _built(bench: Compressor, recipe: Recipe, calibration) -> bytes:
    return bench.build(bench.plan(recipe, has_samples=True), encoding=recipe.encoding, samples=calibration)


def _operators(data: bytes, tmp_path: Path) -> Counter[str]:
    """What onnxruntime makes of the graph."""
    options = ort.SessionOptions()
    options.log_severity_level = 3
    options.optimized_model_filepath = str(tmp_path / "optimized.onnx")
    ort.InferenceSession(data, options, providers=["CPUExecutionProvider"])
    return Counter(node.op_type for node in onnx.load(tmp_path / "optimized.onnx").graph.node)


def _outputs(data: bytes, x: np.ndarray) -> np.ndarray:
    return ort.InferenceSession(data, providers=["CPUExecutionProvider"]).run(None, {"x": x})[0]


def _sqnr_db(exact: np.ndarray, found: np.ndarray) -> float:
    return float(10 * np.log10(np.square(exact).sum() / np.square(exact - found).sum()))


def _inputs(bench: Compressor, calibration) -> np.ndarray:
    return calibration.dataset.batch(np.arange(len(calibration.dataset)))["x"]


@pytest.mark.parametrize("bits", [2, 3, 4, 5, 6, 7, 8])
def test_weights_of_every_width_run_on_integer_kernels(shortcut_model, samples, tmp_path: Path, bits: int):
    bench = shortcut_model()
    recipe = Recipe().with_rule("*", weights=WeightRule(bits=bits, range="mse"), activations=_EIGHT)

    data = _built(bench, recipe, samples(bench))

    found = _operators(data, tmp_path)
    assert found["QLinearConv"] == 2
    assert found["QLinearAdd"] == 1
    assert found["QGemm"] == 1
    assert not {"Conv", "FusedConv", "Gemm", "Add", "Relu"} & set(found)


@pytest.mark.parametrize("symmetric", [True, False], ids=["symmetric", "asymmetric"])
@pytest.mark.parametrize("granularity", ["per_tensor", "per_channel"])
@pytest.mark.parametrize("signed", [True, False], ids=["signed", "unsigned"])
def test_eight_bits_keep_the_outputs(shortcut_model, samples, symmetric: bool, granularity: str, signed: bool):
    bench = shortcut_model()
    calibration = samples(bench)
    # Seven of the eight bits, so that no CPU saturates.
    weights = WeightRule(bits=8, granularity=granularity, symmetric=symmetric, reduce_range=True)
    recipe = Recipe().with_rule("*", weights=weights, activations=ActivationRule(bits=8, signed=signed))
    x = _inputs(bench, calibration)

    found = _outputs(_built(bench, recipe, calibration), x)

    assert _sqnr_db(_outputs(bench.model.path.read_bytes(), x), found) > 28


def test_integer_kernels_give_what_the_graph_says_when_it_is_computed_in_float(shortcut_model, samples):
    bench = shortcut_model()
    calibration = samples(bench)
    recipe = Recipe().with_rule("*", weights=WeightRule(bits=6), activations=_EIGHT)
    data, x = _built(bench, recipe, calibration), _inputs(bench, calibration)
    options = ort.SessionOptions()
    options.add_session_config_entry("session.disable_quant_qdq", "1")
    exact = ort.InferenceSession(data, options, providers=["CPUExecutionProvider"]).run(None, {"x": x})[0]

    # Sums that end halfway between two codes may round to either.
    assert _sqnr_db(exact, _outputs(data, x)) > 40


def test_an_output_of_the_graph_that_is_quantized_keeps_its_name_and_type(shortcut_model, samples):
    bench = shortcut_model("c1 = Conv<pads = [1,1,1,1]>(x, w1, b1) y = Relu(c1)", output="float[N,8,8,8] y")
    calibration = samples(bench)
    recipe = Recipe().with_rule("*", weights=WeightRule(bits=7), activations=_EIGHT)

    data = _built(bench, recipe, calibration)

    assert [info.name for info in onnx.load_from_string(data).graph.output] == ["y"]
    x = _inputs(bench, calibration)
    assert _sqnr_db(_outputs(bench.model.path.read_bytes(), x), _outputs(data, x)) > 28


@pytest.mark.parametrize("rounding", ["nearest", "learned"])
def test_a_dead_channel_with_a_bias_does_not_overflow(shortcut_model, samples, rounding: str):
    weight = np.random.default_rng(0).normal(size=(8, 3, 3, 3)) / 3
    weight[3] = 1e-30
    bias = np.full(8, 2.5)
    bench = shortcut_model(w1=weight, b1=bias)
    calibration = samples(bench)
    recipe = Recipe().with_rule("*", weights=WeightRule(bits=7, rounding=rounding), activations=_EIGHT)
    x = _inputs(bench, calibration)

    found = _outputs(_built(bench, recipe, calibration), x)

    assert _sqnr_db(_outputs(bench.model.path.read_bytes(), x), found) > 28


def test_batch_normalization_is_folded_before_it_is_quantized(shortcut_model, samples, tmp_path: Path):
    random = np.random.default_rng(1)
    norm = {
        "g": random.uniform(0.5, 2, 8), "be": random.normal(size=8), "m": random.normal(size=8) / 3,
        "v": random.uniform(0.5, 2, 8),
    }  # fmt: skip
    body = """
      c1 = Conv<pads = [1,1,1,1]>(x, w1)
      n = BatchNormalization(c1, g, be, m, v)
      r = Relu(n)
      y = Conv(r, w2, b2)
    """
    bench = shortcut_model(body, output="float[N,8,6,6] y", **norm)
    calibration = samples(bench)
    recipe = Recipe().with_rule("*", weights=WeightRule(bits=7, rounding="learned"), activations=_EIGHT)
    x = _inputs(bench, calibration)

    data = _built(bench, recipe, calibration)

    assert _operators(data, tmp_path)["QLinearConv"] == 2
    assert _sqnr_db(_outputs(bench.model.path.read_bytes(), x), _outputs(data, x)) > 28


def test_activations_of_fewer_bits_take_only_so_many_values(shortcut_model, samples):
    bench = shortcut_model("c1 = Conv<pads = [1,1,1,1]>(x, w1, b1) y = Relu(c1)", output="float[N,8,8,8] y")
    calibration = samples(bench)
    recipe = Recipe().with_rule("*", weights=WeightRule(bits=8), activations=ActivationRule(bits=4))

    found = _outputs(_built(bench, recipe, calibration), _inputs(bench, calibration))

    assert 8 < len(np.unique(found)) <= 16


def test_sixteen_bits_lose_next_to_nothing(shortcut_model, samples):
    bench = shortcut_model()
    calibration = samples(bench)
    recipe = Recipe().with_rule("*", activations=ActivationRule(bits=16))
    x = _inputs(bench, calibration)

    data = _built(bench, recipe, calibration)

    options = ort.SessionOptions()
    # Newer onnxruntimes quantize the float weights too.
    options.add_session_config_entry("session.disable_quant_qdq", "1")
    found = ort.InferenceSession(data, options, providers=["CPUExecutionProvider"]).run(None, {"x": x})[0]
    assert _sqnr_db(_outputs(bench.model.path.read_bytes(), x), found) > 70


def test_the_same_samples_and_seed_give_the_same_bytes(shortcut_model, samples):
    recipe = Recipe().with_rule(
        "*",
        weights=WeightRule(bits=3, range="mse", rounding="learned"),
        activations=ActivationRule(bits=8, range="mse"),
    )
    made = []
    for seed in (0, 0, 1):
        bench = shortcut_model()
        made.append(_built(bench, recipe, samples(bench, count=20, seed=seed)))

    assert made[0] == made[1]
    assert made[0] != made[2]


def test_learned_rounding_keeps_the_outputs_better_than_nearest(shortcut_model, samples):
    bench = shortcut_model()
    calibration = samples(bench)
    x = _inputs(bench, calibration)
    exact = _outputs(bench.model.path.read_bytes(), x)

    def sqnr_db(**settings: object) -> float:
        recipe = Recipe().with_rule("*", weights=WeightRule(bits=2, range="mse", **settings), activations=_EIGHT)
        return _sqnr_db(exact, _outputs(_built(bench, recipe, calibration), x))

    assert sqnr_db(rounding="learned") > sqnr_db() + 6


def test_weights_alone_can_be_learned_and_stay_float_when_they_run(shortcut_model, samples, tmp_path: Path):
    bench = shortcut_model()
    recipe = Recipe().with_rule("*", weights=WeightRule(bits=3, range="mse", rounding="learned"))

    found = _operators(_built(bench, recipe, samples(bench)), tmp_path)

    assert not [name for name in found if name.startswith("QLinear") or name == "DequantizeLinear"]


def test_without_samples_the_plan_says_what_stays_float(shortcut_model):
    bench = shortcut_model()
    recipe = Recipe().with_rule("*", weights=WeightRule(bits=4, rounding="learned"), activations=_EIGHT)

    plan = bench.plan(recipe)

    assert all(entry.activations is None and entry.weights.rounding == "nearest" for entry in plan.layers)
    assert all("need samples" in entry.reason for entry in plan.layers)


def test_what_integer_kernels_cannot_do_is_done_otherwise_with_the_reason(shortcut_model):
    bench = shortcut_model()
    recipe = Recipe().with_rule(
        "*", weights=WeightRule(bits=4, granularity="per_group_4", symmetric=False), activations=_EIGHT
    )

    entry = bench.plan(recipe, has_samples=True).layers[0]

    assert entry.weights.granularity == "per_channel"
    assert entry.weights.symmetric
    assert "no scales per group" in entry.reason
    assert "one zero point" in entry.reason


def test_ranges_at_run_time_need_no_samples_and_run_on_one_integer_kernel(shortcut_model, samples, tmp_path: Path):
    body = """
      c = Conv(x, w1)
      f = Flatten(c)
      h = MatMul(f, w4)
      r = Add(h, b4)
      y = Gemm<transB = 1>(r, w5)
    """
    random = np.random.default_rng(8)
    weights = {"w4": random.normal(size=(288, 16)), "b4": np.ones(16), "w5": random.normal(size=(5, 16))}
    bench = shortcut_model(body, **weights)
    recipe = Recipe().with_rule("*", weights=WeightRule(bits=7), activations=ActivationRule(bits=8, range="dynamic"))
    plan = bench.plan(recipe)
    x = _inputs(bench, samples(bench))

    data = bench.build(plan)

    assert [entry.activations is not None for entry in plan.layers] == [False, True, True]
    assert "MatMul and Gemm have" in plan.layers[0].reason
    assert _operators(data, tmp_path)["DynamicQuantizeMatMul"] == 2
    exact = _outputs(bench.model.path.read_bytes(), x)
    weights_alone = bench.build(bench.plan(Recipe().with_rule("*", weights=WeightRule(bits=4, range="mse"))))
    # What 8 bits of activations add to the error of 4 bits of weights is next to nothing.
    assert _sqnr_db(exact, _outputs(data, x)) > _sqnr_db(exact, _outputs(weights_alone, x)) - 1


@pytest.mark.parametrize(("reduce_range", "is_said"), [(False, True), (True, False)])
def test_the_plan_says_where_eight_bits_saturate(shortcut_model, reduce_range: bool, is_said: bool):
    bench = shortcut_model()
    recipe = Recipe().with_rule("*", weights=WeightRule(bits=8, reduce_range=reduce_range), activations=_EIGHT)

    notes = bench.plan(recipe, has_samples=True).notes

    assert any("can saturate" in note for note in notes) is is_said
