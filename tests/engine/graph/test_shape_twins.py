"""Onnxruntime's own operators: the shapes that its documentation gives them."""

import onnx
import pytest

from workbench.engine.graph.shapes import infer_shapes


def shape_of(body: str, given: str) -> tuple[int | None, ...] | None:
    text = f"""<ir_version: 8, opset_import: ["" : 13, "com.microsoft" : 1]>
    g ({given}, float s, uint8 z) => ({given.partition("[")[0]} y) {{ {body} }}"""
    return infer_shapes(onnx.parser.parse_model(text)).by_name.get("y")


@pytest.mark.parametrize(
    ("body", "given", "expected"),
    [
        ("y = com.microsoft.QLinearAdd (a, s, z, b, s, z, s, z)", "uint8[1,4,8,8] a, uint8[1,4,1,1] b", (1, 4, 8, 8)),
        ("y = com.microsoft.QLinearGlobalAveragePool (a, s, z, s, z)", "uint8[1,4,8,8] a", (1, 4, 1, 1)),
        (
            "y = com.microsoft.QLinearAveragePool <kernel_shape = [2,2], strides = [2,2]> (a, s, z, s, z)",
            "uint8[1,4,8,8] a",
            (1, 4, 4, 4),
        ),
        (
            "y = com.microsoft.QLinearConcat <axis = 1> (s, z, a, s, z, b, s, z)",
            "uint8[1,4,8,8] a, uint8[1,3,8,8] b",
            (1, 7, 8, 8),
        ),
        (
            "y = com.microsoft.QGemm <transB = 1> (a, s, z, b, s, z, c, s, z)",
            "uint8[1,8] a, uint8[3,8] b, int32[3] c",
            (1, 3),
        ),
        (
            'y = com.microsoft.FusedConv <activation = "Relu"> (a, b)',
            "float[1,3,8,8] a, float[5,3,3,3] b",
            (1, 5, 6, 6),
        ),
    ],
    ids=["add", "global pool", "pool", "concat", "gemm", "conv"],
)
def test_its_shape_is_that_of_its_standard_twin(body: str, given: str, expected: tuple[int, ...]):
    assert shape_of(body, given) == expected


def test_channels_that_come_last_are_not_taken_for_the_first():
    body = "y = com.microsoft.QLinearGlobalAveragePool <channels_last = 1> (a, s, z, s, z)"

    assert shape_of(body, "uint8[1,8,8,4] a") != (1, 8, 1, 1)


def test_an_operator_of_somebody_elses_domain_has_no_twin():
    model = onnx.parser.parse_model(
        """<ir_version: 8, opset_import: ["" : 13, "my.own" : 1]>
        g (float[1,4] a, float[1,4] b) => (float y) { y = my.own.QLinearAdd (a, b) }"""
    )

    assert infer_shapes(model).by_name.get("y") is None
