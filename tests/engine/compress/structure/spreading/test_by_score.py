"""One threshold for all groups, of scores as they are or as LAMP makes them comparable."""

import numpy as np
import pytest

from workbench.engine.compress.structure.spreading.by_score import spread_by_score
from workbench.engine.compress.structure.spreading.lamp import lamp_scores, spread_by_lamp
from workbench.engine.compress.structure.spreading.target import GroupSize, Spread

_RISING = np.array([1.0, 2.0, 3.0, 4.0])
_FOUR = GroupSize(4, 4)


def test_the_least_of_all_groups_go():
    # 1, 2 and 3 of the first, of which one has to stay, and 10 of the second.
    assert spread_by_score([_FOUR, _FOUR], [_RISING, 10 * _RISING], 0.5) == Spread((1, 3), 0.5)


def test_a_tenth_of_a_weak_group_stays():
    sizes = [GroupSize(20, 20), GroupSize(20, 20)]

    found = spread_by_score(sizes, [np.full(20, 0.001), np.arange(1.0, 21.0)], 0.5)

    assert found == Spread((2, 18), 0.5)


def test_units_of_several_layers_count_with_all_their_channels():
    # Half of 4 + 12 channels: units of three channels each; two are 6, three are 9.
    found = spread_by_score([_FOUR, GroupSize(4, 12)], [10 * _RISING, _RISING], 0.5)

    assert found == Spread((4, 1), 9 / 16)


def test_of_equal_scores_the_later_goes_first():
    assert spread_by_score([_FOUR, _FOUR], [np.ones(4), np.ones(4)], 0.25) == Spread((4, 2), 0.25)


def test_numbers_that_stay_are_multiples():
    sizes = [GroupSize(16, 16, multiple_of=4), GroupSize(16, 16, multiple_of=4)]

    # The threshold alone would take 8 + 8 − 2 = 14 of the first and 2 of the second.
    found = spread_by_score(sizes, [np.arange(16.0), 14 + np.arange(16.0)], 0.5)

    assert found == Spread((4, 12), 0.5)


def test_lamp_is_a_share_of_all_that_is_not_smaller():
    # Squares 1, 4 and 9: 1/14, 4/13 and 9/9, in the order of the units.
    assert lamp_scores(np.array([3.0, 1.0, 2.0])).tolist() == pytest.approx([1, 1 / 14, 4 / 13])


def test_lamp_of_nothing_is_nothing():
    assert lamp_scores(np.zeros(2)).tolist() == [0, 0]


def test_lamp_takes_no_more_of_a_group_because_its_scores_are_small():
    assert spread_by_lamp([_FOUR, _FOUR], [_RISING, 100 * _RISING], 0.5) == Spread((2, 2), 0.5)


def test_lamp_takes_more_where_few_units_hold_most():
    # Squares 1, 1, 1, 100 against four alike: 1/103, 1/102, 1/101 are less than a quarter.
    found = spread_by_lamp([_FOUR, _FOUR], [np.array([1.0, 1.0, 1.0, 10.0]), np.ones(4)], 0.375)

    assert found == Spread((1, 4), 0.375)
