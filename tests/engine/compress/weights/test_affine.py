"""Quantizing numbers: the worked example, and exact agreement with onnxruntime's own operators."""

import numpy as np
import onnxruntime as ort
import pytest
from onnx import TensorProto, helper

from workbench.engine.compress.weights.affine import QuantParams, dequantize, params_for_range, quantize
from workbench.engine.core.errors import RangeError


def test_worked_example_gives_code_135():
    params = QuantParams(np.float32(0.1), np.int32(128), num_bits=8, signed=False)

    assert quantize(np.float32([0.7]), params).tolist() == [135]


def test_halves_round_to_even():
    params = QuantParams(np.float32(1), np.int32(0), num_bits=8, signed=True)

    assert quantize(np.float32([0.5, 1.5, 2.5, -0.5, -1.5]), params).tolist() == [0, 2, 2, 0, -2]


def _runtime(axis: int, signed: bool) -> ort.InferenceSession:
    kind = TensorProto.INT8 if signed else TensorProto.UINT8
    graph = helper.make_graph(
        [
            helper.make_node("QuantizeLinear", ["x", "s", "z"], ["q"], axis=axis),
            helper.make_node("DequantizeLinear", ["q", "s", "z"], ["y"], axis=axis),
        ],
        "g",
        [
            helper.make_tensor_value_info("x", TensorProto.FLOAT, None),
            helper.make_tensor_value_info("s", TensorProto.FLOAT, None),
            helper.make_tensor_value_info("z", kind, None),
        ],
        [helper.make_tensor_value_info("q", kind, None), helper.make_tensor_value_info("y", TensorProto.FLOAT, None)],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    return ort.InferenceSession(model.SerializeToString())


@pytest.mark.parametrize("symmetric", [True, False], ids=["symmetric", "asymmetric"])
def test_eight_bits_agree_with_onnxruntime_exactly(symmetric: bool):
    weight = np.random.default_rng(3).standard_normal((16, 8, 3, 3)).astype(np.float32)
    low, high = weight.min(axis=(1, 2, 3)), weight.max(axis=(1, 2, 3))
    params = params_for_range(low, high, 8, symmetric=symmetric)
    shape = (16, 1, 1, 1)
    spread = QuantParams(params.scale.reshape(shape), params.zero_point.reshape(shape), 8, params.signed)

    codes = quantize(weight, spread)

    zero = params.zero_point.astype(np.int8 if params.signed else np.uint8)
    expected_codes, expected = _runtime(0, params.signed).run(None, {"x": weight, "s": params.scale, "z": zero})
    assert np.array_equal(codes, expected_codes.astype(np.int32))
    assert np.array_equal(dequantize(codes, spread), expected)


def test_zero_has_an_exact_code_when_the_range_lies_above_it():
    params = params_for_range(np.float32([2.0]), np.float32([6.0]), 4, symmetric=False)

    assert dequantize(quantize(np.float32([0.0]), params), params).tolist() == [0.0]


@pytest.mark.parametrize("low", [np.nan, -np.inf, 3.0], ids=["nan", "infinite", "inverted"])
def test_a_range_that_is_none_is_refused(low: float):
    with pytest.raises(RangeError):
        params_for_range(np.float32([low]), np.float32([1.0]), 8, symmetric=True)
