import numpy as np
import onnxruntime as ort
import pytest

from workbench.engine.compress.compressor import Compressor
from workbench.engine.compress.rounding.bias_correction import corrected_bias
from workbench.engine.core.recipe import Recipe, WeightRule


def test_an_error_times_the_mean_input_is_taken_off_the_bias():
    # The output's mean moves by 0.5 · 2 − 0.25 · 4 = 0 and by 1 · 4 = 4.
    error = np.float32([[0.5, -0.25], [0.0, 1.0]])

    found = corrected_bias(np.float32([1, 1]), error, np.float32([2, 4]), axis=0)

    assert found.tolist() == [1, -3]


def test_the_columns_of_a_matrix_are_its_outputs():
    error = np.float32([[0.5, 0.0], [-0.25, 1.0]])

    assert corrected_bias(None, error, np.float32([2, 4]), axis=1).tolist() == [0, -4]


@pytest.mark.parametrize("groups", [1, 2, 4])
def test_convolutions_in_groups_keep_the_mean_of_the_outputs(groups: int):
    random = np.random.default_rng(groups)
    error = random.normal(size=(8, 4 // groups, 3, 3)).astype(np.float32)
    mean = random.normal(size=4).astype(np.float32)
    # A constant input of this mean: each output moves by the sum of its errors times the inputs of its group.
    moved = [
        sum(error[o, i].sum() * mean[(o // (8 // groups)) * (4 // groups) + i] for i in range(4 // groups))
        for o in range(8)
    ]

    found = corrected_bias(np.zeros(8, np.float32), error, mean, axis=0)

    np.testing.assert_allclose(found, -np.array(moved), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ("y = Gemm(f, w4, b4)", ""),
        ("i = Identity(b4) y = Gemm(f, w4, i)", ""),
        ("s = ReduceMean<axes = [1]>(f) y = Gemm(f, w4, s)", "not stored but computed"),
        ("y = Gemm<alpha = 0.25>(f, w4, b4)", "alpha or beta"),
        ("y = Gemm<beta = 0.5>(f, w4, b4)", "alpha or beta"),
    ],
    ids=["stored", "shared", "computed", "alpha", "beta"],
)
def test_correction_makes_no_layer_worse_and_says_where_it_is_not_done(shortcut_model, samples, body: str, reason: str):
    random = np.random.default_rng(0)
    weights = {"w4": random.normal(size=(192, 5)), "b4": np.arange(5) * 20}
    bench = shortcut_model(f"h = Relu(x) f = Flatten(h) {body}", **weights)
    calibration = samples(bench)
    x = calibration.dataset.batch(np.arange(40))["x"]
    exact = ort.InferenceSession(str(bench.model.path)).run(None, {"x": x})[0]

    def mean_error(**more: bool) -> float:
        plan = bench.plan(Recipe().with_rule("*", weights=WeightRule(bits=4, **more)), has_samples=True)
        assert reason in plan.layers[0].reason
        data = bench.build(plan, samples=calibration)
        return float(np.abs((ort.InferenceSession(data).run(None, {"x": x})[0] - exact).mean(axis=0)).max())

    if reason:
        assert mean_error(bias_correction=True) == pytest.approx(_plain(bench, exact, x), rel=1e-4)
    else:
        assert mean_error(bias_correction=True) < 1e-4


def _plain(bench: Compressor, exact: np.ndarray, x: np.ndarray) -> float:
    data = bench.build(bench.plan(Recipe().with_rule("*", weights=WeightRule(bits=4))))
    return float(np.abs((ort.InferenceSession(data).run(None, {"x": x})[0] - exact).mean(axis=0)).max())


_MATRIX_THEN_CONVOLUTION = """
  m = MatMul(x, wm)
  y = Conv(m, w, b)
"""
_SHAPE_UNKNOWN = """
  s = Shape(x)
  f = Cast<to = 1>(s)
  r = Round(f)
  t = Cast<to = 7>(r)
  q = Reshape(x, t)
  y = Conv(q, w, b)
"""
_ASKED = Recipe().with_rule("op:Conv", weights=WeightRule(bits=2, bias_correction=True))


@pytest.mark.parametrize("body", [_MATRIX_THEN_CONVOLUTION, _SHAPE_UNKNOWN], ids=["after a product", "shape unknown"])
def test_the_mean_of_each_output_channel_is_that_of_the_float_model(shortcut_model, samples, body: str):
    random = np.random.default_rng(1)
    weights = {"wm": random.normal(size=(8, 6)), "w": random.normal(size=(4, 3, 1, 1)), "b": random.normal(size=4)}
    bench = shortcut_model(body, "float[N,4,h,w] y", **weights)
    calibration = samples(bench)

    plan = bench.plan(_ASKED, has_samples=True)
    built = bench.build(plan, samples=calibration)

    x = calibration.dataset.batch(np.arange(len(calibration.dataset)))["x"]
    exact, found = (_channel_means(data, x) for data in (bench.model.path.read_bytes(), built))
    np.testing.assert_allclose(found, exact, atol=1e-5)
    assert plan.layers[0].weights.bias_correction
    assert plan.layers[0].reason == ""


def _channel_means(data: bytes, x: np.ndarray) -> np.ndarray:
    output = ort.InferenceSession(data, providers=["CPUExecutionProvider"]).run(None, {"x": x})[0]
    return output.mean(axis=(0, 2, 3))


_HEAD = "p = GlobalAveragePool(x) f = Flatten(p) "


@pytest.mark.parametrize(
    ("body", "output", "said"),
    [
        (f"{_HEAD} y = MatMul(f, w)", "float[N,4] y", "not MatMul"),
        (f"{_HEAD} y = Gemm<alpha = 0.5>(f, w, b)", "float[N,4] y", "alpha or beta other than 1"),
        (f"{_HEAD} g = ReduceMean<axes = [0], keepdims = 0>(f) y = Gemm(f, w, g)", "float[N,3] y", "but computed"),
    ],
    ids=["no bias", "scaled product", "computed bias"],
)
def test_a_bias_that_cannot_be_corrected_stands_in_the_plan(shortcut_model, body: str, output: str, said: str):
    weights = {"w": np.random.default_rng(2).normal(size=(3, 3 if "[N,3]" in output else 4)), "b": np.ones(4)}
    bench = shortcut_model(body, output, **weights)
    recipe = Recipe().with_rule("*", weights=WeightRule(bits=2, bias_correction=True))

    (entry,) = bench.plan(recipe, has_samples=True).layers

    assert said in entry.reason
    assert entry.reason.startswith("the bias is not corrected: ")
    assert "bias corrected" not in entry.done


def test_a_layer_whose_bias_is_computed_is_not_learned_either(shortcut_model):
    body = f"{_HEAD} g = ReduceMean<axes = [0], keepdims = 0>(f) y = Gemm(f, w, g)"
    bench = shortcut_model(body, "float[N,3] y", w=np.ones((3, 3)))
    recipe = Recipe().with_rule("*", weights=WeightRule(bits=2, rounding="learned"))

    (entry,) = bench.plan(recipe, has_samples=True).layers

    assert entry.weights.rounding == "nearest"
    assert "computed" in entry.reason
