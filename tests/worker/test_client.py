import contextlib
import os
import queue
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from workbench.worker.client import WorkerClient
from workbench.worker.messages import Died, Done, Failed, Partial, Progressed, Reply, Stopped

_WAIT_S = 20


class Worker:
    """A client with its replies in a queue."""

    def __init__(self, factory: str) -> None:
        self.replies: queue.Queue[Reply] = queue.Queue()
        self.client = WorkerClient(self.replies.put, factory)
        self.client.start()

    def next(self, kind: type, request: int | None = None) -> Reply:
        """The next reply of a kind; others are dropped."""
        until = time.monotonic() + _WAIT_S
        while True:
            reply = self.replies.get(timeout=max(0.01, until - time.monotonic()))
            if isinstance(reply, kind) and (request is None or reply.id == request):
                return reply


@pytest.fixture
def start(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Worker]]:
    # The child gets this process's sys.path.
    monkeypatch.syspath_prepend(str(Path(__file__).parent))
    workers = []

    def make(factory: str = "fake_session:FakeSession") -> Worker:
        workers.append(Worker(factory))
        return workers[-1]

    yield make
    for worker in workers:
        worker.client.close()


def test_a_verb_is_answered_with_its_result(start):
    worker = start()

    request = worker.client.send("quick", "echo", {"a": (1, 2)})

    assert worker.next(Done) == Done(request, {"a": (1, 2)})


def test_a_generator_gives_its_values_one_by_one_and_the_last_again(start):
    worker = start()

    request = worker.client.send("run", "count", 3)
    partial = [worker.next(Partial).value for _ in range(3)]

    assert partial == [0, 1, 2]
    assert worker.next(Done) == Done(request, 2)


def test_progress_comes_up_but_not_for_each_step(start):
    worker = start()

    request = worker.client.send("run", "count", 2000)
    worker.next(Progressed, request)
    reports = [1.0]
    while not isinstance(reply := worker.replies.get(timeout=_WAIT_S), Done):
        if isinstance(reply, Progressed):
            reports.append(reply.progress.fraction)

    assert reports[-1] == 1.0
    assert len(reports) < 200


def test_cancel_stops_a_running_and_a_waiting_request(start):
    worker = start()
    running = worker.client.send("run", "count_for_ever")
    waiting = worker.client.send("run", "count_for_ever")
    worker.next(Partial, running)

    worker.client.cancel(waiting)
    worker.client.cancel(running)

    assert worker.next(Stopped).id == running
    assert worker.next(Stopped).id == waiting


def test_a_run_waits_while_a_probe_works(start):
    worker = start()
    run = worker.client.send("run", "count_for_ever")
    worker.next(Partial, run)
    probe = worker.client.send("probe", "wait_until_let")
    # The quick lane is urgent too: when it has answered, the run has come to its checkpoint or is about to.
    for _ in range(3):
        worker.next(Done, worker.client.send("quick", "echo", 1))
    while not worker.replies.empty():
        worker.replies.get()
    quick = worker.client.send("quick", "echo", 2)
    seen = []
    while not isinstance(reply := worker.replies.get(timeout=_WAIT_S), Done):
        seen.append(reply)

    assert reply.id == quick
    # One value may have been on its way past the gate.
    assert len(seen) <= 1

    worker.client.send("quick", "let_go")
    worker.next(Done, probe)
    assert worker.next(Partial, run)


def test_cancel_reaches_a_run_that_is_held(start):
    worker = start()
    run = worker.client.send("run", "count_for_ever")
    worker.next(Partial, run)
    worker.client.send("probe", "wait_until_let")

    worker.client.cancel(run)

    assert worker.next(Stopped).id == run


def test_what_is_asked_for_while_a_run_is_alone_waits_for_it(start):
    worker = start()
    run = worker.client.send("run", "note_alone")
    worker.next(Progressed, run)

    quick = worker.client.send("quick", "note", "quick")

    assert worker.next(Done, quick).value == ["alone", "quick"]


def test_a_run_is_not_alone_before_what_works_has_ended(start):
    worker = start()
    probe = worker.client.send("probe", "wait_until_let")
    run = worker.client.send("run", "note_alone")
    worker.next(Done, worker.client.send("quick", "note", "quick"))
    worker.client.send("quick", "let_go")

    assert worker.next(Done, probe)
    assert worker.next(Done, run).value == ["quick", "alone"]


def test_an_error_for_people_has_no_traceback(start):
    worker = start()

    request = worker.client.send("quick", "open_model", "missing")

    assert worker.next(Failed) == Failed(request, "missing: no such file; choose another")


def test_a_fault_comes_with_its_traceback_and_the_lane_goes_on(start):
    worker = start()

    worker.client.send("quick", "fault")
    failed = worker.next(Failed)

    assert "a fault" in failed.text
    assert "ZeroDivisionError" in failed.details
    assert worker.next(Done, worker.client.send("quick", "echo", 5)).value == 5


def test_a_result_that_cannot_cross_the_pipe_is_a_failure(start):
    worker = start()

    request = worker.client.send("quick", "lambda_back")

    assert worker.next(Failed).id == request
    assert worker.next(Done, worker.client.send("quick", "echo", 5)).value == 5


@pytest.mark.parametrize("verb", ["fly", "__init__"])
def test_a_verb_that_is_none_is_a_failure(start, verb):
    worker = start()

    worker.client.send("quick", verb)

    assert verb in worker.next(Failed).text


@pytest.mark.skipif(not hasattr(os, "nice"), reason="priorities are counted otherwise here")
def test_the_child_has_a_lower_priority(start):
    worker = start()

    worker.client.send("quick", "niceness")

    assert worker.next(Done).value == min(19, os.nice(0) + 10)


def test_a_kill_is_reported_and_the_next_process_answers(start):
    worker = start()
    worker.next(Partial, worker.client.send("run", "count_for_ever"))

    os.kill(worker.client.pid, signal.SIGKILL)

    died = worker.next(Died)
    assert died.was_ready
    assert "-9" in died.details

    worker.client.restart()
    assert worker.next(Done, worker.client.send("quick", "echo", 1)).value == 1


def test_a_session_that_cannot_be_made_is_reported_with_the_reason(start):
    worker = start("fake_session:NoSession")

    died = worker.next(Died)

    assert not died.was_ready
    assert "the runtime is missing" in died.text


def test_close_ends_work_that_would_go_on_for_ever(start):
    worker = start()
    worker.next(Partial, worker.client.send("run", "count_for_ever"))
    process = psutil.Process(worker.client.pid)

    worker.client.close()

    assert not process.is_running()
    worker.client.close()


def test_restart_does_not_wait_for_what_does_not_listen(start):
    worker = start()
    worker.client.send("run", "deaf")
    worker.next(Done, worker.client.send("quick", "echo", 0))
    deaf = worker.client.pid

    worker.client.restart()

    assert worker.client.pid != deaf
    assert worker.next(Done, worker.client.send("run", "echo", 1)).value == 1


_PARENT = """
import os, sys
sys.path.insert(0, sys.argv[1])
from workbench.worker.client import WorkerClient
if __name__ == "__main__":
    def on_reply(reply):
        if type(reply).__name__ == "Partial":
            print(client.pid, flush=True)
            os.kill(os.getpid(), 9)
    client = WorkerClient(on_reply, "fake_session:FakeSession")
    client.start()
    client.send("run", "count_for_ever")
    import threading
    threading.Event().wait(60)
"""


def test_the_child_does_not_outlive_its_parent(tmp_path):
    script = tmp_path / "parent.py"
    script.write_text(_PARENT)
    root = Path(__file__).resolve().parents[2]

    done = subprocess.run(
        [sys.executable, str(script), str(Path(__file__).parent)],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
        env=os.environ | {"PYTHONPATH": str(root)},
    )

    child = int(done.stdout.split()[0])
    with contextlib.suppress(psutil.NoSuchProcess):
        psutil.Process(child).wait(10)
    assert not psutil.pid_exists(child)


def test_the_client_imports_no_engine():
    code = (
        "import sys; import workbench.worker.client; "
        "print([n for n in ('onnx', 'onnxruntime', 'torch', 'PySide6', 'workbench.session') if n in sys.modules])"
    )

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout.strip() == "[]"
