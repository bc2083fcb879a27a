"""Criteria that look at weights alone, calculated by hand."""

from collections.abc import Callable

import numpy as np
import pytest

from workbench.engine.compress.structure.criteria.batch_norm_scale import BATCH_NORM_SCALE
from workbench.engine.compress.structure.criteria.geometric_median import GEOMETRIC_MEDIAN, sum_of_distances
from workbench.engine.compress.structure.criteria.l1 import L1
from workbench.engine.compress.structure.criteria.l2 import L2
from workbench.engine.compress.structure.criteria.random_order import RANDOM
from workbench.engine.compress.structure.criterion import Criterion, SampleFindings
from workbench.engine.compress.structure.importance import unit_scores
from workbench.engine.graph.channels.flow import Flow
from workbench.engine.graph.channels.unit_groups import unit_groups

_NET = "m (float[N,2,4,4] x) => (float[N,2,4,4] y) { c = Conv(x, w) %s y = Conv(%s, v) }"
_NORM = _NET % ("n = BatchNormalization(c, g, b, m, s)", "n")
_PLAIN = _NET % ("r = Relu(c)", "r")
# Three filters (0, 0), (3, −4) and (6, −8): norms 0, 5 and 10; sums 0, 7 and 14.
_FILTERS = np.array([[0, 0], [3, -4], [6, -8]]).reshape(3, 2, 1, 1)
_READER = np.ones((2, 3, 1, 1))


def _scores(criterion: Criterion, flow: Flow, **findings: object) -> list[float]:
    group = unit_groups(flow)[0]
    return unit_scores(criterion, group, flow, SampleFindings(**findings)).values.tolist()  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("criterion", "expected"),
    # Distances: 5 + 10, 5 + 5, 10 + 5, of mean 40/3.
    [(L1, [0, 1, 2]), (L2, [0, 1, 2]), (GEOMETRIC_MEDIAN, [9 / 8, 6 / 8, 9 / 8])],
    ids=["l1", "l2", "geometric median"],
)
def test_filters_are_judged_by_their_weights(
    make_flow: Callable[..., Flow], criterion: Criterion, expected: list[float]
):
    flow = make_flow(_PLAIN, w=_FILTERS, v=_READER)

    assert _scores(criterion, flow) == pytest.approx(expected)


def test_l1_and_l2_rank_differently(make_flow: Callable[..., Flow]):
    # (3, 3): sum 6, norm 4.24. (5, 0): sum 5, norm 5.
    flow = make_flow(_PLAIN, w=np.array([[3, 3], [5, 0], [0, 0]]).reshape(3, 2, 1, 1), v=_READER)

    assert np.argmax(_scores(L1, flow)) == 0
    assert np.argmax(_scores(L2, flow)) == 1


def test_distances_of_filters_far_from_zero_keep_their_digits():
    rows = np.array([[1e6, 0.0], [1e6, 3.0], [1e6 + 4, 0.0]])

    # 3 + 4, 3 + 5, 4 + 5.
    assert sum_of_distances(rows).tolist() == pytest.approx([7, 8, 9], abs=1e-9)


def test_a_scale_is_judged_by_its_magnitude(make_flow: Callable[..., Flow]):
    flow = make_flow(_NORM, w=_FILTERS, v=_READER, g=[-4, 1, 1], b=[0, 0, 0], m=[0, 0, 0], s=[1, 1, 1])

    assert _scores(BATCH_NORM_SCALE, flow) == [2.0, 0.5, 0.5]


def test_without_a_normalization_the_filters_are_judged_and_it_is_said(make_flow: Callable[..., Flow]):
    flow = make_flow(_PLAIN, w=_FILTERS, v=_READER)

    found = unit_scores(BATCH_NORM_SCALE, unit_groups(flow)[0], flow)

    assert found.values.tolist() == [0, 1, 2]
    assert found.reason == (
        "no normalization scales these channels (it may have been folded into the weights): l1 instead"
    )


def test_chance_is_the_same_for_the_same_seed(make_flow: Callable[..., Flow]):
    flow = make_flow(_PLAIN, w=_FILTERS, v=_READER)

    assert _scores(RANDOM, flow, seed=1) == _scores(RANDOM, flow, seed=1)
    assert _scores(RANDOM, flow, seed=1) != _scores(RANDOM, flow, seed=2)
