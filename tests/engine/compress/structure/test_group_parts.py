"""The numbers that a criterion looks at: which row belongs to which channel."""

import numpy as np
import onnx
import pytest
from onnx import numpy_helper

from workbench.engine.compress.structure.group_parts import GroupPart, filters_of, outputs_of, scales_of
from workbench.engine.graph.channels.flow import Flow
from workbench.engine.graph.channels.unit_groups import UnitGroup, unit_groups
from workbench.engine.graph.channels.walk import walk


def _flow(graph: str, **weights: np.ndarray) -> Flow:
    proto = onnx.parser.parse_model(f'<ir_version: 8, opset_import: ["" : 13]> {graph}')
    proto.graph.initializer.extend(numpy_helper.from_array(value, name) for name, value in weights.items())
    return walk(proto)


def _numbers(*shape: int) -> np.ndarray:
    return np.arange(np.prod(shape), dtype=np.float32).reshape(shape)


def _first(flow: Flow) -> UnitGroup:
    return unit_groups(flow)[0]


def _rows(part: GroupPart) -> list[list[float]]:
    return part.rows.tolist()


_IMAGE = "m (float[N,2,4,4] x) => (float[N,3,4,4] y) {{ a = {} y = Conv(r, wy) }}"


def test_a_convolution_s_rows_are_its_filters():
    flow = _flow(_IMAGE.format("Conv(x, wa) r = Relu(a)"), wa=_numbers(4, 2, 1, 1), wy=_numbers(3, 4, 1, 1))

    (part,) = filters_of(_first(flow), flow)

    assert _rows(part) == [[0, 1], [2, 3], [4, 5], [6, 7]]
    assert part.units.tolist() == [1, 2, 3, 4]


def test_all_layers_of_a_group_have_a_part():
    body = "Conv(x, wa) b = Conv(x, wb) r = Add(a, b)"
    flow = _flow(_IMAGE.format(body), wa=_numbers(4, 2, 1, 1), wb=-_numbers(4, 2, 1, 1), wy=_numbers(3, 4, 1, 1))

    parts = filters_of(_first(flow), flow)

    assert [part.rows[1].tolist() for part in parts] == [[2, 3], [-2, -3]]
    assert [part.units.tolist() for part in parts] == [[1, 2, 3, 4]] * 2


def test_a_depthwise_layer_has_a_row_for_each_of_its_channels():
    body = "Conv(x, wa) r = Conv<group=2>(a, wd)"
    flow = _flow(_IMAGE.format(body), wa=_numbers(2, 2, 1, 1), wd=_numbers(4, 1, 1, 1), wy=_numbers(3, 4, 1, 1))

    _, part = filters_of(_first(flow), flow)

    assert _rows(part) == [[0], [1], [2], [3]]
    assert part.units.tolist() == [1, 1, 2, 2]


def test_a_transposed_convolution_s_rows_come_from_its_second_axis():
    body = "ConvTranspose(x, wa) r = Relu(a)"
    flow = _flow(_IMAGE.format(body), wa=_numbers(2, 4, 1, 1), wy=_numbers(3, 4, 1, 1))

    (part,) = filters_of(_first(flow), flow)

    assert _rows(part) == [[0, 4], [1, 5], [2, 6], [3, 7]]


def test_a_transposed_convolution_in_groups_has_the_rows_of_each_block():
    # Two blocks of two inputs and two outputs: output 2 is the second block's first, made of inputs 2 and 3.
    graph = """m (float[N,4,4,4] x) => (float[N,3,4,4] y) { a = ConvTranspose<group=2>(x, wa) r = Relu(a)
        y = Conv(r, wy) }"""
    flow = _flow(graph, wa=_numbers(4, 2, 1, 1), wy=_numbers(3, 4, 1, 1))
    (group,) = [group for group in unit_groups(flow) if group.members == ("a",)]

    (part,) = filters_of(group, flow)

    assert _rows(part) == [[0, 2], [1, 3], [4, 6], [5, 7]]


@pytest.mark.parametrize(
    ("layer", "weight"),
    [
        ("Gemm(x, w)", _numbers(2, 3)),
        ("Gemm<transB=1>(x, w)", _numbers(2, 3).T.copy()),
        ("MatMul(x, w)", _numbers(2, 3)),
    ],
    ids=["Gemm", "Gemm turned", "MatMul"],
)
def test_a_matrix_s_rows_are_what_makes_a_channel(layer: str, weight: np.ndarray):
    graph = f"m (float[N,2] x) => (float[N,2] y) {{ a = {layer} r = Relu(a) y = MatMul(r, wy) }}"
    flow = _flow(graph, w=weight, wy=_numbers(3, 2))

    (part,) = filters_of(_first(flow), flow)

    assert _rows(part) == [[0, 3], [1, 4], [2, 5]]


def test_a_matrix_on_the_left_has_its_rows_as_they_are():
    graph = "m (float[N,2,5] x) => (float[N,2,5] y) { a = MatMul(w, x) r = Relu(a) y = MatMul(wy, r) }"
    flow = _flow(graph, w=_numbers(3, 2), wy=_numbers(2, 3))

    (part,) = filters_of(_first(flow), flow)

    assert _rows(part) == [[0, 1], [2, 3], [4, 5]]


def test_two_layers_that_share_a_matrix_have_the_same_rows():
    graph = "m (float[N,2] x) => (float[N,2] y) { a = MatMul(x, w) b = MatMul(x, w) r = Add(a, b) y = MatMul(r, wy) }"
    flow = _flow(graph, w=_numbers(2, 3), wy=_numbers(3, 2))

    one, other = filters_of(_first(flow), flow)

    assert _rows(one) == _rows(other) == [[0, 3], [1, 4], [2, 5]]


def test_scales_are_a_normalization_s_factors():
    body = "Conv(x, wa) r = BatchNormalization(a, s, b, m0, v)"
    one = np.ones(4, np.float32)
    weights = {"wa": _numbers(4, 2, 1, 1), "wy": _numbers(3, 4, 1, 1), "s": _numbers(4), "b": one, "m0": one, "v": one}
    flow = _flow(_IMAGE.format(body), **weights)

    (part,) = scales_of(_first(flow), flow)

    assert part.rows.tolist() == [0, 1, 2, 3]
    assert part.units.tolist() == [1, 2, 3, 4]


def test_scales_of_other_groups_are_not_theirs():
    body = "Conv(x, wa) c = Conv(a, wc) r = InstanceNormalization(c, s, b)"
    weights = {"wa": _numbers(4, 2, 1, 1), "wc": _numbers(4, 4, 1, 1), "wy": _numbers(3, 4, 1, 1)}
    flow = _flow(_IMAGE.format(body), **weights, s=_numbers(4), b=_numbers(4))

    assert scales_of(unit_groups(flow)[0], flow) == []
    assert len(scales_of(unit_groups(flow)[1], flow)) == 1


def test_outputs_are_looked_at_after_what_only_bounds_them():
    graph = _IMAGE.format("Conv(x, wa) n = BatchNormalization(a, s, b, m0, v) k = Add(n, s3) u = Relu(k) r = Neg(u)")
    one = np.ones(4, np.float32)
    weights = {"wa": _numbers(4, 2, 1, 1), "wy": _numbers(3, 4, 1, 1), "s": one, "b": one, "m0": one, "v": one}
    flow = _flow(graph, **weights, s3=np.ones((4, 1, 1), np.float32))

    assert {name: (axis, units.tolist()) for name, (axis, units) in outputs_of(_first(flow), flow).items()} == {
        "u": (1, [1, 2, 3, 4])
    }


def test_an_output_that_two_nodes_read_is_looked_at_itself():
    body = "Conv(x, wa) u = Relu(a) v = Neg(a) r = Add(u, v)"
    flow = _flow(_IMAGE.format(body), wa=_numbers(4, 2, 1, 1), wy=_numbers(3, 4, 1, 1))

    assert list(outputs_of(_first(flow), flow)) == ["a"]


@pytest.mark.parametrize(
    ("graph", "shape", "axis"),
    [
        ("m (float[N,2,4,4] x) => (float[N,3,4,4] y) { a = Conv(x, w) y = Conv(a, wy) }", (1, 2, 1, 1), 1),
        ("m (float[N,7,2] x) => (float[N,7,3] y) { a = MatMul(x, w) y = MatMul(a, wy) }", (2, 1), 2),
    ],
    ids=["Conv", "MatMul"],
)
def test_a_single_channel_lies_on_its_own_axis(graph: str, shape: tuple[int, ...], axis: int):
    wy = _numbers(3, 1, 1, 1) if len(shape) == 4 else _numbers(1, 3)
    flow = _flow(graph, w=_numbers(*shape), wy=wy)

    assert outputs_of(_first(flow), flow)["a"][0] == axis
