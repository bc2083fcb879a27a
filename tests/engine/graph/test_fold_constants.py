"""Constants that exporters compute are stored, and everything else stays."""

import numpy as np
import onnx
import onnxruntime as ort
import pytest
from onnx import numpy_helper

from workbench.engine.graph.fold_constants import fold_constants

_HEADER = '<ir_version: 8, opset_import: ["" : 13, "my.company" : 1]>'


def _folded(graph: str, header: str = _HEADER, **weights: np.ndarray) -> onnx.ModelProto:
    proto = onnx.parser.parse_model(f"{header} {graph}")
    proto.graph.initializer.extend(numpy_helper.from_array(value, name) for name, value in weights.items())
    fold_constants(proto)
    return proto


def _stored(proto: onnx.ModelProto) -> dict[str, np.ndarray]:
    return {tensor.name: numpy_helper.to_array(tensor) for tensor in proto.graph.initializer}


def _op_types(proto: onnx.ModelProto) -> list[str]:
    return [node.op_type for node in proto.graph.node]


def test_a_chain_of_constants_is_stored_under_the_name_of_its_end():
    graph = """m (float[N,2] x) => (float[N,3] y) {
        c = Constant<value = float[3,2] {1,2,3,4,5,6}>() t = Transpose(c) d = Add(t, t) y = MatMul(x, d) }"""
    proto = _folded(graph)

    assert _op_types(proto) == ["MatMul"]
    assert _stored(proto)["d"].tolist() == [[2, 6, 10], [4, 8, 12]]


def test_what_nothing_reads_any_more_is_not_stored():
    graph = "m (float[N,2] x) => (float[N,2] y) { c = Constant<value = float[2] {1,2}>() d = Neg(c) y = Add(x, d) }"

    assert set(_stored(_folded(graph))) == {"d"}


def test_initializers_that_were_there_stay_even_if_nothing_reads_them():
    proto = _folded("m (float[2] x) => (float[2] y) { y = Neg(x) }", w=np.ones(2, np.float32))

    assert set(_stored(proto)) == {"w"}


@pytest.mark.parametrize(
    ("attribute", "expected"),
    [
        ("value_float = 2.5", 2.5),
        ("value_int = 3", 3),
        ("value_floats = [1.0, 2.0]", [1, 2]),
        ("value_ints = [4, 5]", [4, 5]),
    ],
)
def test_constants_written_as_attributes_are_stored(attribute: str, expected: object):
    graph = f"m (float[2] x) => (float[2] y) {{ c = Constant<{attribute}>() f = Cast<to=1>(c) y = Add(x, f) }}"

    assert _stored(_folded(graph))["f"].tolist() == expected


@pytest.mark.parametrize("opset", [11, 13])
def test_the_model_s_own_opset_decides_what_a_node_means(opset: int):
    unsqueeze = "Unsqueeze<axes=[0]>(c)" if opset < 13 else "Unsqueeze(c, zero)"
    graph = f"m (float[1,2] x) => (float[1,2] y) {{ d = {unsqueeze} y = Add(x, d) }}"
    header = _HEADER.replace("13", str(opset))
    proto = _folded(graph, header, c=np.ones(2, np.float32), zero=np.array([0]))

    assert _stored(proto)["d"].shape == (1, 2)


def test_an_output_that_is_constant_is_still_given():
    proto = _folded("m (float[2] x) => (float[2] y, float[2] z) { y = Neg(x) z = Neg(w) }", w=np.ones(2, np.float32))

    assert _op_types(proto) == ["Neg"]
    session = ort.InferenceSession(proto.SerializeToString(), providers=["CPUExecutionProvider"])
    assert session.run(["z"], {"x": np.zeros(2, np.float32)})[0].tolist() == [-1, -1]


@pytest.mark.parametrize(
    ("body", "op_type"),
    [
        ("n = RandomNormalLike(w) y = Add(x, n)", "RandomNormalLike"),
        ("n = my.company.Noise(w) y = Add(x, n)", "Noise"),
        ("n = DequantizeLinear(q, s) y = Add(x, n)", "DequantizeLinear"),
        ("n, m1 = Split(v) y = Add(x, n)", "Split"),
    ],
)
def test_what_is_random_or_unknown_or_quantized_or_several_stays(body: str, op_type: str):
    weights = {"w": np.ones(2, np.float32), "v": np.ones(4, np.float32)}
    weights |= {"q": np.ones(2, np.int8), "s": np.array(0.5, np.float32)}
    proto = _folded(f"m (float[2] x) => (float[2] y) {{ {body} }}", **weights)

    assert _op_types(proto) == [op_type, "Add"]


@pytest.mark.parametrize(
    "body",
    [
        "n = ConstantOfShape(huge)",
        "e = Expand(w, huge) n = ReduceSum(e)",
        "e = Tile(w, many) n = ReduceSum(e)",
        "e = Range(zero, trillion, one) n = ReduceSum(e)",
        "e = Pad(w, pads) n = ReduceSum(e)",
        "e = OneHot(places, trillion, both) n = ReduceSum(e)",
        'e = Resize<mode="nearest">(w, , scales) n = ReduceSum(e)',
        "e = MatMul(column, row) n = ReduceSum(e)",
        "e = Add(column, row) n = ReduceSum(e)",
    ],
)
def test_constants_of_more_than_a_gigabyte_are_not_made(body: str):
    weights = {"huge": np.array([1 << 40]), "w": np.ones(1, np.float32), "many": np.array([1 << 40])}
    weights |= {"zero": np.array(0), "one": np.array(1), "trillion": np.array(1 << 40)}
    weights |= {"pads": np.array([0, 1 << 40]), "places": np.array([1]), "both": np.array([0.0, 1.0], np.float32)}
    weights |= {"scales": np.array([1e12], np.float32)}
    weights |= {"column": np.ones((30000, 1), np.float32), "row": np.ones((1, 30000), np.float32)}
    proto = _folded(f"m (float[2] x) => (float[M] y) {{ {body} f = Cast<to=1>(n) y = Add(x, f) }}", **weights)

    assert body.split("= ")[1].split("(")[0].split("<")[0] in _op_types(proto)


def test_a_stored_tensor_expanded_to_its_own_shape_is_folded():
    weights = {"w": np.ones((300, 200), np.float32), "shape": np.array([300, 200])}
    proto = _folded("m (float[300,200] x) => (float[300,200] y) { e = Expand(w, shape) y = Add(x, e) }", **weights)

    assert _op_types(proto) == ["Add"]


def test_nodes_that_stand_in_another_order_are_folded_alike():
    graph = "m (float[2] x) => (float[2] y) { y = Add(x, b) b = Neg(a) a = Exp(w) }"
    proto = _folded(graph, w=np.zeros(2, np.float32))

    assert _op_types(proto) == ["Add"]
    assert _stored(proto)["b"].tolist() == [-1, -1]


def test_nodes_that_read_weights_stored_as_places_and_values_stay():
    proto = onnx.parser.parse_model(f"{_HEADER} m (float[2] x) => (float[2] y) {{ y = Add(x, w) }}")
    values, places = np.ones(1, np.float32), np.array([1], np.int64)
    proto.graph.sparse_initializer.add(
        values=numpy_helper.from_array(values, "w"), indices=numpy_helper.from_array(places, "w_places"), dims=[2]
    )

    fold_constants(proto)

    assert _op_types(proto) == ["Add"]


def test_a_model_that_can_never_run_is_left_as_it_is():
    proto = _folded("m (float[2] x) => (float[2] y) { c = Neg(w) y = Add(nothing, c) }", w=np.ones(2, np.float32))

    assert _op_types(proto) == ["Neg", "Add"]


def test_what_the_body_of_an_if_reads_is_still_there():
    graph = """m (bool c, float[2] x) => (float[2] y) { d = Neg(w) y = If(c) <
        then_branch = t () => (float[2] u) { u = Add(x, d) },
        else_branch = e () => (float[2] v) { v = Identity(x) }> }"""
    proto = _folded(graph, w=np.ones(2, np.float32))

    session = ort.InferenceSession(proto.SerializeToString(), providers=["CPUExecutionProvider"])
    assert session.run(None, {"c": np.array(True), "x": np.zeros(2, np.float32)})[0].tolist() == [-1, -1]
