"""What the store keeps, what it makes again, and that threads may share it."""

import threading
from collections.abc import Callable

import numpy as np
import pytest

from workbench.engine.data.sample_store import Make, SampleStore


def _nothing() -> None:
    """Never asks to stop."""


def _make(asked: list[int] | None = None) -> Make:
    """Each sample holds its own index."""

    def make(indices: np.ndarray, rows: np.ndarray, checkpoint: Callable[[], None]) -> None:
        for place, index in enumerate(indices):
            checkpoint()
            rows[place] = index
            if asked is not None:
                asked.append(int(index))

    return make


def test_samples_beyond_the_limit_are_made_again():
    asked: list[int] = []
    store = SampleStore(_make(asked), 5, (2, 2, 1), np.uint8, max_bytes=8)

    for _ in range(2):
        assert store.rows(np.arange(5), _nothing)[:, 0, 0, 0].tolist() == [0, 1, 2, 3, 4]

    assert sorted(asked) == [0, 1, 2, 2, 3, 3, 4, 4]


def test_samples_asked_for_again_in_the_same_order_are_not_copied():
    store = SampleStore(_make(), 9, (1,), np.float32, max_bytes=1000)
    order = np.array([7, 2, 5, 0, 8])
    first = store.rows(order, _nothing)

    again = store.rows(order[1:4], _nothing)

    assert np.shares_memory(first, again)
    assert again.ravel().tolist() == [2, 5, 0]


def test_what_is_given_out_cannot_be_changed_by_the_one_who_got_it():
    store = SampleStore(_make(), 3, (1,), np.float32, max_bytes=1000)

    with pytest.raises(ValueError, match="read-only"):
        store.rows(np.arange(3), _nothing)[0] = 9


def test_samples_in_another_order_and_repeated_ones_are_right():
    store = SampleStore(_make(), 9, (1,), np.int64, max_bytes=4 * 8)
    store.rows(np.array([6, 1]), _nothing)

    assert store.rows(np.array([1, 6, 6, 4, 3, 4, 8]), _nothing).ravel().tolist() == [1, 6, 6, 4, 3, 4, 8]


def test_a_stop_in_the_middle_loses_no_room():
    asked: list[int] = []
    store = SampleStore(_make(asked), 4, (1,), np.uint8, max_bytes=4)

    def stop_at_the_third() -> None:
        if len(asked) == 2:
            raise InterruptedError

    with pytest.raises(InterruptedError):
        store.rows(np.arange(4), stop_at_the_third)
    store.rows(np.arange(4), _nothing)
    asked.clear()

    assert store.rows(np.arange(4), _nothing).ravel().tolist() == [0, 1, 2, 3]
    assert asked == []


def test_threads_may_ask_for_the_same_samples():
    store = SampleStore(_make(), 200, (1, 1, 1), np.uint8, max_bytes=1000)
    orders = [np.random.default_rng(seed).permutation(200) for seed in range(4)]
    found: dict[int, list[int]] = {}

    def ask(number: int) -> None:
        for part in np.array_split(orders[number], 20):
            found[number] = found.get(number, []) + store.rows(part, _nothing).ravel().tolist()

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert [found[number] for number in range(4)] == [order.tolist() for order in orders]
