"""What is a layer, how it is called, and why it cannot be edited."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest

from workbench.engine.compress.compressor import Compressor
from workbench.engine.core.recipe import Recipe, WeightRule
from workbench.engine.graph.fold_constants import fold_constants
from workbench.engine.graph.model import load_model
from workbench.project.recipe_text import parse_recipe

Save = Callable[..., Path]


@pytest.mark.parametrize(
    ("node", "shape", "axis"),
    [
        ("y = Conv(x, w)", (4, 3, 3, 3), 0),
        ("y = ConvTranspose(x, w)", (3, 4, 3, 3), 1),
        ("y = Gemm <transB=1> (x, w)", (10, 3), 0),
        ("y = Gemm (x, w)", (3, 10), 1),
        ("y = MatMul (x, w)", (3, 10), 1),
        ("y = MatMul (w, x)", (10, 3), 0),
        ("y = MatMul (x, w)", (5, 3, 10), 2),
    ],
    ids=["conv", "conv-transpose", "gemm-transposed", "gemm", "matmul-right", "matmul-left", "matmul-batched"],
)
def test_axis_is_that_of_the_output_channels(save_text_model: Save, node: str, shape: tuple[int, ...], axis: int):
    info = load_model(save_text_model(f"g (float x) => (float y) {{ {node} }}", {"w": shape})).info

    assert [(layer.axis, layer.weight_shape, layer.editable) for layer in info.layers] == [(axis, shape, True)]


def test_weight_is_what_the_node_sees_behind_transpose_cast_and_reshape(save_text_model: Save):
    stored = np.arange(6, dtype=np.float16).reshape(2, 3)
    path = save_text_model(
        """g (float[N, 3] x) => (float y) <int64[2] s = {0, -1}>
        { a = Identity(w) b = Cast<to=1>(a) c = Transpose(b) d = Reshape(c, s) y = MatMul(x, d) }""",
        {"w": stored},
    )

    model = load_model(path)

    weight = model.weight(model.info.layers[0].name)
    assert weight.dtype == np.float32
    assert np.array_equal(weight, [[0, 3], [1, 4], [2, 5]])


def test_big_weights_of_constant_nodes_are_read_from_the_file(save_text_model: Save, tmp_path: Path):
    import onnx
    from onnx import helper, numpy_helper

    path = save_text_model("g (float[N, 50] x) => (float y) { y = MatMul(x, w) }", {"w": (50, 50)})
    proto = onnx.load(str(path))
    stored = np.arange(2500, dtype=np.float32).reshape(50, 50)
    del proto.graph.initializer[:]
    proto.graph.node.insert(0, helper.make_node("Constant", [], ["w"], value=numpy_helper.from_array(stored, "")))
    onnx.save(proto, str(path))

    model = load_model(path)

    assert np.array_equal(model.weight("MatMul_0"), stored)
    assert model.info.num_params == 2500
    assert len(model.proto.SerializeToString()) < 1000
    assert model.to_proto() == proto


@pytest.mark.parametrize(
    ("node_name", "weight", "name"),
    [
        ("anything", "layer1.0.conv1.weight", "layer1.0.conv1"),
        ("/layer1/layer1.0/conv1/Conv", "onnx::Conv_7", "layer1.0.conv1"),
        ("/conv1/Conv", "onnx::Conv_7.weight", "conv1"),
        ("my conv", "w", "my conv"),
        ("", "w", "Conv_0"),
    ],
)
def test_names_follow_the_module_path(save_text_model: Save, node_name: str, weight: str, name: str):
    import onnx

    path = save_text_model("g (float x) => (float y) { y = Conv(x, w) }")
    proto = onnx.load(str(path))
    proto.graph.node[0].name, proto.graph.node[0].input[1] = node_name, weight
    proto.graph.initializer.append(onnx.numpy_helper.from_array(np.ones((1, 1, 1), np.float32), weight))
    onnx.save(proto, str(path))

    assert [layer.name for layer in load_model(path).info.layers] == [name]


def test_layers_that_share_weights_know_each_other_and_keep_different_names(save_text_model: Save):
    path = save_text_model("g (float[N, 4] x) => (float y) { a = MatMul(x, w) y = MatMul(a, w) }", {"w": (4, 4)})

    first, second = load_model(path).info.layers

    assert first.name != second.name
    assert first.shares_weights_with == (second.name,)
    assert second.shares_weights_with == (first.name,)


def test_shared_weights_and_bias_are_counted_once_in_the_model(save_text_model: Save):
    path = save_text_model(
        "g (float[N, 4] x) => (float y) { a = Gemm(x, w, b) y = Gemm(a, w, b) }", {"w": (4, 4), "b": (4,)}
    )

    info = load_model(path).info

    assert [layer.num_params for layer in info.layers] == [20, 20]
    assert info.num_params == 20


@pytest.mark.parametrize(
    ("graph", "weights", "word"),
    [
        ("y = ConvInteger(x, w)", {"w": np.ones((4, 3, 1, 1), np.int8)}, "listed only"),
        ("y = com.microsoft.FusedConv(x, w)", {"w": (4, 3, 1, 1)}, "com.microsoft"),
        ("y = my.company.Mixer(x, w)", {"w": (4, 3)}, "my.company"),
        ("y = MatMul(x, w)", {"w": np.ones((3, 4), np.int32)}, "not floating point"),
        ("y = MatMul(x, w)", {"w": np.array([[1, np.nan], [2, np.inf]], np.float32)}, "2 of its weights are NaN"),
        (
            "d = DequantizeLinear(w, s) y = MatMul(x, d)",
            {"w": np.ones((3, 4), np.int8), "s": np.array(0.1, np.float32)},
            "quantized already",
        ),
        (
            "g0 = Gather(t, w) y = MatMul(x, g0)",
            {"w": np.ones((3, 4), np.uint8).astype(np.int32), "t": (16,)},
            "packed already",
        ),
        ("c = ConstantOfShape(s) y = MatMul(x, c)", {"s": np.array([3, 4], np.int64)}, "not stored"),
    ],
    ids=["integer", "fused", "foreign", "int32", "nan", "dequantized", "packed", "computed"],
)
def test_layers_that_cannot_be_edited_say_why(save_text_model: Save, graph: str, weights: dict, word: str):
    info = load_model(save_text_model(f"g (float[N, 3] x) => (float y) {{ {graph} }}", weights)).info

    assert len(info.layers) == 1
    assert not info.layers[0].editable
    assert word in info.layers[0].reason


_ANCHORS = """g (float[N, 3] x) => (float[N, 4] y) {
    w = Constant <value = float[3,4] {1,2,3,4,5,6,7,8,9,10,11,12}>()
    b = Constant <value = float[4] {1,2,3,4}>()
    m = MatMul(x, w)
    s = Add(m, b)
    anchors = Constant <value = float[1,4] {1,2,3,4}>()
    half = Constant <value = float {0.5}>()
    scaled = Mul(anchors, half)
    y = Mul(s, scaled)
}"""


def test_of_constant_nodes_those_count_that_layers_read(save_text_model: Save):
    model = load_model(save_text_model(_ANCHORS))

    assert model.info.num_params == 12 + 4


def test_settings_do_not_become_parameters_where_constants_are_stored(save_text_model: Save, tmp_path: Path):
    proto = load_model(save_text_model(_ANCHORS)).to_proto()
    fold_constants(proto)
    onnx.save(proto, tmp_path / "folded.onnx")

    assert [node.op_type for node in proto.graph.node] == ["MatMul", "Add", "Mul"]
    assert load_model(tmp_path / "folded.onnx").info.num_params == 12 + 4


def test_quantized_weights_count_as_weights_and_their_scales_do_not(save_text_model: Save):
    weights = {"w": np.ones((3, 4), np.int8), "s": np.ones(4, np.float32), "b": np.ones(4, np.float32)}
    graph = "g (float[N, 3] x) => (float y) { d = DequantizeLinear<axis=1>(w, s) m = MatMul(x, d) y = Add(m, b) }"

    info = load_model(save_text_model(graph, weights)).info

    assert info.layers[0].weight_shape == (3, 4)
    assert info.num_params == 12 + 4


def test_weights_inside_a_branch_are_listed_with_their_place(save_text_model: Save):
    graph = """g (bool c, float[N, 3] x) => (float y) {
        y = If (c) <
            then_branch = one () => (float a) { a = MatMul(x, w) },
            else_branch = two () => (float b) { b = Identity(x) }
        > }"""

    info = load_model(save_text_model(graph, {"w": (3, 4)})).info

    assert [(layer.op_type, layer.weight_shape, layer.editable) for layer in info.layers] == [("MatMul", (3, 4), False)]
    assert "body of a If node" in info.layers[0].reason


def test_random_numbers_are_no_weights(save_text_model: Save):
    graph = "g (float[N, 3] x) => (float y) { w = RandomNormal<shape=[3, 4]>() y = MatMul(x, w) }"

    assert load_model(save_text_model(graph)).info.layers == ()


def test_many_layers_with_one_reason_are_one_warning(save_text_model: Save):
    nodes = "".join(f"y{index} = ConvInteger(x, w) " for index in range(30))
    path = save_text_model(
        f"g (uint8[1, 3, 4, 4] x) => (int32 y0) {{ {nodes} }}", {"w": np.ones((4, 3, 1, 1), np.int8)}
    )

    warnings = load_model(path).info.warnings

    assert len(warnings) == 1
    assert "and 29 more" in warnings[0]


def test_names_of_unnamed_layers_stay_when_other_nodes_make_their_weights(save_text_model: Save):
    plain = "g (float[N,3] x) => (float y) { a = MatMul(x, w) b = Add(a, a) y = MatMul(b, v) }"
    packed = """g (float[N,3] x) => (float y) {
        t = MatMul(s, s) w = Mul(s, t) v = Identity(w) a = MatMul(x, w) b = Add(a, a) y = MatMul(b, v) }"""

    names = [
        [layer.name for layer in load_model(save_text_model(graph, dict.fromkeys(stored, (3, 3)))).info.layers]
        for graph, stored in ((plain, "wv"), (packed, "s"))
    ]

    assert names[0] == ["MatMul_0", "MatMul_1"]
    assert names[1][-2:] == names[0]


def test_names_stay_when_the_model_is_compressed(save_text_model: Save, tmp_path: Path):
    graph = "g (float[N,4] x) => (float y) { a = MatMul(x, w) b = Relu(a) c = Gemm(b, v) y = MatMul(c, u) }"
    model = load_model(save_text_model(graph, dict.fromkeys("wvu", (4, 4))))
    compressor = Compressor(model)
    recipe = parse_recipe("version: 1\nrules:\n  - select: '*'\n    weights: {bits: 3}\n")
    path = tmp_path / "small.onnx"
    path.write_bytes(compressor.build(compressor.plan(recipe)))

    again = load_model(path)

    assert [layer.name for layer in again.info.layers] == [layer.name for layer in model.info.layers]
    assert [layer.name for layer in again.info.layers] == ["MatMul_0", "Gemm_0", "MatMul_1"]


@pytest.mark.parametrize("compressed", ["first", "second", "both", "both apart"])
def test_layers_with_one_weight_keep_their_names_when_one_of_them_is_compressed(
    save_text_model: Save, tmp_path: Path, compressed: str
):
    import onnx

    path = save_text_model("g (float[N,4] x) => (float y) { a = MatMul(x, w) y = MatMul(a, w) }")
    proto = onnx.load(str(path))
    for node in proto.graph.node:
        node.input[1] = "tied.weight"
    proto.graph.initializer.append(onnx.numpy_helper.from_array(np.eye(4, dtype=np.float32), "tied.weight"))
    onnx.save(proto, str(path))
    model = load_model(path)
    first, second = (layer.name for layer in model.info.layers)
    bits = {
        "first": {first: 3},
        "second": {second: 3},
        "both": {first: 3, second: 3},
        "both apart": {first: 3, second: 5},
    }[compressed]
    recipe = Recipe()
    for name, number in bits.items():
        recipe = recipe.with_rule(name, weights=WeightRule(bits=number))
    compressor = Compressor(model)
    small = tmp_path / "small.onnx"
    small.write_bytes(compressor.build(compressor.plan(recipe)))

    assert [layer.name for layer in load_model(small).info.layers] == [first, second]
