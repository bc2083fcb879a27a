import os
import signal
from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot

from workbench.gui.engine import Engine

_LONG_MS = 20_000


def _open(engine: Engine, qtbot: QtBot) -> None:
    done: list[object] = []
    engine.request("quick", "open_model", "net", on_done=done.append)
    engine.request("quick", "open_data", "samples", on_done=done.append)
    qtbot.waitUntil(lambda: done == ["net", "samples"], timeout=_LONG_MS)


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


def test_after_a_kill_calibration_samples_that_were_closed_stay_closed(engine, qtbot):
    done: list[object] = []
    engine.request("quick", "open_bench", "net", "calibration samples", on_done=done.append)
    engine.request("quick", "close_calibration", on_done=done.append)
    qtbot.waitUntil(lambda: done == ["net", None], timeout=_LONG_MS)

    with qtbot.waitSignal(engine.restarted, timeout=_LONG_MS):
        os.kill(engine.process_id, signal.SIGKILL)
    open_now: list[object] = []
    engine.request("quick", "what_is_open", on_done=open_now.append)
    qtbot.waitUntil(lambda: bool(open_now), timeout=_LONG_MS)

    assert open_now == [["net"]]


def test_a_cancel_that_is_not_heard_costs_a_restart(engine, qtbot):
    _open(engine, qtbot)
    stopped: list[str] = []
    before = engine.process_id
    begun: list[object] = []
    ticket = engine.request("run", "deaf", on_progress=begun.append, on_stopped=stopped.append)
    qtbot.waitUntil(lambda: bool(begun), timeout=_LONG_MS)

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


def _make_engine(factory: str, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch) -> tuple[Engine, list[str]]:
    monkeypatch.syspath_prepend(str(Path(__file__).parents[1] / "worker"))
    engine = Engine(factory)
    said: list[str] = []
    engine.unavailable.connect(lambda text, details: said.append(text))
    return engine, said


def test_an_engine_that_cannot_be_started_is_tried_once_and_says_why(qtbot, monkeypatch):
    engine, said = _make_engine("fake_session:NoSession", qtbot, monkeypatch)
    starts: list[object] = []
    engine.restarted.connect(lambda text, details: starts.append(text))

    with qtbot.waitSignal(engine.unavailable, timeout=_LONG_MS):
        engine.start()
    process = engine.process_id
    answers: list[object] = []
    ticket = engine.request("quick", "echo", 1, on_done=answers.append, on_stopped=answers.append)

    assert said[0] == "The engine could not be started: the runtime is missing; install it; edits are kept"
    assert engine.process_id == process
    assert not starts
    # The request waits for another try; it is neither lost nor answered.
    assert not answers
    engine.cancel(ticket)
    assert answers == ["cancelled"]
    engine.close()


def test_a_session_that_crashes_while_it_is_made_is_not_tried_for_ever(qtbot, monkeypatch):
    engine, said = _make_engine("fake_session:crash", qtbot, monkeypatch)

    with qtbot.waitSignal(engine.unavailable, timeout=_LONG_MS):
        engine.start()

    assert said == ["The engine could not be started; edits are kept"]
    engine.close()


def test_trying_again_sends_what_waited(qtbot, monkeypatch, tmp_path):
    mended = tmp_path / "mended"
    monkeypatch.setenv("FAKE_SESSION_NEEDS", str(mended))
    engine, said = _make_engine("fake_session:make_if_mended", qtbot, monkeypatch)
    answers: list[object] = []
    with qtbot.waitSignal(engine.unavailable, timeout=_LONG_MS):
        engine.request("quick", "echo", "waited", on_done=answers.append)

    engine.try_again()
    qtbot.waitUntil(lambda: len(said) == 2, timeout=_LONG_MS)
    assert not answers
    mended.touch()
    with qtbot.waitSignal(engine.available, timeout=_LONG_MS):
        engine.try_again()

    qtbot.waitUntil(lambda: answers == ["waited"], timeout=_LONG_MS)
    engine.close()


def test_a_request_after_the_end_starts_no_worker(engine: Engine, qtbot: QtBot):
    engine.start()
    engine.close()

    engine.request("quick", "add", 2, 3)

    assert engine.process_id is None
