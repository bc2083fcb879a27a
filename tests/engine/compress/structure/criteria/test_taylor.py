"""Gradients by gates: by hand on a linear model, and against backpropagation written for one small network."""

from collections.abc import Callable

import numpy as np
import pytest

from workbench.engine.compress.activations.calibration import CalibrationSet
from workbench.engine.compress.structure.criteria.taylor import TAYLOR
from workbench.engine.compress.structure.gate_gradients import gate_gradients
from workbench.engine.compress.structure.importance import unit_scores
from workbench.engine.compress.structure.sample_findings import find_in_samples
from workbench.engine.core.errors import DataError, ModelError
from workbench.engine.graph.channels.flow import Flow
from workbench.engine.graph.channels.unit_groups import unit_groups
from workbench.jobs import JobContext

_LINEAR = "m (float[{batch},1] x) => (float[{batch},2] y) {{ h = Gemm<transB=1>(x, w) y = Gemm<transB=1>(h, v) }}"
# Of x = 1: h = (1, 2), y = (1 + 2, 3 + 0) = (3, 3), so that both classes have probability 1/2.
_LINEAR_WEIGHTS = {"w": [[1], [2]], "v": [[1, 1], [3, 0]]}
_RESIDUAL = """
m (float[N,3,4,4] x) => (float[N,5] y) {
  c1 = Conv(x, w1, b1)
  r1 = Relu(c1)
  c2 = Conv(r1, w2, b2)
  s = Add(c2, r1)
  r2 = Relu(s)
  p = GlobalAveragePool(r2)
  f = Flatten(p)
  y = Gemm<transB = 1>(f, w3, b3)
}
"""


def _gradients(flow: Flow, samples: CalibrationSet) -> np.ndarray:
    """Shape (units, samples), in the order of the first group's units."""
    groups = unit_groups(flow)
    found = gate_gradients(flow, groups, samples, JobContext())
    return np.array([found.by_unit[int(unit)] for unit in groups[0].units])


@pytest.mark.parametrize("batch", ["N", "1", "3"])
def test_the_gradient_of_a_linear_model(
    make_flow: Callable[..., Flow], make_samples: Callable[..., CalibrationSet], batch: str
):
    flow = make_flow(_LINEAR.format(batch=batch), **_LINEAR_WEIGHTS)

    found = _gradients(flow, make_samples(np.ones((1, 1)), [0]))

    # ∂L/∂y = (−1/2, 1/2); ∂y/∂g is h times the column of v: (1, 3) and (2, 0).
    assert found[:, 0].tolist() == pytest.approx([1.0, -1.0], rel=1e-3)


def test_without_labels_it_is_the_root_mean_square_over_what_is_predicted(
    make_flow: Callable[..., Flow], make_samples: Callable[..., CalibrationSet]
):
    weights = _LINEAR_WEIGHTS | {"v": [[1, 1], [3, 0.5]]}
    flow = make_flow(_LINEAR.format(batch="N"), **weights)

    found = _gradients(flow, make_samples(np.ones((1, 1))))

    # y = (3, 4): p of the second is q = 1/(1 + 1/e). ∂ ln p/∂g is (1 − q) d for it and −q d for the other, with
    # d = 3 − 1 = 2 and 1 − 2 = −1 the difference of ∂y/∂g; the mean square is q (1 − q) d².
    q = 1 / (1 + np.exp(-1))
    assert found[:, 0].tolist() == pytest.approx([2 * np.sqrt(q * (1 - q)), np.sqrt(q * (1 - q))], rel=1e-3)


def test_outputs_that_are_no_classes_count_by_their_squared_change(
    make_flow: Callable[..., Flow], make_samples: Callable[..., CalibrationSet]
):
    flow = make_flow(
        "m (float[N,1] x) => (float[N,1] y) { h = Gemm<transB=1>(x, w) y = Gemm<transB=1>(h, v) }",
        w=[[1], [2]], v=[[1, 1]],
    )  # fmt: skip

    found = _gradients(flow, make_samples(np.ones((1, 1)), [0]))

    # y = 3; fading the first channel changes it by 1, the second by 2 for each whole of the gate.
    assert found[:, 0].tolist() == pytest.approx([1 / 3, 2 / 3], rel=1e-3)


def test_gradients_agree_with_backpropagation_where_channels_are_added_up(
    make_flow: Callable[..., Flow], make_samples: Callable[..., CalibrationSet]
):
    random = np.random.default_rng(2)
    shapes = {"w1": (6, 3, 1, 1), "b1": (6,), "w2": (6, 6, 1, 1), "b2": (6,), "w3": (5, 6), "b3": (5,)}
    weights = {name: random.normal(size=shape).astype(np.float32) for name, shape in shapes.items()}
    x = random.normal(size=(4, 3, 4, 4)).astype(np.float32)
    labels = [0, 3, 1, 4]
    flow, samples = make_flow(_RESIDUAL, **weights), make_samples(x, labels)

    found = _gradients(flow, samples)

    order = samples.indices
    expected = _backpropagated(weights, x, labels)[:, order]
    assert found.shape == (6, 4)
    np.testing.assert_allclose(found, expected, rtol=0.02, atol=2e-3 * np.abs(expected).max())


def _backpropagated(weights: dict[str, np.ndarray], x: np.ndarray, labels: list[int]) -> np.ndarray:
    """∂L/∂g of gates on r1 and c2 of the residual network together, in float64, shape (channels, samples)."""
    w = {name: np.float64(value).reshape(value.shape[:2]) for name, value in weights.items()}
    r1 = np.maximum(np.einsum("oi,nihw->nohw", w["w1"], x) + w["b1"][:, None, None], 0)
    c2 = np.einsum("oi,nihw->nohw", w["w2"], r1) + w["b2"][:, None, None]
    s = c2 + r1
    y = np.maximum(s, 0).mean(axis=(2, 3)) @ w["w3"].T + w["b3"]
    p = np.exp(y - y.max(axis=1, keepdims=True))
    p /= p.sum(axis=1, keepdims=True)
    p[np.arange(len(labels)), labels] -= 1
    ds = (p @ w["w3"])[:, :, None, None] / (s.shape[2] * s.shape[3]) * (s > 0)
    dr1 = ds + np.einsum("oi,nohw->nihw", w["w2"], ds)
    return ((ds * c2).sum(axis=(2, 3)) + (dr1 * r1).sum(axis=(2, 3))).T


def test_a_channel_that_passes_a_depthwise_convolution_is_faded_once(
    make_flow: Callable[..., Flow], make_samples: Callable[..., CalibrationSet]
):
    flow = make_flow(
        "m (float[N,1,1,1] x) => (float[N,1,1,1] y) { h = Conv(x, w) d = Conv<group=2>(h, k) y = Conv(d, v) }",
        w=np.reshape([1, 2], (2, 1, 1, 1)), k=np.reshape([3, 1], (2, 1, 1, 1)), v=np.ones((1, 2, 1, 1)),
    )  # fmt: skip

    found = _gradients(flow, make_samples(np.ones((1, 1, 1, 1))))

    # y = 1·3 + 2·1.
    assert found[:, 0].tolist() == pytest.approx([3 / 5, 2 / 5], rel=1e-3)


def test_importance_is_the_mean_square_over_samples(
    make_flow: Callable[..., Flow], make_samples: Callable[..., CalibrationSet]
):
    flow = make_flow(_LINEAR.format(batch="N"), **_LINEAR_WEIGHTS)
    samples = make_samples(np.array([[1.0], [0.0]]), [0, 0])

    findings = find_in_samples(TAYLOR, unit_groups(flow), flow, samples, JobContext())
    found = unit_scores(TAYLOR, unit_groups(flow)[0], flow, findings)

    # Of x = 1 the gradients are 1 and −1, of x = 0 there are none.
    assert found.values.tolist() == pytest.approx([0.5, 0.5], rel=2e-3)


def test_a_group_that_cannot_be_gated_is_judged_by_its_weights_and_it_is_said(
    make_flow: Callable[..., Flow], make_samples: Callable[..., CalibrationSet]
):
    # The first axis of h holds both rows of each sample.
    flow = make_flow(
        "m (float[N,2,2] x) => (float[M,2] y) { to = Constant<value = int64[2] {-1, 2}>() a = Reshape(x, to) "
        "h = Gemm(a, w) y = Gemm(h, v) }",
        w=[[3, 0], [4, 15]], v=np.ones((2, 2)),
    )  # fmt: skip
    groups = unit_groups(flow)

    findings = find_in_samples(TAYLOR, groups, flow, make_samples(np.ones((1, 2, 2))), JobContext())
    found = unit_scores(TAYLOR, groups[0], flow, findings)

    assert found.values.tolist() == [0.5, 1.5]
    assert found.reason == "the samples of a batch lie on no axis of their own in h: l2 instead"


def test_nothing_is_told_without_gradients(make_flow: Callable[..., Flow]):
    flow = make_flow(_LINEAR.format(batch="N"), **_LINEAR_WEIGHTS)

    with pytest.raises(ModelError, match="taylor says nothing of h: it needs gradients"):
        unit_scores(TAYLOR, unit_groups(flow)[0], flow)


def test_a_label_that_is_no_class_is_refused(
    make_flow: Callable[..., Flow], make_samples: Callable[..., CalibrationSet]
):
    flow = make_flow(_LINEAR.format(batch="N"), **_LINEAR_WEIGHTS)

    with pytest.raises(DataError, match="sample 0 has label 2, the model 2 classes"):
        gate_gradients(flow, unit_groups(flow), make_samples(np.ones((1, 1)), [2]), JobContext())
