"""Which units stay: examples reckoned by hand, and the solver against trying all subsets."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from workbench.engine.compress.structure.selection import required, select_kept

_UNITS = np.arange(1, 7)
_SCORES = np.array([0.6, 0.1, 0.5, 0.4, 0.3, 0.2])


def _kept(*args, **options) -> list[int]:
    units = args[0] if args else _UNITS
    return units[select_kept(*args, **options)].tolist()


def test_the_highest_scores_stay():
    assert _kept(_UNITS, _SCORES, 3) == [1, 3, 4]


def test_of_equal_scores_the_earlier_stays():
    assert _kept(_UNITS, np.array([0.0, 1, 1, 1, 1, 0]), 2) == [2, 3]


@pytest.mark.parametrize(("num_kept", "expected"), [(6, [1, 2, 3, 4, 5, 6]), (0, [])], ids=["all", "none"])
def test_all_or_nothing_can_be_asked_for(num_kept: int, expected: list[int]):
    assert _kept(_UNITS, _SCORES, num_kept) == expected


def test_each_block_keeps_its_best():
    blocks = np.array([[1, 2, 3], [4, 5, 6]])

    assert _kept(_UNITS, _SCORES, 4, [blocks]) == [1, 3, 4, 5]


@pytest.mark.parametrize(("num_kept", "each"), [(1, 1), (3, 2), (5, 2), (0, 1)])
def test_blocks_keep_the_nearest_number_that_can_be_shared_out_and_one_at_least(num_kept: int, each: int):
    blocks = np.array([[1, 2, 3], [4, 5, 6]])

    kept = _kept(_UNITS, _SCORES, num_kept, [blocks])

    assert [len(set(kept) & set(block)) for block in blocks.tolist()] == [each, each]


def test_the_best_of_what_would_vanish_stays_too():
    assert _kept(_UNITS, _SCORES, 2, needed=[np.array([2, 6])]) == [1, 3, 6]


def test_what_would_vanish_across_blocks_keeps_its_better_one():
    # A block keeps 2 for 0.9 or 1 for 0.1, the other 4 for 0.8 or 3 for 0.2; of 1 and 3 one has to stay.
    blocks = np.array([[1, 2], [3, 4]])

    kept = _kept(np.arange(1, 5), np.array([0.1, 0.9, 0.2, 0.8]), 2, [blocks], [np.array([1, 3])])

    assert kept == [2, 3]


def test_what_is_needed_is_no_more_than_one():
    assert _kept(_UNITS, _SCORES, 2, needed=[np.array([1, 2]), np.array([3, 5])]) == [1, 3]


def test_what_is_required_is_the_best_of_each_set_whatever_the_number():
    # 3 is the best of the second set, and stands for the third as well.
    found = required(_UNITS, _SCORES, [np.array([2, 6]), np.array([3, 5]), np.array([3, 4])])

    assert _UNITS[found].tolist() == [3, 6]


def test_what_is_needed_of_other_groups_is_their_business():
    assert _kept(_UNITS, _SCORES, 1, needed=[np.array([99])]) == [1]


def test_two_ways_of_dividing_are_kept_both():
    # Rows and columns of a square: of each two units diagonally opposite, the better pair.
    rows = np.array([[1, 2], [3, 4]])
    columns = np.array([[1, 3], [2, 4]])

    assert _kept(np.arange(1, 5), np.array([0.9, 0.5, 0.3, 0.0]), 2, [rows, columns]) == [1, 4]
    assert _kept(np.arange(1, 5), np.array([0.9, 0.7, 0.3, 0.0]), 2, [rows, columns]) == [2, 3]


def test_channels_that_stay_in_one_block_count_there():
    # The first block holds two that always stay, so that the second keeps two as well.
    blocks = np.array([[0, 0, 1], [2, 3, 4]])

    assert _kept(np.arange(1, 5), np.array([0.1, 0.2, 0.3, 0.4]), 1, [blocks]) == [3, 4]


def test_a_unit_that_lies_in_both_blocks_counts_in_both():
    blocks = np.array([[1, 2], [1, 3]])

    assert _kept(np.arange(1, 4), np.array([0.1, 0.9, 0.8]), 2, [blocks]) == [2, 3]
    assert _kept(np.arange(1, 4), np.array([0.1, 0.9, 0.8]), 1, [blocks]) == [1]


def test_where_blocks_cannot_be_equal_unless_all_stay_all_stay():
    # Three that always stay in the first block: the second has to keep its three.
    blocks = np.array([[0, 0, 0], [1, 2, 3]])

    assert _kept(np.arange(1, 4), np.array([0.1, 0.2, 0.3]), 1, [blocks]) == [1, 2, 3]


def test_scores_that_differ_by_a_millionth_are_told_apart():
    rows, columns = np.array([[1, 2], [3, 4]]), np.array([[1, 3], [2, 4]])
    scores = np.array([0.5, 0.5 + 1e-5, 0.5, 0.5])

    assert _kept(np.arange(1, 5), scores, 2, [rows, columns]) == [2, 3]


def test_scores_of_zero_and_of_any_size_are_allowed():
    rows, columns = np.array([[1, 2], [3, 4]]), np.array([[1, 3], [2, 4]])

    assert len(_kept(np.arange(1, 5), np.zeros(4), 2, [rows, columns])) == 2
    assert _kept(np.arange(1, 5), np.array([1e9, 2, 3, 1e12]), 2, [rows, columns]) == [1, 4]
    assert _kept(np.arange(1, 5), np.array([-1.0, -5, -5, -1]), 2, [rows, columns]) == [1, 4]


def _is_even(kept: set[int], partitions: list[np.ndarray], units: set[int]) -> bool:
    """Every block of a partition keeps equally many, and one at least."""
    for blocks in partitions:
        counts = {sum(unit in kept or unit not in units for unit in block) for block in blocks.tolist()}
        if len(counts) > 1 or counts == {0}:
            return False
    return True


@st.composite
def _problems(draw):
    num_units = draw(st.integers(2, 8))
    units = np.arange(1, num_units + 1)
    # Scores apart by a tenth at least, so that the best subset is rarely one of several.
    scores = np.array(draw(st.lists(st.integers(0, 40), min_size=num_units, max_size=num_units))) / 10
    partitions = []
    for _ in range(draw(st.integers(1, 2))):
        shape = draw(st.sampled_from(((2, 2), (2, 3), (3, 2), (2, 4))))
        entries = draw(st.lists(st.integers(0, num_units), min_size=shape[0] * shape[1], max_size=shape[0] * shape[1]))
        partitions.append(np.array(entries).reshape(shape))
    needed = [
        np.array(sorted(draw(st.sets(st.integers(1, num_units), min_size=1, max_size=3))))
        for _ in range(draw(st.integers(0, 2)))
    ]
    return units, scores, draw(st.integers(1, num_units)), partitions, needed


@settings(max_examples=150, database=None, derandomize=True, deadline=None)
@given(_problems())
def test_the_solver_finds_what_trying_all_subsets_finds(problem):
    units, scores, num_kept, partitions, needed = problem
    every = set(units.tolist())
    allowed = [
        set(subset)
        for count in range(len(units) + 1)
        for subset in itertools.combinations(units.tolist(), count)
        if _is_even(set(subset), partitions, every) and all(set(subset) & set(one.tolist()) for one in needed)
    ]

    kept = set(units[select_kept(units, scores, num_kept, partitions, needed)].tolist())

    is_simple = len(partitions) == 1 and sorted(partitions[0].ravel().tolist()) == units.tolist()
    if is_simple:
        # It keeps the nearest number that can be shared out, which may be more than asked for.
        assert kept in allowed
        return
    if not allowed:
        assert kept == every
        return
    assert kept in allowed
    few_enough = [subset for subset in allowed if len(subset) <= num_kept]
    fewest = min(len(subset) for subset in allowed)
    candidates = few_enough or [subset for subset in allowed if len(subset) == fewest]
    worth = dict(zip(units.tolist(), scores.tolist(), strict=True))
    best = max(sum(worth[unit] for unit in subset) for subset in candidates)
    assert sum(worth[unit] for unit in kept) == pytest.approx(best, abs=0.05)
