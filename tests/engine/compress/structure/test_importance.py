"""Scores of channels become scores of units, which compare across members."""

from collections.abc import Callable

import numpy as np
import pytest

from workbench.engine.compress.structure.criterion import Criterion, Judgement, MemberScores, Needs
from workbench.engine.compress.structure.importance import unit_scores
from workbench.engine.core.errors import ModelError
from workbench.engine.graph.channels.flow import Flow
from workbench.engine.graph.channels.unit_groups import UnitGroup

_GROUP = UnitGroup(("y",), np.array([7, 3]), np.zeros(2, np.int64), 0, (), has_heads=False, reason="")


@pytest.fixture
def flow(make_flow: Callable[..., Flow]) -> Flow:
    return make_flow("m (float[N,1] x) => (float[N,1] y) { y = Relu(x) }")


def _saying(*members: tuple[list[float], list[int]], is_comparable: bool = False) -> Criterion:
    said = [MemberScores(np.array(scores, np.float64), np.array(units)) for scores, units in members]
    return Criterion("said", "", Needs.WEIGHTS, lambda _: Judgement(said, is_comparable=is_comparable))


def test_channels_of_a_unit_are_summed_and_the_mean_is_one(flow: Flow):
    # Unit 7 has channels of 1 and 2, unit 3 one of 9; the channel of 100 always stays. Their mean is 6.
    found = unit_scores(_saying(([1, 9, 2, 100], [7, 3, 7, 0])), _GROUP, flow)

    assert found.values.tolist() == [0.5, 1.5]


def test_a_member_of_large_weights_counts_no_more_than_the_others(flow: Flow):
    found = unit_scores(_saying(([100, 300], [7, 3]), ([3, 1], [7, 3])), _GROUP, flow)

    assert found.values.tolist() == [1.0, 1.0]


def test_a_unit_that_occurs_in_one_member_has_the_score_it_has_there(flow: Flow):
    found = unit_scores(_saying(([1, 3], [7, 3]), ([5], [3])), _GROUP, flow)

    # 7: 0.5 in the first. 3: 1.5 in the first and 1 in the second, where it is alone.
    assert found.values.tolist() == [0.5, 1.25]


def test_scores_that_compare_are_left_as_they_are(flow: Flow):
    assert unit_scores(_saying(([4, 6], [7, 3]), is_comparable=True), _GROUP, flow).values.tolist() == [4.0, 6.0]


def test_members_without_any_weight_are_all_alike(flow: Flow):
    assert unit_scores(_saying(([0, 0], [7, 3])), _GROUP, flow).values.tolist() == [0.0, 0.0]


def test_what_is_no_number_is_refused(flow: Flow):
    with pytest.raises(ModelError, match="said of y is no finite number"):
        unit_scores(_saying(([np.nan, 1], [7, 3])), _GROUP, flow)


def test_a_criterion_that_needs_samples_says_so(flow: Flow):
    with pytest.raises(ModelError, match="says nothing of y: it needs weights"):
        unit_scores(_saying(), _GROUP, flow)
