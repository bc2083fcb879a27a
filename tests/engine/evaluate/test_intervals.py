"""Intervals against published worked examples."""

import pytest

from workbench.engine.evaluate.intervals import mean_interval, paired_difference_interval, wilson_interval


@pytest.mark.parametrize(
    ("successes", "count", "low", "high"),
    [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0, 0.1611), (1, 29, 0.0061, 0.1718)],
)
def test_wilson_intervals_are_those_of_newcombe_1998_table_1(successes: int, count: int, low: float, high: float):
    assert wilson_interval(successes, count) == pytest.approx((low, high), abs=5e-5)


@pytest.mark.parametrize(
    ("cells", "low", "high"),
    [((36, 12, 2, 0), 0.0569, 0.3404), ((0, 12, 2, 36), 0.0569, 0.3404)],
    ids=["published", "successes and failures swapped"],
)
def test_paired_intervals_are_those_of_newcombe_1998_table_2(cells: tuple[int, ...], low: float, high: float):
    assert paired_difference_interval(*cells) == pytest.approx((low, high), abs=5e-3)


def test_no_changed_sample_still_leaves_an_interval():
    low, high = paired_difference_interval(50, 0, 0, 50)

    assert low < 0 < high
    assert low == pytest.approx(-high)


def test_mean_interval_uses_student_t():
    # 1…5: mean 3, s = 1.5811, t(4) = 2.7764: half width 1.9632.
    assert mean_interval(15, 55, 5) == pytest.approx((1.0368, 4.9632), abs=0.01)
