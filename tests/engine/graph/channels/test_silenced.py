"""The whole graph with channels held at zero, against zeros that numpy writes."""

import numpy as np
import onnx
import onnxruntime as ort
import pytest
from onnx import helper

from workbench.engine.graph.channels.silenced import silence_channels
from workbench.engine.graph.channels.walk import walk

_A = np.random.default_rng(1).normal(size=(4, 2)).astype(np.float32)
_Y = np.random.default_rng(2).normal(size=(3, 4)).astype(np.float32)
_GRAPH = "m (float[N,2,1,1] x) => (float[N,3,1,1] y) { a = Conv(x, wa) r = Sigmoid(a) y = Conv(r, wy) }"
_W = {"wa": _A.reshape(4, 2, 1, 1), "wy": _Y.reshape(3, 4, 1, 1)}


def _run(proto: onnx.ModelProto, x: np.ndarray) -> np.ndarray:
    session = ort.InferenceSession(proto.SerializeToString(), providers=["CPUExecutionProvider"])
    return session.run(None, {"x": x})[0]


@pytest.mark.parametrize("opset", [7, 8, 9, 13, 21])
def test_a_silenced_channel_is_zero_after_its_activation_too(text_model, opset: int):
    proto = text_model(_GRAPH, _W, opset=opset)
    x = np.random.default_rng(3).normal(size=(5, 2)).astype(np.float32)

    silenced = silence_channels(walk(proto), {2, 4})

    onnx.checker.check_model(silenced, full_check=True)
    # Sigmoid of zero is a half; the second and the last channel have to be zero none the less.
    hidden = 1 / (1 + np.exp(-(x @ _A.T))) * np.array([1, 0, 1, 0])
    found = _run(silenced, x.reshape(5, 2, 1, 1)).reshape(5, 3)
    np.testing.assert_allclose(found, hidden @ _Y.T, rtol=1e-5, atol=1e-6)


def test_nothing_silenced_is_the_model_itself(text_model):
    proto = text_model(_GRAPH, _W)

    silenced = silence_channels(walk(proto), set())

    assert silenced.graph.SerializeToString() == proto.graph.SerializeToString()


def test_the_model_that_is_silenced_does_not_change(text_model):
    proto = text_model(_GRAPH, _W)
    before = proto.SerializeToString()

    silence_channels(walk(proto), {1})

    assert proto.SerializeToString() == before


def test_a_channel_that_divides_by_zero_is_zero(text_model):
    graph = "m (float[N,2,1,1] x) => (float[N,3,1,1] y) { a = Conv(x, wa) b = Abs(a) r = Div(a, b) y = Conv(r, wy) }"

    found = _run(silence_channels(walk(text_model(graph, _W)), {1}), np.ones((1, 2, 1, 1), np.float32))

    assert np.isfinite(found).all()


def test_truth_values_and_integers_are_left_as_they_are(text_model, prove):
    body = "g = Greater(a, zero) i = Cast<to=7>(g) f = Cast<to=1>(i) n = Not(g) h = Cast<to=1>(n) r = Add(f, h)"
    graph = f"m (float[N,2,1,1] x) => (float[N,3,1,1] y) {{ a = Conv(x, wa) {body} y = Conv(r, wy) }}"
    flow = walk(text_model(graph, {**_W, "zero": np.zeros(1, np.float32)}))

    prove(flow, {2, 3})


def test_a_model_that_lists_its_initializers_as_inputs_can_be_silenced(text_model):
    proto = text_model(_GRAPH, _W)
    proto.ir_version = 3
    proto.graph.input.extend(
        helper.make_tensor_value_info(tensor.name, 1, list(tensor.dims)) for tensor in proto.graph.initializer
    )

    silenced = silence_channels(walk(proto), {2})

    onnx.checker.check_model(silenced, full_check=True)
    assert _run(silenced, np.ones((1, 2, 1, 1), np.float32)).shape == (1, 3, 1, 1)


def test_channels_on_the_first_axis_are_silenced_where_it_is_not_the_batch(text_model, prove):
    # Rows of a product on the left, of which a sigmoid makes halves where there were zeros.
    graph = "m (float[5,7] x) => (float[3,7] y) { a = MatMul(wa, x) r = Sigmoid(a) y = MatMul(wy, r) }"
    flow = walk(text_model(graph, {"wa": (4, 5), "wy": (3, 4)}))

    prove(flow, {1, 2}, batch=5, size=7)
