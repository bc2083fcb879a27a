"""Layers whose ranges are found at run time: the numbers that the formulas give, and onnxruntime's own quantizer."""

from collections import Counter
from pathlib import Path

import numpy as np
import onnx
import onnxruntime as ort
import pytest
from onnx import numpy_helper
from onnxruntime.quantization import QuantType, quantize_dynamic

from workbench.engine.compress.compressor import Compressor
from workbench.engine.core.recipe import ActivationRule, Recipe, WeightRule
from workbench.engine.graph.model import load_model

_RANDOM = np.random.default_rng(5)
_X = _RANDOM.normal(size=(6, 12)).astype(np.float32)
_W = _RANDOM.normal(size=(12, 5)).astype(np.float32)
_DYNAMIC = ActivationRule(bits=8, range="dynamic")
_EIGHT = Recipe().with_rule("*", weights=WeightRule(bits=8), activations=_DYNAMIC)
# Sums of two products with 7-bit codes fit into 16 bits: no CPU saturates.
_SEVEN = Recipe().with_rule("*", weights=WeightRule(bits=7), activations=_DYNAMIC)


def _saved(path: Path, body: str, x: np.ndarray, **weights: np.ndarray) -> Path:
    shape = ",".join(map(str, x.shape))
    proto = onnx.parser.parse_model(
        f'<ir_version: 8, opset_import: ["" : 13]> m (float[{shape}] x) => (float[M,K] y) {{ {body} }}'
    )
    proto.graph.initializer.extend(numpy_helper.from_array(value, name) for name, value in weights.items())
    path.write_bytes(proto.SerializeToString())
    return path


def _outputs(data: bytes, x: np.ndarray) -> np.ndarray:
    return ort.InferenceSession(data, providers=["CPUExecutionProvider"]).run(None, {"x": x})[0]


def _operators(data: bytes, tmp_path: Path) -> Counter[str]:
    """What onnxruntime makes of the graph."""
    options = ort.SessionOptions()
    options.log_severity_level = 3
    options.optimized_model_filepath = str(tmp_path / "optimized.onnx")
    ort.InferenceSession(data, options, providers=["CPUExecutionProvider"])
    return Counter(node.op_type for node in onnx.load(tmp_path / "optimized.onnx").graph.node)


def _rounded(x: np.ndarray) -> np.ndarray:
    """DynamicQuantizeLinear and back, in the words of the ONNX operator's page."""
    low, high = min(0.0, float(x.min())), max(0.0, float(x.max()))
    scale = (high - low) / 255
    zero = np.clip(np.rint(-low / scale), 0, 255)
    return scale * (np.clip(np.rint(x / scale) + zero, 0, 255) - zero)


def _rounded_columns(w: np.ndarray) -> np.ndarray:
    """Weights (K, N) in 127 symmetric codes, −63…63, a scale for each column."""
    scale = np.abs(w).max(axis=0, keepdims=True) / 63
    return scale * np.rint(w / scale)


@pytest.mark.parametrize("trans_a", [0, 1])
@pytest.mark.parametrize("trans_b", [0, 1])
@pytest.mark.parametrize(("alpha", "beta"), [(1.0, 1.0), (0.5, 1.0), (1.0, -2.0), (1.5, 0.0)])
@pytest.mark.parametrize("bias", [None, (5,), (1, 5), (6, 1), ()], ids=str)
def test_a_gemm_gives_what_its_formula_says_of_rounded_inputs_and_weights(
    tmp_path: Path, trans_a: int, trans_b: int, alpha: float, beta: float, bias: tuple[int, ...] | None
):
    c = None if bias is None else np.asarray(np.random.default_rng(2).normal(size=bias), np.float32)
    inputs = "x, w" if c is None else "x, w, c"
    body = f"y = Gemm<transA = {trans_a}, transB = {trans_b}, alpha = {alpha}, beta = {beta}>({inputs})"
    x, w = (_X.T if trans_a else _X), (_W.T if trans_b else _W)
    weights = {"w": np.ascontiguousarray(w)} | ({} if c is None else {"c": c})
    bench = Compressor(load_model(_saved(tmp_path / "gemm.onnx", body, x, **weights)))
    plan = bench.plan(_SEVEN)

    found = _outputs(bench.build(plan), np.ascontiguousarray(x))

    assert plan.layers[0].reason == ""
    expected = alpha * _rounded(_X) @ _rounded_columns(_W) + (0 if c is None else beta * c)
    assert np.allclose(found, expected, atol=1e-5)


@pytest.mark.parametrize("trans_b", [0, 1])
def test_a_gemm_gives_the_numbers_and_the_kernels_of_onnxruntimes_own_quantizer(tmp_path: Path, trans_b: int):
    w = np.ascontiguousarray(_W.T if trans_b else _W)
    c = np.linspace(-1, 1, 5, dtype=np.float32)
    path = _saved(tmp_path / "gemm.onnx", f"y = Gemm<transB = {trans_b}>(x, w, c)", _X, w=w, c=c)
    theirs = tmp_path / "theirs.onnx"
    quantize_dynamic(path, theirs, per_channel=True, weight_type=QuantType.QInt8)
    bench = Compressor(load_model(path))

    ours = bench.build(bench.plan(_EIGHT))

    # They read the weights per column of the product, as we do; only how the scales are multiplied may differ.
    assert np.allclose(_outputs(ours, _X), _outputs(theirs.read_bytes(), _X), atol=1e-6)
    assert _operators(ours, tmp_path) == _operators(theirs.read_bytes(), tmp_path) == {"DynamicQuantizeMatMul": 1}


def test_matrices_that_share_an_input_quantize_it_once_and_both_add_their_bias(tmp_path: Path):
    c = np.linspace(-1, 1, 5, dtype=np.float32)
    body = "a = Gemm(x, w, c) b = MatMul(x, w) y = Add(a, b)"
    bench = Compressor(load_model(_saved(tmp_path / "two.onnx", body, _X, w=_W, c=c)))

    data = bench.build(bench.plan(_SEVEN))

    kinds = Counter(node.op_type for node in onnx.load_from_string(data).graph.node)
    assert (kinds["DynamicQuantizeLinear"], kinds["MatMulInteger"]) == (1, 2)
    assert np.allclose(_outputs(data, _X), 2 * _rounded(_X) @ _rounded_columns(_W) + c, atol=1e-5)


@pytest.mark.parametrize("bits", [2, 3, 5, 7])
def test_narrow_weights_are_unpacked_into_the_same_kernel(tmp_path: Path, bits: int):
    bench = Compressor(load_model(_saved(tmp_path / "gemm.onnx", "y = Gemm<transB = 1>(x, w)", _X, w=_W.T.copy())))

    data = bench.build(bench.plan(Recipe().with_rule("*", weights=WeightRule(bits=bits), activations=_DYNAMIC)))

    assert _operators(data, tmp_path) == {"DynamicQuantizeMatMul": 1}
    dense = bench.build(bench.plan(Recipe().with_rule("*", weights=WeightRule(bits=bits))))
    # The weights are those that are stored without quantized activations.
    assert np.allclose(_outputs(data, _X), _outputs(dense, _rounded(_X).astype(np.float32)), atol=1e-5)


def test_a_bias_larger_than_any_code_is_added_in_float(tmp_path: Path):
    w = np.full((12, 5), 1e-20, np.float32)
    c = np.linspace(1, 2, 5, dtype=np.float32)
    bench = Compressor(load_model(_saved(tmp_path / "gemm.onnx", "y = Gemm(x, w, c)", _X, w=w, c=c)))

    found = _outputs(bench.build(bench.plan(_EIGHT)), _X)

    assert np.array_equal(found, np.broadcast_to(c, (6, 5)))


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ("y = Gemm(w, x)", "its weights stand on the left"),
        ("y = MatMul(w, x)", "its weights stand on the left"),
    ],
)
def test_what_has_no_kernel_stays_float_with_the_reason(tmp_path: Path, body: str, reason: str):
    x = np.ascontiguousarray(_X.T)
    bench = Compressor(load_model(_saved(tmp_path / "left.onnx", body, x, w=_W.T[:, :12].copy())))

    entry = bench.plan(_EIGHT).layers[0]

    assert (entry.activations, entry.reason) == (None, f"activations stay float: {reason}")


@pytest.mark.parametrize("weights", [None, WeightRule(bits=12), WeightRule(bits="float16")], ids=["none", "12", "half"])
def test_codes_are_multiplied_with_codes_alone(tmp_path: Path, weights: WeightRule | None):
    path = _saved(tmp_path / "gemm.onnx", "y = Gemm(x, w)", _X, w=_W)
    bench = Compressor(load_model(path))
    plan = bench.plan(Recipe().with_rule("*", weights=weights, activations=_DYNAMIC))

    found = _outputs(bench.build(plan), _X)

    assert "ranges at run time need weights of 2 to 8 bits" in plan.layers[0].reason
    assert plan.layers[0].activations is None
    assert (plan.layers[0].weights is not None) is (weights is not None)
    assert np.allclose(found, _X @ _W, atol=0.01)


def test_alpha_and_beta_take_no_time_when_the_model_runs(tmp_path: Path):
    body = "y = Gemm<alpha = 0.5, beta = 2.0, transB = 1>(x, w, c)"
    c = np.linspace(-1, 1, 5, dtype=np.float32)
    bench = Compressor(load_model(_saved(tmp_path / "gemm.onnx", body, _X, w=_W.T.copy(), c=c)))

    data = bench.build(bench.plan(_SEVEN))

    assert _operators(data, tmp_path) == {"DynamicQuantizeMatMul": 1}


def test_rounding_is_learned_for_a_gemm_whose_ranges_are_found_at_run_time(shortcut_model, samples):
    bench = shortcut_model("f = Flatten(x) y = Gemm<transB = 1>(f, w5, b5)", **_wide_gemm())
    calibration = samples(bench)
    x = calibration.dataset.batch(np.arange(40))["x"]
    exact = _outputs(bench.model.path.read_bytes(), x)

    def error(rounding: str) -> float:
        recipe = Recipe().with_rule("*", weights=WeightRule(bits=3, rounding=rounding), activations=_DYNAMIC)
        plan = bench.plan(recipe, has_samples=True)
        assert plan.layers[0].activations is not None
        return float(np.square(_outputs(bench.build(plan, samples=calibration), x) - exact).mean())

    assert error("learned") < error("nearest") / 2


def _wide_gemm() -> dict[str, np.ndarray]:
    random = np.random.default_rng(8)
    return {"w5": random.normal(size=(5, 192)), "b5": random.normal(size=5)}
