"""Criteria that look at a channel's values on samples, calculated by hand."""

from collections.abc import Callable

import numpy as np
import pytest

from workbench.engine.compress.activations.calibration import CalibrationSet
from workbench.engine.compress.structure.criteria.activation_magnitude import ACTIVATION_MAGNITUDE
from workbench.engine.compress.structure.criteria.apoz import APOZ
from workbench.engine.compress.structure.criteria.l1 import L1
from workbench.engine.compress.structure.criterion import Criterion, SampleFindings
from workbench.engine.compress.structure.importance import UnitScores, unit_scores
from workbench.engine.compress.structure.sample_findings import find_in_samples
from workbench.engine.core.errors import DataError
from workbench.engine.graph.channels.flow import Flow
from workbench.engine.graph.channels.unit_groups import unit_groups
from workbench.jobs import JobContext

_WITH_RELU = "m (float[{batch},1,1,2] x) => (float[{batch},1,1,2] y) {{ c = Conv(x, w) r = Relu(c) y = Conv(r, v) }}"
_WITHOUT = "m (float[N,1,1,2] x) => (float[N,1,1,2] y) { c = Conv(x, w) y = Conv(c, v) }"
# Channels x, −x and 2x of four values 1, −2, 3, 4.
_WEIGHTS = {"w": np.array([1, -1, 2]).reshape(3, 1, 1, 1), "v": np.ones((1, 3, 1, 1))}
_X = np.array([[1, -2], [3, 4]]).reshape(2, 1, 1, 2)


def _scores(criterion: Criterion, flow: Flow, samples: CalibrationSet) -> UnitScores:
    groups = unit_groups(flow)
    return unit_scores(criterion, groups[0], flow, find_in_samples(criterion, groups, flow, samples, JobContext()))


@pytest.mark.parametrize("batch", ["N", "2", "1"])
@pytest.mark.parametrize("opset", [13, 18])
def test_magnitudes_are_means_over_samples_after_the_relu(
    make_flow: Callable[..., Flow], make_samples: Callable[..., CalibrationSet], batch: str, opset: int
):
    flow = make_flow(_WITH_RELU.format(batch=batch), opset, **_WEIGHTS)

    # After the Relu 1, 0, 3, 4; 0, 2, 0, 0; 2, 0, 6, 8: sums 8, 2 and 16 of mean 26/3.
    found = _scores(ACTIVATION_MAGNITUDE, flow, make_samples(_X))

    assert found.values.tolist() == pytest.approx([24 / 26, 6 / 26, 48 / 26])


def test_magnitudes_count_negative_values_too(
    make_flow: Callable[..., Flow], make_samples: Callable[..., CalibrationSet]
):
    found = _scores(ACTIVATION_MAGNITUDE, make_flow(_WITHOUT, **_WEIGHTS), make_samples(_X))

    assert found.values.tolist() == pytest.approx([0.75, 0.75, 1.5])


def test_apoz_counts_what_is_not_zero(make_flow: Callable[..., Flow], make_samples: Callable[..., CalibrationSet]):
    # Three, one and three of four values are not zero: of mean 7/12.
    found = _scores(APOZ, make_flow(_WITH_RELU.format(batch="N"), **_WEIGHTS), make_samples(_X))

    assert found.values.tolist() == pytest.approx([9 / 7, 3 / 7, 9 / 7])
    assert found.reason == ""


def test_apoz_without_any_zero_takes_magnitudes_and_says_so(
    make_flow: Callable[..., Flow], make_samples: Callable[..., CalibrationSet]
):
    found = _scores(APOZ, make_flow(_WITHOUT, **_WEIGHTS), make_samples(_X))

    assert found.values.tolist() == pytest.approx([0.75, 0.75, 1.5])
    assert found.reason.endswith("is ever zero on the samples: activation_magnitude instead")


def test_a_layer_of_one_channel_has_one_score(
    make_flow: Callable[..., Flow], make_samples: Callable[..., CalibrationSet]
):
    flow = make_flow(
        "m (float[N,2] x) => (float[N,1] y) { h = Gemm<transB=1>(x, w) y = Gemm(h, v) }", w=[[1, 1]], v=[[1]]
    )

    found = _scores(ACTIVATION_MAGNITUDE, flow, make_samples(np.array([[1, 2], [3, 4], [5, 6]])))

    assert found.values.tolist() == [1.0]


def test_samples_are_asked_for_where_they_are_needed(make_flow: Callable[..., Flow]):
    flow = make_flow(_WITHOUT, **_WEIGHTS)

    with pytest.raises(DataError, match="criterion apoz needs samples"):
        find_in_samples(APOZ, unit_groups(flow), flow, None, JobContext())
    assert find_in_samples(L1, unit_groups(flow), flow, None, JobContext(), seed=3) == SampleFindings(seed=3)
