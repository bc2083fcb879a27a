"""Whole numbers of units that meet a ratio of the channels, in steps and above a least."""

import pytest

from workbench.engine.compress.structure.spreading.target import GroupSize, Spread, least_kept, whole_numbers
from workbench.engine.compress.structure.spreading.uniform import spread_uniformly


def _size(units: int, channels: int | None = None, **more: int) -> GroupSize:
    return GroupSize(units, channels or units, **more)


def test_each_group_loses_the_same_share():
    assert spread_uniformly([_size(10), _size(20)], 0.3) == Spread((7, 14), 0.3)


def test_what_does_not_divide_is_made_up_by_another_group():
    # Half of 5 and 5 is 2.5 each: one keeps 2, the other 3.
    assert spread_uniformly([_size(5), _size(5)], 0.5) == Spread((2, 3), 0.5)


def test_a_ratio_counts_the_channels_of_all_layers():
    # The second group has three layers: a unit less there removes 3 of 16 channels, 2 and 2 remove 2 + 6.
    assert spread_uniformly([_size(4), _size(4, 12)], 0.5) == Spread((2, 2), 0.5)


def test_a_step_that_a_later_one_makes_needless_is_taken_back():
    # 6 of 16 channels go by what is wanted. One more of the first group is not enough, one of the second is.
    assert whole_numbers([_size(4), _size(4, 12)], [4, 2], 0.5) == Spread((4, 1), 9 / 16)


@pytest.mark.parametrize(
    ("size", "kept"),
    [
        (_size(20, multiple_of=8), 8),
        # With 4 that always stay, 16 stay where 12 do, and 8 where 4 do.
        (_size(20, num_fixed=4, multiple_of=8), 4),
        (_size(6, multiple_of=8), 6),
    ],
    ids=["below", "with those that always stay", "no multiple fits"],
)
def test_what_stays_is_a_multiple(size: GroupSize, kept: int):
    assert spread_uniformly([size], 0.5).kept == (kept,)


def test_of_two_groups_one_step_is_enough_to_meet_the_ratio():
    # 10 of 20 wanted of each: 16 and 16 are too many, 8 and 16 remove 16 of 40, and so 8 and 8 are taken.
    sizes = [_size(20, multiple_of=8), _size(20, multiple_of=8)]

    assert spread_uniformly(sizes, 0.4) == Spread((8, 16), 0.4)
    assert spread_uniformly(sizes, 0.5) == Spread((8, 8), 0.6)


@pytest.mark.parametrize(
    ("units", "ratio", "least"), [(20, 0.5, 2), (20, 0.95, 1), (5, 0.5, 1), (20, 0.0, 2), (0, 0.5, 0), (100, 0.97, 3)]
)
def test_a_tenth_stays_unless_the_ratio_asks_for_more(units: int, ratio: float, least: int):
    assert least_kept(_size(units), ratio) == least


def test_a_ratio_that_cannot_be_met_is_met_as_far_as_can_be():
    assert spread_uniformly([_size(4), _size(4)], 1.0) == Spread((1, 1), 0.75)


def test_nothing_is_removed_of_nothing():
    assert spread_uniformly([], 0.5) == Spread((), 0.0)
    assert spread_uniformly([_size(7)], 0.0) == Spread((7,), 0.0)
