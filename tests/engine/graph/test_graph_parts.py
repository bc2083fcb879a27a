"""Parts of a graph compute what the whole computes there."""

import numpy as np
import onnx
import onnxruntime as ort
import pytest

from workbench.engine.graph.graph_parts import GraphParts

_MODEL = """
<ir_version: 8, opset_import: ["" : 13]>
m (float[N,4] x) => (float[N,4] y, float[N,4] z) <float[4,4] w, float[1] two = {2.0}> {
  k = Constant<value = float[1] {3.0}>()
  six = Mul(two, k)
  a = MatMul(x, w)
  b = Relu(a)
  c = Mul(b, six)
  d = Add(c, x)
  y = Tanh(d)
  z = Sub(x, two)
}"""


@pytest.fixture
def proto() -> onnx.ModelProto:
    model = onnx.parser.parse_model(_MODEL)
    weights = np.random.default_rng(0).normal(size=(4, 4)).astype(np.float32)
    model.graph.initializer.append(onnx.numpy_helper.from_array(weights, "w"))
    return model


def _run(model: onnx.ModelProto, **feeds: np.ndarray) -> dict[str, np.ndarray]:
    session = ort.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    return dict(zip([item.name for item in session.get_outputs()], session.run(None, feeds), strict=True))


def test_what_lies_behind_reads_the_tensors_that_cross_the_cut_and_computes_constants_itself(proto: onnx.ModelProto):
    parts = GraphParts(proto)

    part = parts.behind(["b"])

    assert part.reads == ("b", "x")
    # z does not depend on b.
    assert part.gives == ("y",)
    x = np.random.default_rng(1).normal(size=(3, 4)).astype(np.float32)
    b = np.ones((3, 4), np.float32)
    found = _run(parts.model(part, {}), x=x, b=b)["y"]
    np.testing.assert_allclose(found, np.tanh(6 * b + x), rtol=1e-5)


def test_a_row_with_other_weights_is_the_whole_with_these_weights(proto: onnx.ModelProto):
    parts = GraphParts(proto)
    place, after = parts.place_of("a"), parts.place_of("b")

    part = parts.row([place, after], ["b"], {(place, 1): "other"})

    model = parts.model(part, {})
    assert [tensor.name for tensor in model.graph.initializer] == []
    x = np.random.default_rng(1).normal(size=(3, 4)).astype(np.float32)
    other = np.random.default_rng(2).normal(size=(4, 4)).astype(np.float32)
    np.testing.assert_allclose(_run(model, x=x, other=other)["b"], np.maximum(x @ other, 0), rtol=1e-5, atol=1e-6)


def test_nothing_lies_behind_an_output(proto: onnx.ModelProto):
    part = GraphParts(proto).behind(["y"])

    assert (part.nodes, part.gives) == ((), ("y",))


def test_what_a_body_reads_crosses_the_cut_too():
    model = onnx.parser.parse_model("""
        <ir_version: 8, opset_import: ["" : 13]>
        m (float[N] x, bool c) => (float[N] y) {
          a = Abs(x)
          b = Neg(x)
          y = If(c) <then_branch = t () => (float[N] p) { p = Add(a, b) },
                     else_branch = e () => (float[N] q) { q = Identity(b) }>
        }""")  # fmt: skip

    part = GraphParts(model).behind(["a"])

    assert part.reads == ("a", "b", "c")
