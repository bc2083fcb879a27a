from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import numpy_helper

from workbench.engine.graph.model import model_of_bytes
from workbench.engine.latency.onnx_operators import ModelOperators, model_operators
from workbench.engine.latency.operator import Kind

_HEAD = '<ir_version: 8, opset_import: ["" : 17]>'


def read(text: str, **stored: np.ndarray) -> ModelOperators:
    model = onnx.parser.parse_model(_HEAD + text)
    model.graph.initializer.extend(numpy_helper.from_array(value, name) for name, value in stored.items())
    return model_operators(model_of_bytes(model.SerializeToString(), Path("m.onnx")))


def floats(*shape: int) -> np.ndarray:
    return np.ones(shape, np.float32)


def test_norm_and_activation_behind_a_convolution_cost_nothing():
    found = read(
        """g (float[1,3,8,8] x) => (float[1,8,8,8] y) {
        a = Conv <pads = [1,1,1,1]> (x, w)
        b = BatchNormalization (a, s, s, s, s)
        y = Relu (b) }""",
        w=floats(8, 3, 3, 3),
        s=floats(8),
    )

    assert [operator.op_type for operator in found.operators] == ["Conv"]
    assert found.macs == 8 * 3 * 9 * 64


def test_an_activation_that_others_pass_by_is_an_operator():
    found = read(
        """g (float[1,3,8,8] x) => (float[1,8,8,8] y) {
        a = Conv <pads = [1,1,1,1]> (x, w)
        b = Relu (a)
        y = Add (a, b) }""",
        w=floats(8, 3, 3, 3),
    )

    assert [operator.op_type for operator in found.operators] == ["Conv", "Relu", "Add"]


def test_x_times_its_sigmoid_is_one_swish():
    found = read("g (float[1,8,8,8] x) => (float[1,8,8,8] y) { s = Sigmoid (x)  y = Mul (s, x) }")

    assert [operator.kind for operator in found.operators] == [Kind.EXPONENTIAL]


def test_x_times_the_sigmoid_of_something_else_is_two():
    found = read("g (float[1,8,8,8] x, float[1,8,1,1] z) => (float[1,8,8,8] y) { s = Sigmoid (z)  y = Mul (x, s) }")

    assert [operator.kind for operator in found.operators] == [Kind.EXPONENTIAL, Kind.ELEMENTWISE]


def test_a_convolution_between_quantized_tensors_runs_on_integers():
    text = """g (float[1,3,8,8] x) => (float[1,8,8,8] y) {
        q = QuantizeLinear (x, s, z)
        d = DequantizeLinear (q, s, z)
        v = DequantizeLinear (w, s, z)
        y = Conv <pads = [1,1,1,1]> (d, v) }"""
    stored = {"s": np.float32(0.1), "z": np.int8(0), "w": np.ones((8, 3, 3, 3), np.int8)}

    (operator,) = read(text, **stored).operators

    assert operator.is_int8
    assert operator.macs == 8 * 3 * 9 * 64


def test_weights_alone_that_are_integers_leave_it_in_float():
    text = """g (float[1,3,8,8] x) => (float[1,8,8,8] y) {
        v = DequantizeLinear (w, s, z)
        y = Conv <pads = [1,1,1,1]> (x, v) }"""
    stored = {"s": np.float32(0.1), "z": np.int8(0), "w": np.ones((8, 3, 3, 3), np.int8)}

    (operator,) = read(text, **stored).operators

    assert not operator.is_int8


def test_a_matrix_product_over_rows_is_a_pointwise_convolution_and_over_one_row_fully_connected():
    many = read("g (float[1,10,16] x) => (float[1,10,32] y) { y = MatMul (x, w) }", w=floats(16, 32))
    one = read("g (float[1,16] x) => (float[1,32] y) { y = Gemm (x, w) }", w=floats(16, 32))

    assert (many.operators[0].kind, many.operators[0].inputs) == (Kind.CONV, ((16, 10),))
    assert many.macs == 10 * 16 * 32
    assert one.operators[0].kind is Kind.FULLY_CONNECTED


def test_a_product_of_activations_is_attention():
    found = read("g (float[1,4,10,16] a, float[1,4,16,10] b) => (float[1,4,10,10] y) { y = MatMul (a, b) }")

    assert found.operators[0].kind is Kind.ATTENTION
    assert found.macs == 4 * 10 * 10 * 16


def test_depthwise_and_grouped_convolutions_are_told_apart():
    depthwise = read("g (float[1,8,8,8] x) => (float[1,8,6,6] y) { y = Conv <group = 8> (x, w) }", w=floats(8, 1, 3, 3))
    grouped = read("g (float[1,8,8,8] x) => (float[1,8,6,6] y) { y = Conv <group = 2> (x, w) }", w=floats(8, 4, 3, 3))

    assert depthwise.operators[0].kind is Kind.DEPTHWISE
    assert grouped.operators[0].kind is Kind.GROUPED
    assert grouped.macs == 8 * 4 * 9 * 36


def test_what_depends_on_constants_alone_costs_nothing():
    text = """g (float[1,3,8,8] x) => (float[1,8,6,6] y) {
        f = Cast <to = 1> (w)
        v = Mul (f, s)
        y = Conv (x, v) }"""

    found = read(text, w=np.ones((8, 3, 3, 3), np.uint8), s=np.float32(0.1))

    assert [operator.op_type for operator in found.operators] == ["Conv"]
    assert found.macs == 8 * 3 * 9 * 36


def test_an_operator_that_nobody_measured_is_named():
    found = read("g (float[1,8,8,8] x) => (float[1,8,8,8] y) { y = Sinh (x) }")

    assert found.unknown == ("Sinh",)


def test_ranges_that_are_found_at_run_time_are_seen():
    found = read(
        """g (float[1,8] x) => (float[1,4] y) {
        q, s, z = DynamicQuantizeLinear (x)
        p = MatMulInteger (q, w, z)
        f = Cast <to = 1> (p)
        y = Mul (f, s) }""",
        w=np.ones((8, 4), np.uint8),
    )

    assert found.has_ranges_at_run_time
    assert found.activation_bits == 8


def test_a_quantized_model_of_integer_operators_costs_what_the_same_between_quantizers_does():
    head = '<ir_version: 8, opset_import: ["" : 17, "com.microsoft" : 1]>'
    start = "g (float[1,8,8,8] x) => (float[1,8,8,8] y)"
    stored = "<float s = {0.1}, uint8 z = {0}, int8 wz = {0}>"
    pair = """{ q = QuantizeLinear (x, s, z)  d = DequantizeLinear (q, s, z)  v = DequantizeLinear (w, s, wz)
        c = Conv (d, v)  e = QuantizeLinear (c, s, z)  f = DequantizeLinear (e, s, z)
        a = Add (d, f)  b = QuantizeLinear (a, s, z)  y = DequantizeLinear (b, s, z) }"""
    own = """{ q = QuantizeLinear (x, s, z)  c = QLinearConv (q, s, z, w, s, wz, s, z)
        a = com.microsoft.QLinearAdd (q, s, z, c, s, z, s, z)  y = DequantizeLinear (a, s, z) }"""
    sides = []
    for body in (pair, own):
        model = onnx.parser.parse_model(head + start + stored + body)
        model.graph.initializer.append(numpy_helper.from_array(np.ones((8, 8, 1, 1), np.int8), "w"))
        sides.append(model_operators(model_of_bytes(model.SerializeToString(), Path("m.onnx"))))

    between, integer = (
        [(one.kind, one.inputs, one.outputs, one.macs, one.is_int8) for one in side.operators] for side in sides
    )

    assert not sides[1].unsized
    assert integer == between


def test_an_operator_of_no_standard_is_named_where_the_unknown_shapes_begin():
    model = onnx.parser.parse_model(
        """<ir_version: 8, opset_import: ["" : 17, "my.own" : 1]>
        g (float[1,8] x) => (float y) { a = Abs (x)  b = my.own.Odd (a)  y = Neg (b) }"""
    )

    found = model_operators(model_of_bytes(model.SerializeToString(), Path("m.onnx")))

    assert found.foreign == ("Odd of my.own",)
    assert found.unsized == ("b", "y")


@pytest.mark.parametrize(("channels", "groups", "fits"), [(3, 1, True), (4, 1, False), (6, 2, True), (3, 2, False)])
@pytest.mark.parametrize("batch", ["1", "4", "N"])
def test_a_convolution_that_is_given_other_channels_than_it_takes_is_named(
    channels: int, groups: int, fits: bool, batch: str
):
    model = onnx.parser.parse_model(
        f"""<ir_version: 8, opset_import: ["" : 17]>
        g (float[{batch},{channels},8,8] x) => (float[{batch},4,8,8] y) {{ y = Conv<group = {groups}> (x, w) }}"""
    )
    model.graph.initializer.append(numpy_helper.from_array(np.ones((4, 3, 1, 1), np.float32), "w"))

    found = model_operators(model_of_bytes(model.SerializeToString(), Path("m.onnx")))

    said = f"Conv_0 takes {3 * groups} channels and is given {channels}"
    assert found.misfits == (() if fits else (said,))
