import gc
import threading
import weakref
from collections.abc import Iterator

import pytest

from workbench.gui.garbage import MainThreadGarbage, collect_due


class _Knot:
    """Refers to itself, so that only a collection ends it."""

    def __init__(self, ends_in: list[str]) -> None:
        self.itself = self
        weakref.finalize(self, lambda: ends_in.append(threading.current_thread().name))


def _allocate_elsewhere() -> list[list[int]]:
    """What another thread has made: more objects than the threshold allows. What is freed again counts for nothing."""
    made: list[list[int]] = []
    thread = threading.Thread(target=lambda: made.extend([number] for number in range(5_000)), name="elsewhere")
    thread.start()
    thread.join()
    return made


@pytest.fixture
def automatic() -> Iterator[None]:
    """Collections start by themselves, as they do in a new process, and find nothing that is older than the test."""
    gc.collect()
    gc.enable()
    yield
    gc.disable()


def test_garbage_dies_in_whichever_thread_allocates_unless_that_is_forbidden(automatic):
    ends_in: list[str] = []
    _Knot(ends_in)

    made = _allocate_elsewhere()

    assert made
    assert ends_in == ["elsewhere"]


def test_garbage_dies_on_the_main_thread_though_another_thread_allocates(automatic, qtbot):
    ends_in: list[str] = []
    keeper = MainThreadGarbage()
    _Knot(ends_in)

    made = _allocate_elsewhere()
    assert made
    assert ends_in == []
    qtbot.waitUntil(lambda: bool(ends_in))

    assert ends_in == ["MainThread"]
    keeper.close()
    assert gc.isenabled()


def test_what_is_due_is_collected_and_what_is_not_waits():
    ends_in: list[str] = []
    gc.collect()
    _Knot(ends_in)

    collect_due()
    assert ends_in == []
    kept = [[number] for number in range(5_000)]
    collect_due()

    assert ends_in == ["MainThread"]
    assert len(kept) == 5_000
