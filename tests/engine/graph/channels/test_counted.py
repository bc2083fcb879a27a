"""A model that computes with the number of its own channels."""

import numpy as np
import pytest

_W = {"wa": (4, 2, 1, 1), "wy": (3, 4, 1, 1)}
_PLACES = {name: np.array(place, np.int64) for place, name in enumerate(("zero", "one", "two", "three"))}


def _graph(body: str) -> str:
    return f"m (float[N,2,6,6] x) => (float[N,3,H,W] y) {{ a = Conv(x, wa) s = Shape(a) {body} y = Conv(r, wy) }}"


def test_dividing_by_the_number_of_channels_fixes_them(channels):
    found = channels(_graph("c = Gather<axis=0>(s, one) f = Cast<to=1>(c) r = Div(a, f)"), {**_W, **_PLACES})

    assert found.why("a") == "Div r: it computes with their number"


def test_dividing_by_the_number_of_pixels_leaves_channels_free(channels, prove):
    found = channels(_graph("c = Gather<axis=0>(s, two) f = Cast<to=1>(c) r = Div(a, f)"), {**_W, **_PLACES})

    assert found.of("a") == [1, 2, 3, 4]
    prove(found.flow, {1, 2})


def test_the_number_of_all_entries_counts_channels_too(channels):
    found = channels(_graph("c = Size(a) f = Cast<to=1>(c) r = Div(a, f)"), _W)

    assert found.of("a") == [0, 0, 0, 0]


def test_a_number_of_channels_that_is_an_output_fixes_them(channels):
    graph = _graph("r = Relu(a)").replace("y)", "y, int64[4] s)", 1)
    found = channels(graph, _W)

    assert found.why("a") == "their number is the model's output s"


def test_a_number_of_pixels_that_is_an_output_leaves_channels_free(channels, prove):
    graph = _graph("p = Slice(s, at2, at4) r = Relu(a)").replace("y)", "y, int64[2] p)", 1)
    found = channels(graph, {**_W, "at2": np.array([2]), "at4": np.array([4])})

    prove(found.flow, {1})


@pytest.mark.parametrize("end", ["", "<end=2>", "<start=0, end=-2>"], ids=["whole", "end", "from the end"])
def test_parts_of_a_shape_are_looked_at_by_themselves(channels, end: str):
    body = "b = Slice(t, at1, at2) f = Cast<to=1>(b) r = Div(a, f)"
    graph = _graph(body).replace("s = Shape(a)", f"t = Shape{end}(a)")
    found = channels(graph, {**_W, "at1": np.array([1]), "at2": np.array([2])}, opset=15)

    assert found.of("a") == [0, 0, 0, 0]


def test_half_the_channels_computed_at_run_time_are_sliced(channels, prove):
    body = """c = Gather<axis=0>(s, one) n = Unsqueeze(c, at) h = Div(n, n2) p = Slice(a, first, h, at1)
        q = Slice(a, h, n, at1) r = Concat<axis=1>(q, p)"""
    weights = {"at": np.array([0]), "n2": np.array([2]), "first": np.array([0]), "at1": np.array([1])}
    found = channels(_graph(body), {**_W, **_PLACES, **weights})

    assert found.of("r") == [3, 4, 1, 2]
    prove(found.flow, {1, 2, 3} - {2})


def test_pixels_sliced_up_to_the_number_of_channels_fix_them(channels):
    body = "c = Gather<axis=0>(s, one) n = Unsqueeze(c, at) r = Slice(a, first, n, at2)"
    weights = {"at": np.array([0]), "first": np.array([0]), "at2": np.array([2])}
    found = channels(_graph(body), {**_W, **_PLACES, **weights})

    assert found.why("a") == "Slice r: it computes with their number"


def test_resizing_to_the_size_of_another_tensor_with_the_same_channels(channels, prove):
    body = """p = MaxPool<kernel_shape=[2,2], strides=[2,2]>(a) none = Identity(nothing)
        u = Resize<mode="nearest">(p, none, none, s) r = Add(u, a)"""
    found = channels(_graph(body), {**_W, "nothing": np.zeros(0, np.float32)}, opset=11)

    assert found.of("u") == [1, 2, 3, 4]
    prove(found.flow, {1, 4})


def test_ones_as_many_as_channels_fix_them(channels):
    found = channels(_graph("o = ConstantOfShape(s) r = Add(a, o)"), _W)

    assert found.of("a") == [0, 0, 0, 0]


def test_a_tensor_expanded_to_the_shape_of_another(channels, prove):
    body = "p = GlobalAveragePool(a) e = Expand(p, s) r = Mul(e, a)"
    found = channels(_graph(body), _W)

    assert found.of("e") == [1, 2, 3, 4]
    prove(found.flow, {2})
