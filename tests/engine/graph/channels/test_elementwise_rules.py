"""Operators that combine tensors: channels at the same place go together."""

import numpy as np
import pytest

_END = "y = Conv(r, wy)"
_CONVS = {"wa": (4, 2, 1, 1), "wb": (4, 2, 1, 1), "wy": (3, 4, 1, 1)}


def _graph(body: str) -> str:
    return f"m (float[N,2,6,6] x) => (float[N,3,6,6] y) {{ a = Conv(x, wa) {body} {_END} }}"


@pytest.mark.parametrize("op_type", ["Add", "Sub", "Mul", "Max", "Mean", "Sum"])
def test_a_sum_joins_channels_at_the_same_place(channels, prove, op_type: str):
    found = channels(_graph(f"b = Conv(x, wb) r = {op_type}(a, b)"), _CONVS)

    assert found.of("a") == found.of("b") == found.of("r") == [1, 2, 3, 4]
    assert found.group_of("a") == ["a", "b"]
    prove(found.flow, {1, 4})


def test_a_residual_sum_joins_what_the_first_layer_makes_with_what_the_branch_makes(channels, prove):
    found = channels(_graph("t = Relu(a) c = Conv(t, wc) r = Add(t, c)"), {**_CONVS, "wc": (4, 4, 1, 1)})

    assert found.of("c") == found.of("a") == [1, 2, 3, 4]
    assert found.along("wc", 1) == [1, 2, 3, 4]
    prove(found.flow, {2, 3})


def test_a_sum_with_the_input_fixes_all(channels):
    graph = "m (float[N,4,6,6] x) => (float[N,3,6,6] y) { a = Conv(x, wa) r = Add(a, x) y = Conv(r, wy) }"
    found = channels(graph, {"wa": (4, 4, 1, 1), "wy": (3, 4, 1, 1)})

    assert found.of("a") == [0, 0, 0, 0]
    assert found.why("a").startswith("Add r: they are combined with a tensor whose channels all stay")


def test_squeeze_and_excite_joins_the_gate_with_what_it_scales(channels, prove):
    body = "p = GlobalAveragePool(a) s = Relu(p) c = Conv(s, w1) d = Conv(c, w2) g = Sigmoid(d) r = Mul(a, g)"
    found = channels(_graph(body), {**_CONVS, "w1": (2, 4, 1, 1), "w2": (4, 2, 1, 1)})

    assert found.of("g") == found.of("a") == [1, 2, 3, 4]
    assert found.of("c") == [5, 6]
    assert found.along("w1", 1) == [1, 2, 3, 4]
    prove(found.flow, {1, 5})


def test_a_map_of_one_channel_joins_nothing(channels, prove):
    found = channels(_graph("m1 = Conv(x, w1) g = Sigmoid(m1) r = Mul(g, a)"), {**_CONVS, "w1": (1, 2, 1, 1)})

    assert found.of("r") == found.of("a") == [1, 2, 3, 4]
    assert found.of("g") == [5]
    prove(found.flow, {1, 2})


@pytest.mark.parametrize(
    ("shape", "axis"), [((4, 1, 1), 0), ((1, 4, 1, 1), 1), ((4, 6, 6), 0)], ids=["C11", "1C11", "CHW"]
)
def test_a_stored_tensor_is_cut_along_its_channels(channels, prove, shape: tuple[int, ...], axis: int):
    found = channels(_graph("r = Add(k, a)"), {**_CONVS, "k": shape})

    assert found.along("k", axis) == [1, 2, 3, 4]
    small = prove(found.flow, {1})
    assert next(list(tensor.dims) for tensor in small.graph.initializer if tensor.name == "k")[axis] == 3


def test_a_stored_number_is_not_cut(channels, prove):
    found = channels(_graph("r = Mul(a, k)"), {**_CONVS, "k": (1,)})

    assert found.flow.params.get("k") is None
    prove(found.flow, {1})


def test_prelu_s_slopes_go_with_their_channels(channels, prove):
    found = channels(_graph("r = PRelu(a, slope)"), {**_CONVS, "slope": (4, 1, 1)})

    assert found.along("slope", 0) == [1, 2, 3, 4]
    prove(found.flow, {3})


def test_one_slope_for_all_channels_stays(channels, prove):
    found = channels(_graph("r = PRelu(a, slope)"), {**_CONVS, "slope": (1, 1, 1)})

    prove(found.flow, {3})


def test_a_stored_tensor_that_two_sums_read_joins_what_they_read(channels, prove):
    body = "b = Conv(x, wb) s = Add(a, k) t = Add(b, k) v = Conv(t, wv) w = Conv(s, wu) r = Concat<axis=1>(v, w)"
    found = channels(_graph(body), {**_CONVS, "k": (4, 1, 1), "wv": (2, 4, 1, 1), "wu": (2, 4, 1, 1)})

    assert found.of("a") == found.of("b") == [1, 2, 3, 4]
    prove(found.flow, {1, 9})


def test_a_stored_tensor_that_is_read_whole_elsewhere_fixes_the_channels(channels):
    body = "s = Add(a, k) q = CumSum(k, zero) r = Mul(s, one)"
    weights = {**_CONVS, "k": (4, 1, 1), "zero": np.array(0, np.int64), "one": (1,)}
    graph = _graph(body).replace("=> (", "=> (float[4,1,1] q, ")
    # Constants are folded, so that what reads the parameter whole has to read something else, too.
    found = channels(graph.replace("CumSum(k, zero)", 'Einsum<equation="abc,nchw->abc">(k, x)'), weights)

    assert found.of("a") == [0, 0, 0, 0]
    assert "a parameter is read whole elsewhere" in found.why("a")


def test_where_joins_all_it_reads(channels, prove):
    found = channels(_graph("b = Conv(x, wb) more = Greater(a, b) r = Where(more, a, b)"), _CONVS)

    assert found.of("r") == found.of("more") == found.of("b") == [1, 2, 3, 4]
    prove(found.flow, {2})


def test_clip_s_stored_limits_stay(channels, prove):
    limits = {"low": np.array(0, np.float32), "high": np.array(1, np.float32)}
    found = channels(_graph("r = Clip(a, low, high)"), {**_CONVS, **limits})

    assert found.of("r") == [1, 2, 3, 4]
    prove(found.flow, {1, 2, 3})


def test_channels_that_meet_along_two_axes_are_one(channels):
    body = "t = Transpose<perm=[0,2,1,3]>(b) r = Add(a, t)"
    graph = f"m (float[N,2,4,6] x) => (float[N,3,4,6] y) {{ a = Conv(x, wa) b = Conv(x, wb) {body} {_END} }}"
    found = channels(graph, _CONVS)

    assert found.of("a") == [0, 0, 0, 0]


def test_broadcasting_of_old_opsets_is_not_followed(channels):
    found = channels(_graph("r = Add<broadcast=1, axis=1>(a, k)"), {**_CONVS, "k": (4,)}, opset=6)

    assert found.of("a") == [0, 0, 0, 0]
    assert found.why("a") == "Add r: it broadcasts in the way of opsets before 7"


def test_a_stored_tensor_along_one_of_two_axes_ties_what_shares_its_entries(channels, prove):
    # Four channels as two rows of two: one number a row, so that a row goes whole.
    body = "s = Reshape(a, apart) k1 = Add(s, k) r = Reshape(k1, back)"
    places = {"apart": np.array([0, 2, 2, 6, 6]), "back": np.array([0, 4, 6, 6])}
    found = channels(_graph(body), {**_CONVS, **places, "k": (2, 1, 1, 1)})

    assert found.of("a") == [1, 1, 3, 3]
    assert found.along("k", 0) == [1, 3]
    prove(found.flow, {1})
