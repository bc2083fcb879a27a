"""Accuracies of different samples beside one another."""

import pytest

from workbench.engine.core.measurement import Figure, Origin
from workbench.gui.like_for_like import Comparison, like_for_like


def measured(value: float, n: int, low: float | None = None, high: float | None = None) -> Figure:
    return Figure(value, "fraction", Origin.MEASURED, low, high, n)


WHOLE = measured(0.80, 5000)


def test_of_the_same_samples_an_accuracy_stands_as_it_was_measured():
    accuracy = measured(0.79, 5000, 0.77, 0.81)

    assert like_for_like(accuracy, WHOLE, reference=WHOLE) == Comparison(accuracy)


def test_of_fewer_samples_it_stands_at_its_difference_to_the_original_there():
    # 82 % on a thousand samples where the original has 84 % is worse than the original, not better.
    easy, difference = measured(0.84, 1000), measured(-0.02, 1000, -0.03, -0.01)

    found = like_for_like(measured(0.82, 1000, 0.80, 0.84), WHOLE, reference=easy, difference=difference)

    assert found is not None
    assert found.is_apart
    assert (found.figure.value, found.figure.low, found.figure.high) == pytest.approx((0.78, 0.77, 0.79))
    assert found.figure.n == 1000


def test_what_was_not_paired_keeps_its_own_interval():
    found = like_for_like(measured(0.82, 1000, 0.80, 0.84), WHOLE, reference=measured(0.84, 1000))

    assert found is not None
    assert (found.figure.value, found.figure.low, found.figure.high) == pytest.approx((0.78, 0.76, 0.80))


def test_as_many_samples_that_the_original_answers_otherwise_are_others():
    found = like_for_like(measured(0.82, 5000), WHOLE, reference=measured(0.84, 5000))

    assert found is not None
    assert found.is_apart
    assert found.figure.value == pytest.approx(0.78)


def test_without_the_original_on_the_same_samples_nothing_can_be_compared():
    assert like_for_like(measured(0.82, 1000), WHOLE) is None
