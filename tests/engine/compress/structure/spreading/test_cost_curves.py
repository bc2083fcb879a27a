"""Units go where the next one costs least."""

import numpy as np
import pytest

from workbench.engine.compress.structure.spreading.cost_curves import CostCurve, spread_by_cost
from workbench.engine.compress.structure.spreading.target import GroupSize, Spread

_STEADY = CostCurve(np.array([1.0]), np.array([1.0]))
_FREE_TO_HALF = CostCurve(np.array([0.5, 1.0]), np.array([0.0, 4.0]))
_FOUR = GroupSize(4, 4)


def test_a_unit_costs_what_the_curve_rises():
    assert _STEADY.unit_costs(4).tolist() == [0.25] * 4
    assert _FREE_TO_HALF.unit_costs(4).tolist() == [2, 2, 0, 0]


def test_a_step_is_crossed_as_a_whole():
    # 1 for the first quarter and nothing more: a straight line from 0 to 1 lies below.
    assert CostCurve(np.array([0.25, 1.0]), np.array([1.0, 1.0])).unit_costs(4).tolist() == [0.25] * 4


def test_a_measurement_below_zero_costs_nothing():
    assert CostCurve(np.array([0.5, 1.0]), np.array([-1.0, 1.0])).unit_costs(2).tolist() == [1, 0]


@pytest.mark.parametrize(
    ("ratio", "kept"), [(0.25, (4, 2)), (0.5, (2, 2)), (0.75, (1, 1))], ids=["free ones", "cheap ones", "all but one"]
)
def test_cheap_units_go_first(ratio: float, kept: tuple[int, int]):
    assert spread_by_cost([_FOUR, _FOUR], [_STEADY, _FREE_TO_HALF], ratio) == Spread(kept, ratio)


def test_a_unit_of_many_channels_is_cheap_for_each():
    # 0.25 a unit both, but of one channel here and of three there: a quarter of 16 channels is two such units.
    assert spread_by_cost([_FOUR, GroupSize(4, 12)], [_STEADY, _STEADY], 0.25) == Spread((4, 2), 0.375)
