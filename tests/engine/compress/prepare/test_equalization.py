import numpy as np
import onnx
import onnxruntime as ort
import pytest
from onnx import numpy_helper

from workbench.engine.compress.prepare.equalization import equalize_layers

_SCALES = np.array([1e-3, 0.1, 1, 10, 100, 3], np.float32)


def _chain(middle: str) -> onnx.ModelProto:
    """A dense convolution whose channels differ by 10⁵, a depthwise one, and a dense one."""
    random = np.random.default_rng(1)
    text = f"""<ir_version: 8, opset_import: ["" : 13]>
    m (float[N,3,8,8] x) => (float[N,4,8,8] y) {{
      a = Conv<pads = [1,1,1,1]>(x, w1, b1)
      {middle}
      c = Conv<pads = [1,1,1,1], group = 6>(r, w2, b2)
      s = Relu(c)
      y = Conv(s, w3)
    }}"""
    proto = onnx.parser.parse_model(text)
    weights = {
        "w1": random.normal(size=(6, 3, 3, 3)) * _SCALES[:, None, None, None],
        "b1": random.normal(size=6) * _SCALES,
        "w2": random.normal(size=(6, 1, 3, 3)),
        "b2": random.normal(size=6),
        "w3": random.normal(size=(4, 6, 1, 1)),
        "six": np.array(6.0),
        "zero": np.array(0.0),
    }
    proto.graph.initializer.extend(numpy_helper.from_array(w.astype(np.float32), name) for name, w in weights.items())
    return proto


def _weight(proto: onnx.ModelProto, name: str) -> np.ndarray:
    return numpy_helper.to_array(next(tensor for tensor in proto.graph.initializer if tensor.name == name))


def _output(proto: onnx.ModelProto) -> np.ndarray:
    x = np.random.default_rng(0).normal(size=(2, 3, 8, 8)).astype(np.float32)
    session = ort.InferenceSession(proto.SerializeToString(), providers=["CPUExecutionProvider"])
    return session.run(None, {"x": x})[0]


def test_equalized_layers_compute_the_same_with_ranges_that_are_alike():
    proto = _chain("r = Relu(a)")
    before = _output(proto)

    assert equalize_layers(proto) == 2

    np.testing.assert_allclose(_output(proto), before, rtol=1e-3, atol=1e-3 * np.abs(before).max())
    first = np.abs(_weight(proto, "w1")).reshape(6, -1).max(axis=1)
    second = np.abs(_weight(proto, "w2")).reshape(6, -1).max(axis=1)
    third = np.abs(_weight(proto, "w3"))[:, :, 0, 0].max(axis=0)
    np.testing.assert_allclose(first, second, rtol=0.01)
    np.testing.assert_allclose(second, third, rtol=0.01)


def test_a_clip_at_six_keeps_its_layers_as_they_are():
    proto = _chain("r = Clip(a, zero, six)")
    before = _weight(proto, "w1")

    assert equalize_layers(proto) == 1, "the pair behind the clip"
    assert np.array_equal(_weight(proto, "w1"), before)


@pytest.mark.parametrize("dead", ["w1", "w2"])
def test_a_channel_that_nobody_uses_stays_finite(dead: str):
    proto = _chain("r = Relu(a)")
    weight = _weight(proto, dead).copy()
    weight[2] = 0
    next(tensor for tensor in proto.graph.initializer if tensor.name == dead).CopyFrom(
        numpy_helper.from_array(weight, dead)
    )
    before = _output(proto)

    equalize_layers(proto)

    np.testing.assert_allclose(_output(proto), before, rtol=1e-3, atol=1e-3 * np.abs(before).max())
