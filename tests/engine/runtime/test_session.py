"""Sessions open, run, keep to a fixed batch, stop, and fail with one line."""

import threading

import numpy as np
import onnx.parser
import pytest

from workbench.engine.core.errors import RunError
from workbench.engine.runtime.session import RuntimeSession
from workbench.jobs import Cancelled, JobContext


def _model(graph: str) -> bytes:
    return onnx.parser.parse_model('<ir_version: 8, opset_import: ["" : 13]>\n' + graph).SerializeToString()


@pytest.fixture
def doubling() -> bytes:
    return _model("m (float[N,2] x) => (float[N,2] y) { y = Add(x, x) }")


def test_inputs_and_outputs_are_described(doubling: bytes):
    session = RuntimeSession(doubling)

    assert [(info.name, info.dtype, info.shape) for info in session.inputs] == [("x", "float", ("N", 2))]
    assert [info.name for info in session.outputs] == ["y"]
    assert session.batch_size is None


def test_a_file_is_opened_by_its_path(doubling: bytes, tmp_path):
    path = tmp_path / "m.onnx"
    path.write_bytes(doubling)

    assert RuntimeSession(path).run({"x": np.ones((1, 2), np.float32)})[0].tolist() == [[2, 2]]


def test_what_is_no_model_is_one_line():
    with pytest.raises(RunError, match="onnxruntime does not open the model") as caught:
        RuntimeSession(b"hello")

    assert "\n" not in str(caught.value)


def test_a_wrong_shape_is_one_line(doubling: bytes):
    with pytest.raises(RunError, match="fails on these samples") as caught:
        RuntimeSession(doubling).run({"x": np.ones((1, 3), np.float32)})

    assert "\n" not in str(caught.value)


def test_a_fixed_batch_is_cut_and_filled_up():
    session = RuntimeSession(_model("m (float[4,1] x) => (float[4,1] y) { y = Add(x, x) }"))
    x = np.arange(10, dtype=np.float32)[:, None]

    assert session.batch_size == 4
    assert session.run_samples({"x": x}, 10)[0].ravel().tolist() == (2 * x).ravel().tolist()


def test_an_output_without_batch_axis_gets_one():
    graph = "m (float[1,2] x) => (float[2] y) { s = Constant<value_ints = [2]>() y = Reshape(x, s) }"
    session = RuntimeSession(_model(graph))

    assert session.run_samples({"x": np.arange(6, dtype=np.float32).reshape(3, 2)}, 3)[0].shape == (3, 2)


def test_inputs_of_another_name_are_taken_in_order(doubling: bytes):
    assert RuntimeSession(doubling).run_samples({"image": np.ones((1, 2), np.float32)}, 1)[0].tolist() == [[2, 2]]


def test_another_number_of_inputs_is_refused(doubling: bytes):
    feeds = {name: np.ones((1, 2), np.float32) for name in ("x", "z")}

    with pytest.raises(RunError, match="takes 1 inputs, the samples have 2"):
        RuntimeSession(doubling).run_samples(feeds, 1)


def test_a_run_that_would_not_end_stops_when_cancelled():
    # Ten milliseconds a turn, a million turns: only a cancel ends it within the test's time.
    body = """
        m (int64 n, bool go, float[200,200] a) => (float[200,200] b) {
          b = Loop(n, go, a) <body = g (int64 i, bool c, float[200,200] s) => (bool d, float[200,200] t) {
            d = Identity(c)  r = MatMul(s, s)  t = Tanh(r) }>
        }"""
    feeds = {"n": np.array(1_000_000), "go": np.array(True), "a": np.ones((200, 200), np.float32)}
    session, ctx = RuntimeSession(_model(body)), JobContext()
    timer = threading.Timer(0.05, ctx.cancel)
    timer.start()

    with pytest.raises(Cancelled):
        session.run(feeds, ctx)

    timer.join()
