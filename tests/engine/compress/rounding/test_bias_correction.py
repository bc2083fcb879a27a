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
