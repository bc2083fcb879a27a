"""Intervals against published worked examples and tables."""

import math

import pytest

from workbench.engine.evaluate.intervals import (
    mean_interval,
    paired_difference_interval,
    student_t95,
    wilson_interval,
)


@pytest.mark.parametrize(
    ("successes", "count", "low", "high"),
    [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0, 0.1611), (1, 29, 0.0061, 0.1718)],
)
def test_wilson_intervals_are_those_of_newcombe_1998_table_1(successes: int, count: int, low: float, high: float):
    assert wilson_interval(successes, count) == pytest.approx((low, high), abs=5e-5)


def test_wilson_limits_solve_the_score_equation():
    # The definition: the distance from the limit is z standard errors, taken at the limit itself.
    for limit in wilson_interval(7, 40):
        assert abs(7 / 40 - limit) == pytest.approx(1.959964 * math.sqrt(limit * (1 - limit) / 40), rel=1e-6)


@pytest.mark.parametrize(
    ("cells", "low", "high"),
    [
        # Newcombe 1998, Stat. Med. 17:2635, table II, method 10.
        ((36, 12, 2, 0), 0.0569, 0.3404),
        ((0, 12, 2, 36), 0.0569, 0.3404),
        # Fagerland, Lydersen & Laake 2014 (Stat. Med. 33:2850), airway hyper-responsiveness.
        ((1, 1, 7, 12), -0.507, -0.026),
    ],
    ids=["published", "successes and failures swapped", "airway"],
)
def test_paired_intervals_are_the_published_ones(cells: tuple[int, int, int, int], low: float, high: float):
    assert paired_difference_interval(*cells) == pytest.approx((low, high), abs=5e-4)


def test_swapping_the_models_mirrors_the_interval():
    low, high = paired_difference_interval(60, 9, 4, 27)

    assert paired_difference_interval(60, 4, 9, 27) == pytest.approx((-high, -low))


def test_no_changed_sample_still_leaves_an_interval():
    low, high = paired_difference_interval(50, 0, 0, 50)

    assert low < 0 < high
    assert low == pytest.approx(-high)


@pytest.mark.parametrize(
    ("degrees", "published"),
    [
        (1, 12.706),
        (2, 4.303),
        (3, 3.182),
        (4, 2.776),
        (5, 2.571),
        (10, 2.228),
        (29, 2.045),
        (120, 1.980),
        (1000, 1.962),
    ],
)
def test_student_t_is_that_of_printed_tables(degrees: int, published: float):
    assert student_t95(degrees) == pytest.approx(published, abs=5.1e-4)


def test_the_closed_form_and_the_expansion_meet():
    assert student_t95(201) == pytest.approx(student_t95(200), abs=2e-4)
    assert student_t95(201) < student_t95(200)


def test_mean_interval_uses_student_t():
    # 1…5: mean 3, variance 2.5, t(4) = 2.7764: half width 2.7764 · √0.5 = 1.9632.
    assert mean_interval(3.0, 2.5, 5) == pytest.approx((1.0368, 4.9632), abs=1e-4)


def test_one_sample_has_no_interval_of_its_mean():
    assert mean_interval(3.0, 0.0, 1) == (None, None)
