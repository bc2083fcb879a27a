"""Operators that move entries about: where each channel lies afterwards."""

import numpy as np
import pytest

from workbench.engine.graph.channels.shape_rules import reshaped

_W = {"wa": (4, 2, 1, 1), "wb": (3, 2, 1, 1)}


def _graph(body: str, end: str = "y = Conv(r, wy)", out: str = "3,H,W") -> str:
    return f"m (float[N,2,6,6] x) => (float[N,{out}] y) {{ a = Conv(x, wa) {body} {end} }}"


def _ints(*values: int) -> np.ndarray:
    return np.array(values, np.int64)


def _dims(proto, name: str) -> list[int]:
    return next(list(tensor.dims) for tensor in proto.graph.initializer if tensor.name == name)


def test_concat_puts_channels_side_by_side(channels, prove):
    found = channels(_graph("b = Conv(x, wb) r = Concat<axis=1>(a, b)"), {**_W, "wy": (3, 7, 1, 1)})

    assert found.of("r") == [1, 2, 3, 4, 5, 6, 7]
    assert found.along("wy", 1) == [1, 2, 3, 4, 5, 6, 7]
    prove(found.flow, {1, 6, 7})


def test_what_the_input_brings_into_a_concat_stays(channels, prove):
    found = channels(_graph("r = Concat<axis=-3>(a, x)"), {**_W, "wy": (3, 6, 1, 1)})

    assert found.of("r") == [1, 2, 3, 4, 0, 0]
    prove(found.flow, {2, 3})


def test_a_concat_of_rows_joins_channels(channels, prove):
    found = channels(_graph("b = Conv(x, wb) r = Concat<axis=2>(a, b)"), {**_W, "wb": (4, 2, 1, 1), "wy": (3, 4, 1, 1)})

    assert found.of("r") == found.of("a") == found.of("b") == [1, 2, 3, 4]
    prove(found.flow, {2})


def test_a_concat_of_rows_with_the_input_fixes_channels(channels):
    graph = "m (float[N,4,6,6] x) => (float[N,3,12,6] y) { a = Conv(x, wa) r = Concat<axis=2>(a, x) y = Conv(r, wy) }"
    found = channels(graph, {"wa": (4, 4, 1, 1), "wy": (3, 4, 1, 1)})

    assert found.of("a") == [0, 0, 0, 0]
    assert found.why("a").startswith("Concat r: ")


_HALVES = "u = Conv(p, wu) v = Conv(q, wv) y = Add(u, v)"


@pytest.mark.parametrize(
    ("split", "opset", "first"),
    [
        ("Split<axis=1>(a)", 11, 2),
        ("Split<axis=1, split=[1,3]>(a)", 11, 1),
        ("Split<axis=1>(a)", 13, 2),
        ("Split<axis=-3>(a, sizes)", 13, 1),
        ("Split<axis=1, num_outputs=2>(a)", 18, 2),
    ],
    ids=["halves 11", "attribute 11", "halves 13", "input 13", "num_outputs 18"],
)
def test_split_gives_the_first_channels_and_the_rest(channels, prove, split: str, opset: int, first: int):
    weights = {**_W, "sizes": _ints(1, 3), "wu": (3, first, 1, 1), "wv": (3, 4 - first, 1, 1)}
    found = channels(_graph(f"p, q = {split}", _HALVES), weights, opset=opset)

    assert found.of("p") == [1, 2, 3, 4][:first]
    assert found.of("q") == [1, 2, 3, 4][first:]
    prove(found.flow, {3})


def test_a_split_of_rows_leaves_channels_as_they_are(channels, prove):
    body = "p, q = Split<axis=2>(a) u = Conv(p, wu) v = Conv(q, wu) y = Add(u, v)"
    found = channels(_graph(body, ""), {**_W, "wu": (3, 4, 1, 1)})

    assert found.of("p") == found.of("q") == [1, 2, 3, 4]
    prove(found.flow, {3})


def test_a_split_of_rows_of_unknown_number_is_left_alone(channels, prove):
    body = "p, q = Split<axis=2>(a) u = Conv(p, wu) v = Conv(q, wu) y = Add(u, v)"
    found = channels(_graph(body, "").replace("2,6,6", "2,H,W"), {**_W, "wu": (3, 4, 1, 1)})

    assert found.of("p") == [1, 2, 3, 4]
    prove(found.flow, {3})


@pytest.mark.parametrize(
    ("cut", "opset", "left"),
    [
        ("Slice<starts=[1], ends=[3], axes=[1]>(a)", 9, [2, 3]),
        ("Slice<starts=[0,-3], ends=[6,9999]>(a)", 9, [2, 3, 4]),
        ("Slice(a, one, three, one)", 13, [2, 3]),
        ("Slice(a, minus, far, one, one)", 11, [2, 3, 4]),
        ("Slice(a, both0, both1)", 13, [2, 3]),
    ],
    ids=["attributes", "attributes of all axes", "inputs", "from the end", "inputs of all axes"],
)
def test_slice_takes_a_run_of_channels(channels, prove, cut: str, opset: int, left: list[int]):
    weights = {"one": _ints(1), "three": _ints(3), "minus": _ints(-3), "far": _ints(2**62)}
    weights |= {"both0": _ints(0, 1), "both1": _ints(2**31, 3), "wy": (3, len(left), 1, 1)}
    found = channels(_graph(f"r = {cut}"), {**_W, **weights}, opset=opset)

    assert found.of("r") == left
    prove(found.flow, {1, 3})


def test_every_other_channel_is_not_followed(channels):
    weights = {"zero": _ints(0), "far": _ints(99), "one": _ints(1), "two": _ints(2), "wy": (3, 2, 1, 1)}
    found = channels(_graph("r = Slice(a, zero, far, one, two)"), {**_W, **weights})

    assert found.of("a") == [0, 0, 0, 0]
    assert found.why("a").startswith("Slice r: it takes every other channel")


def test_a_slice_of_pixels_leaves_channels_as_they_are(channels, prove):
    weights = {"zero": _ints(0), "three": _ints(3), "two": _ints(2), "wy": (3, 4, 1, 1)}
    found = channels(_graph("r = Slice(a, zero, three, two, two)"), {**_W, **weights})

    assert found.of("r") == [1, 2, 3, 4]
    prove(found.flow, {1, 3})


def test_flatten_gives_gemm_each_channel_s_pixels(channels, prove):
    found = channels(_graph("f = Flatten(a)", "y = Gemm(f, wy)", "3"), {**_W, "wy": (144, 3)})

    assert found.of("f") == [1] * 36 + [2] * 36 + [3] * 36 + [4] * 36
    assert _dims(prove(found.flow, {1, 4}), "wy") == [72, 3]


@pytest.mark.parametrize("shape", [(0, 144), (0, -1), (-1, 144), (2, 144)], ids=str)
def test_a_reshape_adjusts_the_sizes_that_are_written_out(channels, prove, shape: tuple[int, ...]):
    graph = _graph("f = Reshape(a, shape)", "y = Gemm(f, wy)", "3")
    graph = graph.replace("[N,", "[2,") if shape[0] == 2 else graph
    found = channels(graph, {**_W, "shape": _ints(*shape), "wy": (144, 3)})

    assert _dims(prove(found.flow, {1, 4}), "wy") == [72, 3]


_COMPUTED = """s = Shape(a) n = Gather<axis=0>(s, zero) c = Gather<axis=0>(s, one) h = Gather<axis=0>(s, two)
    w = Gather<axis=0>(s, three) n1 = Unsqueeze(n, at) {} f = Reshape(a, shape)"""


@pytest.mark.parametrize(
    "sizes",
    [
        "shape = Concat<axis=0>(n1, minus)",
        "p = Mul(c, h) q = Mul(p, w) q1 = Unsqueeze(q, at) shape = Concat<axis=0>(n1, q1)",
        "p = Mul(c, h) q = Mul(p, w) q1 = Unsqueeze(q, at) shape = Concat<axis=0>(minus, q1)",
    ],
    ids=["the rest", "a product", "a product after the rest"],
)
def test_a_reshape_whose_sizes_are_computed(channels, prove, sizes: str):
    places = {name: np.array(place, np.int64) for place, name in enumerate(("zero", "one", "two", "three"))}
    weights = {**_W, **places, "at": _ints(0), "minus": _ints(-1), "wy": (144, 3)}
    found = channels(_graph(_COMPUTED.format(sizes), "y = Gemm(f, wy)", "3"), weights)

    assert found.of("a") == [1, 2, 3, 4]
    prove(found.flow, {1, 3}, batch=3)


def test_a_computed_reshape_of_another_tensor_to_the_channels_shape_fixes_them(channels):
    body = "s = Shape(a) f = Reshape(x2, s) r = Identity(a) z = Neg(f)"
    graph = _graph(body).replace("float[N,2,6,6] x)", "float[N,2,6,6] x, float[N,144] x2)")
    graph = graph.replace("y)", "y, float[N,4,6,6] z)", 1)
    found = channels(graph, {**_W, "wy": (3, 4, 1, 1)})

    assert found.of("a") == [0, 0, 0, 0]
    assert found.why("a") == "Reshape f: it computes with their number"


_SHUFFLE = "s = Reshape(a, apart) t = Transpose<perm=[0,2,1,3,4]>(s) r = Reshape(t, back)"


@pytest.mark.parametrize("back", [(0, -1, 6, 6), (-1, 4, 6, 6)], ids=str)
def test_a_channel_shuffle_is_one_gather_afterwards(channels, prove, back: tuple[int, ...]):
    weights = {**_W, "apart": _ints(-1, 2, 2, 6, 6), "back": _ints(*back), "wy": (3, 4, 1, 1)}
    found = channels(_graph(_SHUFFLE), weights)

    # Two groups of two: the first of each, then the second of each.
    assert found.of("r") == [1, 3, 2, 4]
    small = prove(found.flow, {3})
    assert [node.op_type for node in small.graph.node] == ["Conv", "Gather", "Conv"]


def test_a_shuffle_that_loses_nothing_is_left_as_it_is(channels, prove):
    weights = {**_W, "apart": _ints(-1, 2, 2, 6, 6), "back": _ints(0, -1, 6, 6), "wm": (3, 4, 1, 1), "wy": (3, 3, 1, 1)}
    found = channels(_graph(_SHUFFLE + " k = Conv(r, wm)", "y = Conv(k, wy)"), weights)

    small = prove(found.flow, {5})
    assert [node.op_type for node in small.graph.node] == [node.op_type for node in found.flow.graph.node]


def test_a_shuffle_that_ends_flat_keeps_its_last_reshape(channels, prove):
    weights = {**_W, "apart": _ints(-1, 2, 2, 6, 6), "wy": (144, 3)}
    body = "s = Reshape(a, apart) t = Transpose<perm=[0,2,1,3,4]>(s) f = Flatten(t)"
    found = channels(_graph(body, "y = Gemm(f, wy)", "3"), weights)

    assert found.of("f")[::36] == [1, 3, 2, 4]
    prove(found.flow, {3})


def test_a_flatten_inside_a_shuffle_that_depends_on_its_axes_is_no_gather(channels, prove):
    weights = {**_W, "apart": _ints(-1, 2, 2, 6, 6), "ones": _ints(0, -1), "wy": (144, 3)}
    body = "s = Reshape(a, apart) t = Transpose<perm=[0,2,1,3,4]>(s) f = Flatten<axis=2>(t) g = Reshape(f, ones)"
    graph = _graph(body, "r = Gemm(g, wy) y = Identity(r)", "3").replace("[N,2", "[1,2")
    found = channels(graph.replace("[N,3", "[2,3"), weights | {"wy": (72, 3)})

    # Flattened after its second axis, each row holds one channel of each group, so that all of a column go together.
    assert not found.flow.shuffles
    gone = {unit for unit in found.of("a") if unit} - {found.of("a")[0]}
    prove(found.flow, gone, batch=1)


def test_a_transposed_graph_has_its_channels_last(channels, prove):
    body = """t = Transpose<perm=[0,2,3,1]>(a) b = Add(t, k) u = Relu(b) v = MatMul(u, wm) w = Mul(v, g)
        r = Transpose<perm=[0,3,1,2]>(w)"""
    found = channels(_graph(body), {**_W, "k": (4,), "wm": (4, 5), "g": (5,), "wy": (3, 5, 1, 1)})

    assert found.along("k", 0) == found.along("wm", 0) == [1, 2, 3, 4]
    assert found.along("g", 0) == found.along("wm", 1) == [5, 6, 7, 8, 9]
    prove(found.flow, {2, 5, 9})


@pytest.mark.parametrize("mode", ["DCR", "CRD"])
def test_depth_to_space_joins_the_channels_that_make_one(channels, prove, mode: str):
    weights = {"wa": (8, 2, 1, 1), "wy": (3, 2, 1, 1)}
    found = channels(_graph(f'r = DepthToSpace<blocksize=2, mode="{mode}">(a)'), weights)

    # DCR: depth first, so that channels two apart meet; CRD: channels beside one another.
    assert found.of("a") == ([1, 2] * 4 if mode == "DCR" else [1] * 4 + [5] * 4)
    assert found.of("r") == ([1, 2] if mode == "DCR" else [1, 5])
    prove(found.flow, {1})


def test_space_to_depth_repeats_the_channels(channels, prove):
    found = channels(_graph("r = SpaceToDepth<blocksize=2>(a)"), {**_W, "wy": (3, 16, 1, 1)})

    assert found.of("r") == [1, 2, 3, 4] * 4
    prove(found.flow, {1, 3})


@pytest.mark.parametrize(
    ("resize", "opset"),
    [
        ('Resize<mode="nearest">(a, none, scales)', 11),
        ('Resize<mode="nearest">(a, none, none, sizes)', 11),
        ('Resize<mode="linear">(a, , , sizes)', 13),
        ('Resize<mode="nearest", axes=[2,3]>(a, , , pixels)', 18),
        ('Resize<mode="nearest", axes=[3,1]>(a, , , columns)', 18),
        ('Upsample<mode="nearest">(a, scales)', 9),
    ],
    ids=["scales", "sizes 11", "sizes 13", "sizes of pixels", "sizes of columns and channels", "upsample"],
)
def test_resizing_leaves_channels_as_they_are(channels, prove, resize: str, opset: int):
    weights = {"none": np.zeros(0, np.float32), "scales": np.array([1, 1, 2, 2], np.float32), "wy": (3, 4, 1, 1)}
    weights |= {"sizes": _ints(2, 4, 12, 12), "pixels": _ints(12, 12), "columns": _ints(12, 4)}
    found = channels(_graph(f"r = {resize}").replace("[N,", "[2,"), {**_W, **weights}, opset=opset)

    assert found.of("r") == [1, 2, 3, 4]
    prove(found.flow, {2})


def test_resizing_the_axis_of_channels_fixes_them(channels):
    scales = np.array([1, 2, 1, 1], np.float32)
    found = channels(_graph('r = Resize<mode="nearest">(a, , scales)'), {**_W, "scales": scales, "wy": (3, 8, 1, 1)})

    assert found.of("a") == [0, 0, 0, 0]
    assert found.why("a") == "Resize r: it resizes the axis that holds channels"


def test_places_of_the_greatest_fix_the_channels_they_number(channels):
    graph = _graph("r, places = MaxPool<kernel_shape=[2,2]>(a) f = Cast<to=1>(places) z = ReduceMax(f)")
    found = channels(graph.replace("y)", "y, float[1,1,1,1] z)", 1), {**_W, "wy": (3, 4, 1, 1)})

    assert found.of("a") == [0, 0, 0, 0]


@pytest.mark.parametrize("opset", [9, 13])
def test_padding_adds_channels_of_its_own(channels, prove, opset: int):
    pad = "Pad<pads=[0,1,0,0,0,2,0,1]>(a)" if opset < 11 else "Pad(a, pads)"
    pads = _ints(0, 1, 0, 0, 0, 2, 0, 1)
    found = channels(_graph(f"r = {pad}"), {**_W, "pads": pads, "wy": (3, 7, 1, 1)}, opset=opset)

    # Those before have the first new number, then follow those after.
    assert found.of("r") == [5, 1, 2, 3, 4, 6, 7]
    prove(found.flow, {1, 2})


def test_padded_channels_go_with_what_they_are_added_to(channels, prove):
    weights = {**_W, "pads": _ints(0, 1, 0, 0, 0, 2, 0, 0), "wc": (7, 2, 1, 1), "wy": (3, 7, 1, 1)}
    found = channels(_graph("p = Pad(a, pads) c = Conv(x, wc) r = Add(p, c)"), weights)

    assert found.of("c") == found.of("r") == found.of("p") == [5, 1, 2, 3, 4, 6, 7]
    prove(found.flow, {5, 2, 7})


def test_mirrored_channels_are_not_followed(channels):
    pads = _ints(0, 1, 0, 0, 0, 2, 0, 0)
    found = channels(_graph('r = Pad<mode="reflect">(a, pads)'), {**_W, "pads": pads, "wy": (3, 7, 1, 1)})

    assert found.of("a") == [0, 0, 0, 0]
    assert found.why("a").startswith("Pad r: ")


def test_gather_takes_channels_in_another_order(channels, prove):
    found = channels(_graph("r = Gather<axis=1>(a, order)"), {**_W, "order": _ints(3, 0, -2, 3), "wy": (3, 4, 1, 1)})

    assert found.of("r") == [4, 1, 3, 4]
    prove(found.flow, {2, 3})


def test_a_single_channel_that_is_taken_out_stays(channels, prove):
    body = "g = Gather<axis=1>(a, two) u = Unsqueeze(g, at) m = Conv(u, wm) c = Conv(a, wc) r = Add(m, c)"
    weights = {**_W, "two": np.array(2, np.int64), "at": _ints(1), "wm": (3, 1, 1, 1), "wc": (3, 4, 1, 1)}
    found = channels(_graph(body), weights | {"wy": (3, 3, 1, 1)})

    assert found.of("a") == [1, 2, 0, 4]
    small = prove(found.flow, {1, 4})
    assert [node.op_type for node in small.graph.node if node.op_type == "Gather"] == ["Gather"]


def test_channels_chosen_at_run_time_are_not_followed(channels):
    graph = _graph("r = Gather<axis=1>(a, order)").replace("float[N,2,6,6] x", "float[N,2,6,6] x, int64[4] order")
    found = channels(graph, {**_W, "wy": (3, 4, 1, 1)})

    assert found.of("a") == [0, 0, 0, 0]
    assert found.why("a").startswith("Gather r: ")


@pytest.mark.parametrize("opset", [12, 18])
def test_a_mean_over_channels_fixes_them_and_one_over_pixels_does_not(channels, prove, opset: int):
    over = "<axes=[{}], keepdims=1>(a)" if opset < 18 else "<keepdims=1>(a, axis{})"
    weights = {**_W, "axis1": _ints(1), "axis3": _ints(-1), "w1": (3, 1, 1, 1), "wy": (3, 4, 1, 1)}
    fixed = channels(_graph(f"r = ReduceMean{over.format(1)}", "y = Conv(r, w1)"), weights, opset=opset)
    free = channels(_graph(f"r = ReduceMean{over.format(3)}"), weights, opset=opset)

    assert fixed.why("a") == "ReduceMean r: it is taken over the channels"
    assert free.of("r") == [1, 2, 3, 4]
    prove(free.flow, {1, 2})


def test_a_mean_without_its_axes_moves_the_channels_forward(channels, prove):
    found = channels(_graph("r = ReduceMean<axes=[2,3], keepdims=0>(a)", "y = Gemm(r, wy)", "3"), {**_W, "wy": (4, 3)})

    assert found.of("r") == [1, 2, 3, 4]
    prove(found.flow, {1, 2})


@pytest.mark.parametrize("asked", [(1, 1, 6, 6), (4, 6, 6), (6, 1)], ids=str)
def test_expanding_repeats_pixels(channels, prove, asked: tuple[int, ...]):
    found = channels(
        _graph("p = GlobalAveragePool(a) r = Expand(p, asked)"), {**_W, "asked": _ints(*asked), "wy": (3, 4, 1, 1)}
    )

    assert found.of("r") == [1, 2, 3, 4]
    prove(found.flow, {1, 2})


def test_unsqueezing_and_squeezing_move_the_axis(channels, prove):
    body = "u = Unsqueeze(a, at) v = Relu(u) r = Squeeze(v, at)"
    found = channels(_graph(body), {**_W, "at": _ints(1), "wy": (3, 4, 1, 1)})

    assert found.flow.of("v").shape == (1, 1, 4, 1, 1)
    prove(found.flow, {1, 2})


def test_rows_that_span_two_axes_go_as_a_whole(channels, prove):
    # Four channels laid out as two by two: a column is what lies in both rows.
    body = "s = Reshape(a, apart) t = Transpose<perm=[0,1,3,2]>(s) u = Sigmoid(t) f = Flatten(u)"
    weights = {**_W, "apart": _ints(0, 2, 2, 36), "wy": (144, 3)}
    found = channels(_graph(body, "y = Gemm(f, wy)", "3"), weights)

    assert found.of("a") == [1, 2, 1, 2]
    prove(found.flow, {1})


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ((1, 4, 1), (1, 2, 2, 1), [[1, 2], [3, 4]]),
        ((1, 4, 3), (1, 12), [1, 1, 1, 2, 2, 2, 3, 3, 3, 4, 4, 4]),
        ((1, 4, 1, 1), (4,), [1, 2, 3, 4]),
        ((1, 4, 6), (1, 2, 2, 6), [[1, 2], [3, 4]]),
        ((1, 4, 3), (1, 2, 6), [[1, 1, 1, 2, 2, 2], [3, 3, 3, 4, 4, 4]]),
    ],
    ids=str,
)
def test_labels_after_a_reshape_lie_where_numpy_puts_the_entries(before, after, expected):
    labels = np.arange(1, 5).reshape(1, 4, *(1,) * (len(before) - 2))

    found = reshaped(labels, before, after)

    whole = np.broadcast_to(labels, before).reshape(after)
    assert np.broadcast_to(found, after).tolist() == whole.tolist()
    assert np.squeeze(found).tolist() == expected


@pytest.mark.parametrize("mean", ["ReduceMean<axes : ints = []>(a)", "ReduceMean(a)"], ids=["empty axes", "no axes"])
def test_a_mean_without_axes_is_over_all_of_them(channels, mean: str):
    weights = {"wa": (4, 2, 1, 1), "wy": (3, 4, 1, 1)}
    found = channels(_graph(f"m = {mean} r = Mul(a, m)"), weights, opset=13)

    assert found.of("a") == [0, 0, 0, 0]
