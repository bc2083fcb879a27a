"""Operators with weights: they read some channels and make others."""

import numpy as np
import pytest

_W = {"wa": (4, 2, 1, 1), "wy": (3, 4, 1, 1)}


def _graph(body: str, end: str = "y = Conv(r, wy)") -> str:
    return f"m (float[N,2,6,6] x) => (float[N,3,6,6] y) {{ a = Conv(x, wa) {body} {end} }}"


def _dims(proto, name: str) -> list[int]:
    return next(list(tensor.dims) for tensor in proto.graph.initializer if tensor.name == name)


def _group(proto, output: str) -> int:
    node = next(node for node in proto.graph.node if output in node.output)
    return next(attribute.i for attribute in node.attribute if attribute.name == "group")


def test_a_convolution_makes_new_channels_and_its_bias_goes_with_them(channels, prove):
    found = channels(_graph("r = Conv(a, wr, br)"), {**_W, "wr": (4, 4, 3, 3), "br": (4,)} | {"wr": (4, 4, 1, 1)})

    assert found.of("r") == [5, 6, 7, 8]
    assert found.along("wr", 0) == found.along("br", 0) == [5, 6, 7, 8]
    assert found.along("wr", 1) == [1, 2, 3, 4]
    small = prove(found.flow, {1, 6, 7})
    assert _dims(small, "wr") == [2, 3, 1, 1]


def test_the_input_and_the_output_of_the_model_stay(channels):
    found = channels(_graph("r = Relu(a)"), _W)

    assert found.along("wa", 1) == [0, 0]
    assert found.of("y") == [0, 0, 0]
    assert found.why("y") == "they are the model's output y"


@pytest.mark.parametrize("multiplier", [1, 2], ids=["one of each", "two of each"])
def test_a_depthwise_convolution_passes_its_channels_on(channels, prove, multiplier: int):
    weights = {**_W, "wd": (4 * multiplier, 1, 3, 3), "bd": (4 * multiplier,), "wy": (3, 4 * multiplier, 1, 1)}
    found = channels(_graph("r = Conv<group=4, pads=[1,1,1,1]>(a, wd, bd)"), weights)

    assert found.of("r") == found.along("bd", 0) == [unit for unit in (1, 2, 3, 4) for _ in range(multiplier)]
    assert found.group_of("a") == ["a", "r"]
    small = prove(found.flow, {2})
    assert _group(small, "r") == 3
    assert _dims(small, "wd") == [3 * multiplier, 1, 3, 3]


def test_a_transposed_depthwise_convolution_of_one_each_passes_its_channels_on(channels, prove):
    found = channels(_graph("r = ConvTranspose<group=4>(a, wd)"), {**_W, "wd": (4, 1, 1, 1)})

    assert found.of("r") == [1, 2, 3, 4]
    assert _group(prove(found.flow, {2}), "r") == 3


def test_a_transposed_depthwise_convolution_of_two_each_stays(channels):
    found = channels(_graph("r = ConvTranspose<group=4>(a, wd)"), {**_W, "wd": (4, 2, 1, 1), "wy": (3, 8, 1, 1)})

    assert found.of("a") == [0, 0, 0, 0]
    assert found.why("a") == "ConvTranspose r: a transposed depthwise convolution gives several channels of each"


@pytest.mark.parametrize(
    ("op_type", "shape"), [("Conv", (6, 2, 1, 1)), ("ConvTranspose", (4, 3, 1, 1))], ids=["Conv", "ConvTranspose"]
)
def test_a_convolution_in_groups_keeps_equally_many_in_each_block(
    channels, prove, op_type: str, shape: tuple[int, ...]
):
    weights = {**_W, "wg": shape, "bg": (6,), "wy": (3, 6, 1, 1)}
    found = channels(_graph(f"r = {op_type}<group=2>(a, wg, bg)"), weights)

    (conv,) = found.flow.grouped
    assert conv.inputs.tolist() == [[1, 2], [3, 4]]
    assert conv.outputs.tolist() == [[5, 6, 7], [8, 9, 10]]
    small = prove(found.flow, {1, 4, 5, 6, 8, 10})
    assert _group(small, "r") == 2
    assert _dims(small, "wg") == ([2, 1, 1, 1])


def test_a_transposed_convolution_in_groups_of_as_many_outputs_as_inputs_is_cut_block_by_block(channels, prove):
    found = channels(_graph("r = ConvTranspose<group=2>(a, wg)"), {**_W, "wg": (4, 2, 1, 1)})

    # Of the first block input 2 and output 1 stay, of the second input 1 and output 2.
    weight = np.arange(8, dtype=np.float32).reshape(4, 2, 1, 1)
    found.flow.stored["wg"].raw_data = weight.tobytes()
    small = prove(found.flow, {1, 4, 6, 7})
    left = next(tensor for tensor in small.graph.initializer if tensor.name == "wg")
    assert np.frombuffer(left.raw_data, np.float32).tolist() == [2, 5]


def test_a_transposed_convolution_s_weight_lists_its_inputs_first(channels, prove):
    found = channels(_graph("r = ConvTranspose(a, wt, bt)"), {**_W, "wt": (4, 5, 1, 1), "bt": (5,), "wy": (3, 5, 1, 1)})

    assert found.along("wt", 0) == [1, 2, 3, 4]
    assert found.along("wt", 1) == found.along("bt", 0) == [5, 6, 7, 8, 9]
    prove(found.flow, {1, 5, 6})


def test_a_weight_that_two_convolutions_share_ties_inputs_to_outputs(channels, prove):
    found = channels(_graph("b = Conv(a, ws) c = Relu(b) r = Conv(c, ws)"), {**_W, "ws": (4, 4, 1, 1)})

    assert found.of("a") == found.of("b") == found.of("r") == [1, 2, 3, 4]
    prove(found.flow, {2, 3})


def test_a_weight_that_is_computed_is_not_followed(channels):
    found = channels(
        _graph("s = Shape(a) r = Conv(a, v)")
        .replace("s = Shape(a)", "v = Mul(wv, f)")
        .replace("float[N,2,6,6] x", "float[N,2,6,6] x, float[1] f"),
        {**_W, "wv": (4, 4, 1, 1)},
    )

    assert found.of("a") == [0, 0, 0, 0]
    assert found.why("a") == "Conv r: its weights are computed while the model runs"


@pytest.mark.parametrize("opset", [7, 9, 14, 15])
def test_batch_normalization_s_parameters_go_with_their_channels(channels, prove, opset: int):
    norm = dict.fromkeys(("scale", "bias", "mean", "variance"), (4,))
    found = channels(_graph("r = BatchNormalization(a, scale, bias, mean, variance)"), {**_W, **norm}, opset=opset)

    for name in norm:
        assert found.along(name, 0) == [1, 2, 3, 4]
    prove(found.flow, {1, 2})


def test_instance_normalization_s_parameters_go_with_their_channels(channels, prove):
    found = channels(_graph("r = InstanceNormalization(a, scale, bias)"), {**_W, "scale": (4,), "bias": (4,)})

    assert found.along("scale", 0) == found.along("bias", 0) == [1, 2, 3, 4]
    prove(found.flow, {1, 2})


@pytest.mark.parametrize(
    ("body", "opset"),
    [
        ("t = Transpose<perm=[0,2,3,1]>(a) n = LayerNormalization(t, scale) r = Transpose<perm=[0,3,1,2]>(n)", 17),
        ("r = Softmax<axis=1>(a)", 13),
        ("r = LogSoftmax<axis=1>(a)", 13),
        ("r = LRN<size=3>(a)", 13),
        ("r = MeanVarianceNormalization<axes=[0,1,2,3]>(a)", 13),
        ("r = CumSum(a, one)", 13),
    ],
    ids=["LayerNormalization", "Softmax", "LogSoftmax", "LRN", "MeanVarianceNormalization", "CumSum"],
)
def test_what_mixes_channels_fixes_them(channels, body: str, opset: int, request: pytest.FixtureRequest):
    one = np.array(1, np.int64)
    found = channels(_graph(body), {**_W, "scale": (4,), "one": one}, opset=opset)

    assert found.of("a") == [0, 0, 0, 0]
    assert found.why("a").startswith(request.node.callspec.id + " ")


def test_softmax_over_pixels_leaves_channels_free(channels, prove):
    found = channels(_graph("r = Softmax<axis=3>(a)"), _W)

    assert found.of("r") == [1, 2, 3, 4]
    prove(found.flow, {1})


def test_softmax_of_old_opsets_is_taken_over_all_later_axes(channels):
    fixed = channels(_graph("r = Softmax<axis=1>(a)"), _W, opset=11)
    free = channels(_graph("r = Softmax<axis=2>(a)"), _W, opset=11)

    assert fixed.of("a") == [0, 0, 0, 0]
    assert free.of("a") == [1, 2, 3, 4]


@pytest.mark.parametrize(("opset", "units"), [(11, [0, 0, 0, 0]), (13, [1, 2, 3, 4])], ids=["all later", "one"])
def test_softmax_over_rows_reaches_channels_behind_them_in_old_opsets_only(channels, prove, opset, units):
    body = "t = Transpose<perm=[0,2,3,1]>(a) s = Softmax<axis=1>(t) r = Transpose<perm=[0,3,1,2]>(s)"
    found = channels(_graph(body), _W, opset=opset)

    assert found.of("a") == units
    prove(found.flow, {unit for unit in (1, 2) if unit in units})


_ROWS = "m (float[N,5] x) => (float[N,3] y) {{ a = Gemm(x, wa, ba) {} }}"


@pytest.mark.parametrize(
    ("attributes", "shape", "axes"), [("<transB=1>", (3, 4), (0, 1)), ("", (4, 3), (1, 0))], ids=["turned", "plain"]
)
def test_gemm_s_weight_is_cut_along_both_axes(
    channels, prove, attributes: str, shape: tuple[int, ...], axes: tuple[int, int]
):
    found = channels(
        _ROWS.format(f"r = Relu(a) y = Gemm{attributes}(r, wy, by)"),
        {"wa": (5, 4), "ba": (4,), "wy": shape, "by": (1, 3)},
    )

    assert found.along("ba", 0) == found.along("wa", 1) == [1, 2, 3, 4]
    assert found.along("wy", axes[0]) == [0, 0, 0]
    assert found.along("wy", axes[1]) == [1, 2, 3, 4]
    prove(found.flow, {1, 4})


def test_a_chain_of_matrix_products_with_biases(channels, prove):
    body = "m1 = MatMul(x, w1) b1 = Add(m1, k1) r1 = Relu(b1) m2 = MatMul(r1, w2) b2 = Add(k2, m2) y = MatMul(b2, w3)"
    weights = {"w1": (5, 4), "k1": (4,), "w2": (4, 3), "k2": (3,), "w3": (3, 2)}
    found = channels(f"m (float[N,7,5] x) => (float[N,7,2] y) {{ {body} }}", weights)

    assert found.along("k1", 0) == found.along("w2", 0) == [1, 2, 3, 4]
    assert found.along("k2", 0) == found.along("w3", 0) == [5, 6, 7]
    prove(found.flow, {1, 2, 6})


def test_a_stored_matrix_on_the_left_mixes_rows(channels, prove):
    graph = "m (float[N,5,7] x) => (float[N,2,7] y) { a = MatMul(wa, x) r = Relu(a) y = MatMul(wy, r) }"
    found = channels(graph, {"wa": (4, 5), "wy": (2, 4)})

    assert found.along("wa", 0) == found.along("wy", 1) == [1, 2, 3, 4]
    prove(found.flow, {1, 3})


_TOKENS = "m (float[N,7,6] x) => (float[N,7,6] y) {{ {} }}"
_ATTEND = """k2 = Transpose<perm=[0,1,3,2]>(k1) s = MatMul(q1, k2) p = Softmax<axis=3>(s) o = MatMul(p, v1)
    o1 = Transpose<perm=[0,2,1,3]>(o) o2 = Reshape(o1, back) y = MatMul(o2, wy)"""
_SHAPES = {"cut": np.array([0, 7, 2, 3]), "back": np.array([0, 7, -1]), "wy": (6, 6)}


def test_whole_heads_of_attention_go_where_three_matrices_make_them(channels, prove):
    body = " ".join(
        f"{one} = MatMul(x, w{one}) {one}b = Add({one}, b{one}) {one}0 = Reshape({one}b, cut)"
        f" {one}1 = Transpose<perm=[0,2,1,3]>({one}0)"
        for one in "qkv"
    )
    weights = _SHAPES | {f"w{one}": (6, 6) for one in "qkv"} | {f"b{one}": (6,) for one in "qkv"}
    found = channels(_TOKENS.format(body + _ATTEND), weights)

    # Two heads of three channels, the same ones for queries, keys and values.
    assert found.of("q") == found.of("k") == found.of("v") == [1, 1, 1, 4, 4, 4]
    assert found.group_of("q") == ["q", "k", "v"]
    assert found.along("wy", 0) == [1, 1, 1, 4, 4, 4]
    small = prove(found.flow, {4})
    assert _dims(small, "wq") == [6, 3]


def test_whole_heads_of_attention_go_where_one_matrix_makes_them(channels, prove):
    body = """f = MatMul(x, wf) fb = Add(f, bf) f0 = Reshape(fb, five) f1 = Transpose<perm=[2,0,3,1,4]>(f0)
        q1 = Gather<axis=0>(f1, zero) k1 = Gather<axis=0>(f1, one) v1 = Gather<axis=0>(f1, two) """
    weights = _SHAPES | {"wf": (6, 18), "bf": (18,), "five": np.array([0, 7, 3, 2, 3])}
    weights |= {name: np.array(place, np.int64) for place, name in enumerate(("zero", "one", "two"))}
    found = channels(_TOKENS.format(body + _ATTEND), weights)

    assert found.of("f") == [1, 1, 1, 4, 4, 4] * 3
    small = prove(found.flow, {1})
    assert _dims(small, "wf") == [6, 9]


def test_what_a_single_head_sums_over_stays(channels):
    body = """q = MatMul(x, wq) k = MatMul(x, wk) v = MatMul(x, wv) kt = Transpose<perm=[0,2,1]>(k)
        s = MatMul(q, kt) p = Softmax<axis=2>(s) o = MatMul(p, v) y = MatMul(o, wy)"""
    found = channels(_TOKENS.format(body), dict.fromkeys(("wq", "wk", "wv", "wy"), (6, 6)))

    assert found.of("q") == found.of("k") == found.of("v") == [0] * 6
    assert found.why("q").startswith("MatMul s: it sums over them")


def test_a_scale_computed_from_the_width_of_a_head_leaves_heads_free(channels, prove):
    body = " ".join(
        f"{one} = MatMul(x, w{one}) {one}0 = Reshape({one}, cut) {one}1 = Transpose<perm=[0,2,1,3]>({one}0)"
        for one in "qkv"
    )
    scale = " shape = Shape(q1) width = Gather<axis=0>(shape, three) float = Cast<to=1>(width) root = Sqrt(float) "
    attend = _ATTEND.replace("p = Softmax<axis=3>(s)", "d = Div(s, root) p = Softmax<axis=3>(d)")
    weights = _SHAPES | {f"w{one}": (6, 6) for one in "qkv"} | {"three": np.array(3, np.int64)}
    found = channels(_TOKENS.format(body + scale + attend), weights)

    assert found.of("q") == [1, 1, 1, 4, 4, 4]
    prove(found.flow, {1})
