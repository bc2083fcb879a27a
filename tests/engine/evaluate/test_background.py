"""What is counted where the original finds something, by hand."""

import numpy as np
import pytest

from workbench.engine.evaluate.background import FoundPositions

# Two samples of ten anchors: the first finds two things, the second four.
_ORIGINAL = np.array([[0, 0, 1, 0, 0, 2, 0, 0, 0, 0], [1, 1, 1, 1, 0, 0, 0, 0, 0, 0]], np.int32)


def _counted(original: np.ndarray, answers: np.ndarray) -> FoundPositions:
    counts = FoundPositions()
    counts.add(original, answers)
    return counts


def test_a_model_that_finds_nothing_agrees_nowhere_that_counts():
    counts = _counted(_ORIGINAL, np.zeros_like(_ORIGINAL))

    assert counts.background == 0
    assert (counts.figure().value, counts.figure().n) == (0.0, 2)


def test_it_is_the_mean_over_samples():
    answers = _ORIGINAL.copy()
    answers[0, 5] = 1  # one of two is another class
    answers[1, 0] = 0  # one of four is lost
    answers[1, 9] = 1  # what the original does not find is in the other figure

    assert _counted(_ORIGINAL, answers).figure().value == pytest.approx((1 / 2 + 3 / 4) / 2)


def test_samples_of_which_the_original_finds_nothing_do_not_count():
    original = np.concatenate([_ORIGINAL, np.zeros((3, 10), np.int32)])

    assert _counted(original, original).figure().n == 2


def test_without_a_class_of_more_than_half_there_is_no_background():
    counts = _counted(np.array([[0, 0, 1, 2]], np.int32), np.zeros((1, 4), np.int32))

    assert (counts.background, counts.figure()) == (None, None)


def test_the_background_is_that_of_all_samples_whatever_the_first_ones_hold():
    first = np.array([[3, 3, 3, 1]], np.int32)
    later = np.zeros((4, 4), np.int32)
    later[:, 0] = 1
    counts = FoundPositions()

    counts.add(first, np.full_like(first, 3))
    early = counts.background, counts.figure().value
    counts.add(later, np.zeros_like(later))

    assert early == (3, 0.0)
    # Of the first sample three of four positions are the same, of the others none that is no background.
    assert (counts.background, counts.figure().value) == (0, pytest.approx(0.75 / 5))
