"""Integer layers by the rules of other processors: against sums written out in numpy, and against this computer's.

The sums in numpy stand on what the instruction does: products of neighbours, added in 16 bits with saturation.
Where this computer saturates itself, onnxruntime as it is must give the same bits.
"""

import itertools
from dataclasses import dataclass, field

import numpy as np
import onnx
import onnxruntime as ort
import pytest
from onnx import helper, numpy_helper

from workbench.engine.core.cpu_rules import CpuRules
from workbench.engine.runtime.emulated_graph import EmulatedGraph, emulated_graph
from workbench.engine.runtime.fused_graph import fused_graph
from workbench.engine.runtime.saturation import saturates

_X_SCALE, _Y_SCALE, _X_ZERO, _Y_ZERO = np.float32(0.02), np.float32(0.5), np.uint8(3), np.uint8(128)


@dataclass(frozen=True)
class ConvCase:
    shape: tuple[int, ...]
    weight: tuple[int, ...]
    attributes: dict[str, object] = field(default_factory=dict)
    bias: bool = False


_CONVS = {
    "3x3": ConvCase((2, 8, 6, 6), (16, 8, 3, 3), {"pads": [1, 1, 1, 1]}, bias=True),
    "many pairs": ConvCase((1, 16, 4, 4), (64, 16, 3, 3)),
    "1x1": ConvCase((2, 16, 5, 5), (24, 16, 1, 1)),
    "odd channels": ConvCase((2, 3, 7, 7), (5, 3, 3, 3), {"pads": [1, 1, 1, 1]}),
    "strides and dilations": ConvCase((2, 4, 9, 9), (16, 4, 3, 3), {"strides": [2, 2], "dilations": [2, 1]}),
    "uneven pads": ConvCase((2, 4, 6, 6), (16, 4, 3, 2), {"pads": [0, 1, 2, 0]}),
    "groups": ConvCase((2, 8, 6, 6), (12, 4, 3, 3), {"group": 2, "pads": [1, 1, 1, 1]}, bias=True),
    "one channel in, two out": ConvCase((2, 4, 6, 6), (8, 1, 3, 3), {"group": 4, "pads": [1, 1, 1, 1]}),
    "depthwise of 16": ConvCase((2, 16, 6, 6), (16, 1, 3, 3), {"group": 16, "pads": [1, 1, 1, 1]}),
    "depthwise of 5": ConvCase((2, 5, 6, 6), (5, 1, 3, 3), {"group": 5, "pads": [1, 1, 1, 1]}),
    "same size": ConvCase((2, 4, 6, 6), (16, 4, 2, 3), {"auto_pad": "SAME_LOWER"}),
    "1-d": ConvCase((2, 6, 11), (9, 6, 4), {"pads": [2, 1]}),
    "3-d": ConvCase((1, 4, 4, 5, 4), (8, 4, 2, 2, 2), {"pads": [1, 0, 0, 0, 1, 1]}),
}


def _pairs_sum(a: np.ndarray, w: np.ndarray) -> int:
    """Σ of neighbours' products, each pair held to 16 bits."""
    products = a.astype(np.int64) * w.astype(np.int64)
    if len(products) % 2:
        products = np.append(products, 0)
    return int(np.clip(products[::2] + products[1::2], -(2**15), 2**15 - 1).sum())


def _conv_sums(x: np.ndarray, w: np.ndarray, attributes: dict[str, object], *, saturate: bool) -> np.ndarray:
    """A convolution's sums, one output at a time; raw codes are paired by position, then channel."""
    rank, groups = w.ndim - 2, attributes.get("group", 1)
    kernel, channels = w.shape[2:], w.shape[1]
    strides, dilations = (attributes.get(name, [1] * rank) for name in ("strides", "dilations"))
    pads = attributes.get("pads", [0] * (2 * rank))
    if attributes.get("auto_pad") == "SAME_LOWER":
        pads = [size // 2 for size in kernel] + [(size - 1) // 2 for size in kernel]
    around = [(0, 0), (0, 0), *zip(pads[:rank], pads[rank:], strict=True)]
    padded = np.pad(x, around, constant_values=_X_ZERO)
    spans = [(size - 1) * step + 1 for size, step in zip(kernel, dilations, strict=True)]
    sizes = [(padded.shape[2 + i] - spans[i]) // strides[i] + 1 for i in range(rank)]
    sums = np.zeros((len(x), len(w), *sizes), np.int64)
    for n, m, *place in itertools.product(*map(range, sums.shape)):
        start = m // (len(w) // groups) * channels
        taps = [
            padded[(n, slice(start, start + channels),
                    *(place[i] * strides[i] + tap[i] * dilations[i] for i in range(rank)))]
            for tap in itertools.product(*map(range, kernel))
        ]  # fmt: skip
        a = np.concatenate(taps)
        k = np.moveaxis(w[m], 0, -1).reshape(-1)
        raw = _pairs_sum(a, k) if saturate else int(a.astype(np.int64) @ k.astype(np.int64))
        sums[(n, m, *place)] = raw - int(_X_ZERO) * int(k.astype(np.int64).sum())
    return sums


def _requantized(sums: np.ndarray, scale: np.ndarray) -> np.ndarray:
    return np.clip(np.rint(sums.astype(np.float32) * scale) + int(_Y_ZERO), 0, 255).astype(np.uint8)


@pytest.fixture
def random() -> np.random.Generator:
    return np.random.default_rng(7)


def _large_weights(random: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    return random.choice(np.array([-128, -100, -60, 5, 70, 110, 127], np.int8), shape)


def _model(node: onnx.NodeProto, constants: dict[str, np.ndarray], x: np.ndarray, output: int) -> onnx.ModelProto:
    graph = helper.make_graph(
        [node],
        "g",
        [helper.make_tensor_value_info("x", helper.np_dtype_to_tensor_dtype(x.dtype), x.shape)],
        [helper.make_tensor_value_info("y", output, None)],
        [numpy_helper.from_array(np.asarray(value), name) for name, value in constants.items()],
    )
    opsets = [helper.make_opsetid("", 13), helper.make_opsetid("com.microsoft", 1)]
    return helper.make_model(graph, opset_imports=opsets, ir_version=8)


def _run(model: onnx.ModelProto, x: np.ndarray) -> list[np.ndarray]:
    options = ort.SessionOptions()
    options.log_severity_level = 3
    return ort.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"]).run(
        None, {"x": x}
    )


def _emulated(model: onnx.ModelProto, rules: CpuRules) -> EmulatedGraph:
    copy = onnx.ModelProto()
    copy.CopyFrom(model)
    return emulated_graph(fused_graph(copy), rules)


def _check(model: onnx.ModelProto, x: np.ndarray, exact: np.ndarray, saturated: np.ndarray) -> None:
    """Both emulations against their numbers, and this computer against the one that it should be."""
    np.testing.assert_array_equal(_run(_emulated(model, CpuRules.EXACT).proto, x)[0], exact)
    np.testing.assert_array_equal(_run(_emulated(model, CpuRules.SATURATING).proto, x)[0], saturated)
    here = {True: saturated, False: exact}.get(saturates())
    if here is not None:
        np.testing.assert_array_equal(_run(model, x)[0], here)


@pytest.mark.parametrize("case", _CONVS.values(), ids=_CONVS.keys())
def test_convolutions_give_the_bits_of_a_processor_that_saturates_and_of_one_that_does_not(case: ConvCase, random):
    x = random.integers(0, 256, case.shape).astype(np.uint8)
    w = _large_weights(random, case.weight)
    scales = random.uniform(0.01, 0.03, len(w)).astype(np.float32)
    bias = random.integers(-20_000, 20_000, len(w)).astype(np.int32)
    constants = {"xs": _X_SCALE, "xz": _X_ZERO, "w": w, "ws": scales, "wz": np.zeros(len(w), np.int8),
                 "ys": _Y_SCALE, "yz": _Y_ZERO, "b": bias}  # fmt: skip
    inputs = ["x", *list(constants)[: 8 if case.bias else 7]]
    node = helper.make_node("QLinearConv", inputs, ["y"], **case.attributes)
    by_channel = (-1, *[1] * (w.ndim - 2))
    scale = (_X_SCALE * scales / _Y_SCALE).reshape(by_channel)
    offset = bias.reshape(by_channel) if case.bias else 0
    exact = _requantized(_conv_sums(x, w, case.attributes, saturate=False) + offset, scale)
    is_depthwise = w.shape[1] == 1 and case.attributes.get("group") == len(w)
    saturated = _requantized(_conv_sums(x, w, case.attributes, saturate=not is_depthwise) + offset, scale)
    assert is_depthwise or (exact != saturated).mean() > 0.05

    _check(_model(node, constants, x, onnx.TensorProto.UINT8), x, exact, saturated)


def _products(x: np.ndarray, w: np.ndarray, x_zero: int, w_zero: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The exact and the saturated sums of a matrix product."""
    a, b = x.astype(np.int64), w.astype(np.int64)
    raw = np.array([[_pairs_sum(row, column) for column in w.T] for row in x])
    rest = -x_zero * b.sum(axis=0) - a.sum(axis=1, keepdims=True) * w_zero + len(w) * x_zero * w_zero
    return a @ b + rest, raw + rest


@pytest.mark.parametrize("inner", [32, 7], ids=["even", "odd"])
@pytest.mark.parametrize("w_zero", [0, -9], ids=["symmetric", "asymmetric"])
@pytest.mark.parametrize("op_type", ["QLinearMatMul", "QGemm", "QGemm transposed", "QGemm to float",
                                     "MatMulInteger", "MatMulIntegerToFloat"])  # fmt: skip
def test_products_give_the_bits_of_a_processor_that_saturates_and_of_one_that_does_not(
    op_type: str, w_zero: int, inner: int, random
):
    x = random.integers(0, 256, (6, inner)).astype(np.uint8)
    w = _large_weights(random, (inner, 10))
    scales = random.uniform(0.01, 0.03, 10).astype(np.float32)
    bias = random.integers(-20_000, 20_000, 10).astype(np.int32)
    zeros = np.full(10, w_zero, np.int8)
    known = {"xs": _X_SCALE, "xz": _X_ZERO, "ys": _Y_SCALE, "yz": _Y_ZERO, "ws": scales, "wz": zeros}
    exact, saturated = _products(x, w, int(_X_ZERO), zeros.astype(np.int64))
    assert (exact != saturated).mean() > 0.1
    name, _, variant = op_type.partition(" ")
    linear = ["x", "xs", "xz", "w", "ws", "wz"]
    if name == "QLinearMatMul":
        node = helper.make_node(name, [*linear, "ys", "yz"], ["y"])
    elif name == "QGemm":
        ends = [] if variant == "to float" else ["ys", "yz"]
        transposed = {"transB": 1} if variant == "transposed" else {}
        node = helper.make_node(name, [*linear, "b", *ends], ["y"], domain="com.microsoft", **transposed)
    elif name == "MatMulInteger":
        node = helper.make_node(name, ["x", "w", "xz", "wz"], ["y"])
    else:
        node = helper.make_node(name, ["x", "w", "xs", "ws", "xz", "wz", "f"], ["y"], domain="com.microsoft")
    known |= {"w": w.T.copy() if variant == "transposed" else w, "b": bias, "f": bias.astype(np.float32)}

    def finished(sums: np.ndarray) -> np.ndarray:
        if name == "MatMulInteger":
            return sums.astype(np.int32)
        if name == "MatMulIntegerToFloat":
            return sums.astype(np.float32) * (_X_SCALE * scales) + bias.astype(np.float32)
        with_bias = sums + (bias if name == "QGemm" else 0)
        if variant == "to float":
            return with_bias.astype(np.float32) * (_X_SCALE * scales)
        return _requantized(with_bias, _X_SCALE * scales / _Y_SCALE)

    used = {key: value for key, value in known.items() if key in node.input}
    kinds = {"MatMulInteger": onnx.TensorProto.INT32, "MatMulIntegerToFloat": onnx.TensorProto.FLOAT}
    kind = onnx.TensorProto.FLOAT if variant == "to float" else kinds.get(name, onnx.TensorProto.UINT8)
    _check(_model(node, used, x, kind), x, finished(exact), finished(saturated))


def test_ranges_found_at_run_time_give_the_numbers_of_both_processors(random):
    x = random.integers(0, 256, (6, 32)).astype(np.float32) / np.float32(255)
    x[0, :2] = 0, 1
    w, w_scale = _large_weights(random, (32, 10)), random.uniform(0.01, 0.03, 10).astype(np.float32)
    model = onnx.parser.parse_model("""
        <ir_version: 8, opset_import: ["" : 13]>
        m (float[N,32] x) => (float[N,10] y) {
            codes, scale, zero = DynamicQuantizeLinear(x)
            sums = MatMulInteger(codes, w, zero, wz)
            real = Cast<to = 1>(sums)
            both = Mul(scale, ws)
            y = Mul(real, both)
        }
    """)
    for name, value in {"w": w, "ws": w_scale, "wz": np.zeros(10, np.int8)}.items():
        model.graph.initializer.append(numpy_helper.from_array(value, name))
    codes = np.rint(x * 255).astype(np.uint8)
    sums = dict(zip((CpuRules.EXACT, CpuRules.SATURATING), _products(codes, w, 0, np.zeros(10, np.int64)), strict=True))
    copy = onnx.ModelProto()
    copy.CopyFrom(model)

    assert [node.op_type for node in fused_graph(copy).graph.node] == ["DynamicQuantizeMatMul"]
    for rules, expected in sums.items():
        found = _run(_emulated(model, rules).proto, x)[0]
        np.testing.assert_allclose(found, expected * (w_scale / np.float64(255)), rtol=1e-5)
        if saturates() is (rules is CpuRules.SATURATING):
            np.testing.assert_array_equal(found, _run(model, x)[0])


def test_two_weights_of_100_saturate_at_32767():
    x = np.array([[255, 255, 10, 10]], np.uint8)
    w = np.array([[100], [100], [100], [100]], np.int8)
    node = helper.make_node("MatMulInteger", ["x", "w"], ["y"])
    model = _model(node, {"w": w}, x, onnx.TensorProto.INT32)

    # 255 · 100 + 255 · 100 = 51,000 is held to 32,767; 10 · 100 + 10 · 100 = 2,000 fits.
    assert _run(_emulated(model, CpuRules.SATURATING).proto, x)[0].item() == 32_767 + 2_000
    assert _run(_emulated(model, CpuRules.EXACT).proto, x)[0].item() == 51_000 + 2_000


def test_the_share_of_outputs_with_a_saturated_pair_is_told():
    x = np.array([[255, 255], [255, 1]], np.uint8)
    w = np.array([[100, 64, -100], [100, 64, -100]], np.int8)
    node = helper.make_node("MatMulInteger", ["x", "w"], ["y"])

    found = _emulated(_model(node, {"w": w}, x, onnx.TensorProto.INT32), CpuRules.SATURATING)

    # Two pairs of three can: 64 + 64 = 128 fits. Of six outputs the first row's two do.
    assert [layer.num_pairs for layer in found.layers] == [2]
    assert _run(found.proto, x)[1].item() == pytest.approx(2 / 6)


def test_seven_bits_never_saturate():
    x = np.zeros((1, 4), np.uint8)
    w = np.full((4, 3), 63, np.int8)
    model = _model(helper.make_node("MatMulInteger", ["x", "w"], ["y"]), {"w": w}, x, onnx.TensorProto.INT32)

    assert _emulated(model, CpuRules.SATURATING).layers == ()


def _strided_conv(random: np.random.Generator, x: np.ndarray) -> onnx.ModelProto:
    constants = {"xs": _X_SCALE, "xz": _X_ZERO, "w": _large_weights(random, (16, 4, 3, 3)), "ws": np.float32(0.02),
                 "wz": np.int8(0), "ys": _Y_SCALE, "yz": _Y_ZERO}  # fmt: skip
    node = helper.make_node("QLinearConv", ["x", *constants], ["y"], auto_pad="SAME_UPPER", strides=[2, 2])
    return _model(node, constants, x, onnx.TensorProto.UINT8)


@pytest.mark.parametrize("size", [5, 6])
def test_padding_that_follows_from_a_fixed_size_is_put_into_numbers(random, size: int):
    x = random.integers(0, 256, (1, 4, size, size)).astype(np.uint8)
    model = _strided_conv(random, x)
    explicit = onnx.ModelProto()
    explicit.CopyFrom(model)
    del explicit.graph.node[0].attribute[:]
    # ⌈5/2⌉ = ⌈6/2⌉ = 3 outputs look at 7 places: one more on both sides of 5, and one behind 6.
    pads = [1, 1, 1, 1] if size == 5 else [0, 0, 1, 1]
    explicit.graph.node[0].attribute.extend(
        [helper.make_attribute("strides", [2, 2]), helper.make_attribute("pads", pads)]
    )

    found = _emulated(model, CpuRules.SATURATING)

    assert found.left_out == ()
    expected = _run(_emulated(explicit, CpuRules.SATURATING).proto, x)[0]
    np.testing.assert_array_equal(_run(found.proto, x)[0], expected)
    assert (_run(_emulated(model, CpuRules.EXACT).proto, x)[0] != expected).any()


def test_a_convolution_whose_padding_is_not_known_before_is_named_and_computed_as_it_is(random):
    x = random.integers(0, 256, (1, 4, 5, 5)).astype(np.uint8)
    model = _strided_conv(random, x)
    model.graph.input[0].type.tensor_type.shape.dim[2].dim_param = "height"

    found = _emulated(model, CpuRules.SATURATING)

    assert found.layers == ()
    assert [(name, "padding" in why) for name, why in found.left_out] == [("y", True)]
    np.testing.assert_array_equal(_run(found.proto, x)[0], _run(model, x)[0])


def test_integers_in_a_body_are_named_and_computed_as_they_are(random):
    x = random.integers(0, 256, (2, 4)).astype(np.uint8)
    inner = helper.make_graph(
        [helper.make_node("MatMulInteger", ["x", "w"], ["z"])], "then", [],
        [helper.make_tensor_value_info("z", onnx.TensorProto.INT32, None)],
    )  # fmt: skip
    node = helper.make_node("If", ["yes"], ["y"], then_branch=inner, else_branch=inner)
    condition = helper.make_node("ReduceMax", ["bright"], ["most"], keepdims=0)
    model = _model(node, {"w": _large_weights(random, (4, 3))}, x, onnx.TensorProto.INT32)
    bright = helper.make_node("Cast", ["x"], ["bright"], to=onnx.TensorProto.FLOAT)
    asked = helper.make_node("Cast", ["most"], ["yes"], to=onnx.TensorProto.BOOL)
    model.graph.node.extend([bright, condition, asked, model.graph.node.pop(0)])

    found = _emulated(model, CpuRules.SATURATING)

    assert found.left_out == (("y", "what is in its body is not emulated"),)
    np.testing.assert_array_equal(_run(found.proto, x)[0], _run(model, x)[0])
