import numpy as np
import onnx
import onnxruntime as ort
import pytest

from workbench.engine.graph.batch_norm import fold_batch_norm

_RANDOM = np.random.default_rng(3)
_NORM = {
    "gamma": _RANDOM.uniform(0.5, 2, 6).astype(np.float32),
    "beta": _RANDOM.normal(size=6).astype(np.float32),
    "mean": _RANDOM.normal(size=6).astype(np.float32),
    "variance": _RANDOM.uniform(0.1, 3, 6).astype(np.float32),
}
_CONV = {"w": _RANDOM.normal(size=(6, 4, 3, 3)).astype(np.float32), "b": _RANDOM.normal(size=6).astype(np.float32)}
_TRANSPOSED = {"w": _RANDOM.normal(size=(4, 6, 3, 3)).astype(np.float32)}
_PARAMETERS = "gamma, beta, mean, variance"


def _proto(save_text_model, body: str, weights: dict[str, np.ndarray]) -> onnx.ModelProto:
    path = save_text_model(f"m (float[N,4,8,8] x) => (float[N,6,H,W] y) {{ {body} }}", {**weights, **_NORM})
    return onnx.load(path)


def _output(proto: onnx.ModelProto) -> np.ndarray:
    x = np.random.default_rng(0).normal(size=(2, 4, 8, 8)).astype(np.float32)
    session = ort.InferenceSession(proto.SerializeToString(), providers=["CPUExecutionProvider"])
    return session.run(None, {"x": x})[0]


@pytest.mark.parametrize(
    ("body", "weights"),
    [
        (f"c = Conv(x, w, b) y = BatchNormalization<epsilon: float = 0.01>(c, {_PARAMETERS})", _CONV),
        (f"c = Conv(x, w) y = BatchNormalization(c, {_PARAMETERS})", {"w": _CONV["w"]}),
        (f"c = ConvTranspose(x, w) y = BatchNormalization(c, {_PARAMETERS})", _TRANSPOSED),
    ],
    ids=["with bias", "without bias", "transposed"],
)
def test_folding_keeps_the_function_and_the_output_s_name(save_text_model, body: str, weights):
    proto = _proto(save_text_model, body, weights)
    before = _output(proto)

    count = fold_batch_norm(proto)

    assert count == 1
    assert [node.op_type for node in proto.graph.node] == [body.split(" = ")[1].split("(")[0]]
    np.testing.assert_allclose(_output(proto), before, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(
    "body",
    [
        f"c = Conv(x, w, b) n = BatchNormalization(c, {_PARAMETERS}) y = Add(n, c)",
        f"c = Conv(x, w, b) d = Conv(x, w, b) n = BatchNormalization(c, {_PARAMETERS}) y = Add(n, d)",
    ],
    ids=["output read twice", "weight shared"],
)
def test_what_others_read_is_not_folded(save_text_model, body: str):
    proto = _proto(save_text_model, body, _CONV)
    before = proto.SerializeToString()

    assert fold_batch_norm(proto) == 0
    assert proto.SerializeToString() == before
