import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot

from workbench.gui.lanes import Engine, LatestLane

_LONG_MS = 20_000


@pytest.fixture
def engine(qtbot: QtBot, monkeypatch: pytest.MonkeyPatch) -> Iterator[Engine]:
    # The child gets this process's sys.path; the small session lies with the worker's tests.
    monkeypatch.syspath_prepend(str(Path(__file__).parents[1] / "worker"))
    engine = Engine("fake_session:FakeSession", cancel_timeout_ms=200)
    yield engine
    engine.close()


def _open(engine: Engine, qtbot: QtBot) -> None:
    done: list[object] = []
    engine.request("quick", "open_model", "net", on_done=done.append)
    engine.request("quick", "open_data", "samples", on_done=done.append)
    qtbot.waitUntil(lambda: done == ["net", "samples"], timeout=_LONG_MS)


def test_of_many_requests_the_first_and_the_last_are_done(engine, qtbot):
    lane = LatestLane(engine, "quick")
    done: list[object] = []

    for number in range(60):
        lane.submit("echo", number, on_done=done.append)
    qtbot.waitUntil(lambda: lane.is_idle, timeout=_LONG_MS)

    assert done == [0, 59]


def test_a_newer_probe_stops_the_one_that_runs(engine, qtbot):
    lane = LatestLane(engine, "probe", cancels=True)
    partial: list[object] = []
    done: list[object] = []
    lane.submit("count_for_ever", on_partial=partial.append, on_done=done.append)
    qtbot.waitUntil(lambda: bool(partial), timeout=_LONG_MS)

    lane.submit("echo", "newer", on_done=done.append)
    qtbot.waitUntil(lambda: done == ["newer"], timeout=_LONG_MS)

    assert lane.is_idle


def test_after_a_kill_the_session_has_its_model_and_samples_again(engine, qtbot):
    _open(engine, qtbot)
    partial: list[object] = []
    stopped: list[str] = []
    engine.request("run", "count_for_ever", on_partial=partial.append, on_stopped=stopped.append)
    qtbot.waitUntil(lambda: bool(partial), timeout=_LONG_MS)

    with qtbot.waitSignal(engine.restarted, timeout=_LONG_MS):
        os.kill(engine.process_id, signal.SIGKILL)
    open_now: list[object] = []
    # Another lane than the one that puts the state back: it has to wait all the same.
    engine.request("probe", "what_is_open", on_done=open_now.append)
    qtbot.waitUntil(lambda: bool(open_now), timeout=_LONG_MS)

    assert open_now == [["net", "samples"]]
    # The lost request is told so, and is not asked again.
    assert len(stopped) == 1


def test_a_cancel_that_is_not_heard_costs_a_restart(engine, qtbot):
    _open(engine, qtbot)
    stopped: list[str] = []
    before = engine.process_id
    ticket = engine.request("run", "deaf", on_stopped=stopped.append)

    with qtbot.waitSignal(engine.restarted, timeout=_LONG_MS):
        engine.cancel(ticket)

    assert len(stopped) == 1
    assert engine.process_id != before


def test_a_cancel_that_is_heard_costs_nothing(engine, qtbot):
    partial: list[object] = []
    stopped: list[str] = []
    ticket = engine.request("run", "count_for_ever", on_partial=partial.append, on_stopped=stopped.append)
    qtbot.waitUntil(lambda: bool(partial), timeout=_LONG_MS)
    before = engine.process_id

    engine.cancel(ticket)
    qtbot.waitUntil(lambda: bool(stopped), timeout=_LONG_MS)

    assert engine.process_id == before


def test_progress_and_failures_arrive(engine, qtbot):
    progress: list[float] = []
    failed: list[str] = []
    engine.request("run", "count", 50, on_progress=lambda report: progress.append(report.fraction))
    engine.request("run", "open_model", "missing", on_failed=lambda failure: failed.append(failure.text))

    qtbot.waitUntil(lambda: bool(failed), timeout=_LONG_MS)

    assert failed == ["missing: no such file; choose another"]
    assert progress[-1] == 1.0
