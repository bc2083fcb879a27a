"""The engine's process: calls verbs of a session in four lanes, and answers through a pipe."""

import contextlib
import importlib
import inspect
import logging
import os
import queue
import signal
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from multiprocessing.connection import Connection
from multiprocessing.reduction import ForkingPickler

from workbench.engine.core.errors import WorkbenchError
from workbench.engine.runtime.fresh_process import keep_niceness
from workbench.jobs import Cancelled, JobContext, Progress
from workbench.worker.messages import (
    LANES,
    Cancel,
    Close,
    Died,
    Done,
    Failed,
    Partial,
    Progressed,
    Ready,
    Reply,
    Request,
    Stopped,
)

_log = logging.getLogger(__name__)

NICE = 10
_PROGRESS_S = 0.1
_END_S = 2.0
_GATE_S = 0.05


def serve(connection: Connection, factory: str) -> None:
    """Work until the pipe closes, then end the process.

    Args:
        connection: the engine's end of the pipe.
        factory: "module:name" of what is called to make the session.
    """
    # Before: a latency is measured in a process that has the niceness of now.
    keep_niceness()
    if hasattr(os, "nice"):
        os.nice(NICE)
    # Ctrl-C in a terminal reaches both processes; it is the other one that decides what it means.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    send = _Sender(connection)
    try:
        session = _make_session(factory)
    except Exception as error:
        send(Died(f"the engine could not be started: {_one_line(error)}", traceback.format_exc(), was_ready=False))
        return
    send(Ready())
    lanes = Lanes(session, send)
    try:
        while not isinstance(message := connection.recv(), Close):
            if isinstance(message, Cancel):
                lanes.cancel(message.id)
            else:
                lanes.put(message)
    except (EOFError, OSError):
        # The window's process has ended without a word: nobody is left to work for.
        _log.info("the pipe has closed")
    lanes.close()
    # A lane may be deep in the runtime; nobody waits for its answer any more.
    os._exit(0)


class Lanes:
    """One thread a lane. Runs wait at their checkpoints while another lane works, and others while a run is alone."""

    def __init__(self, session: object, send: Callable[[Reply], None]) -> None:
        self._session = session
        self._send = send
        self._turns = _Turns()
        self._contexts: dict[int, JobContext] = {}
        self._queues: dict[str, queue.SimpleQueue[Request | None]] = {lane: queue.SimpleQueue() for lane in LANES}
        self._threads = [threading.Thread(target=self._work, args=(lane,), name=lane, daemon=True) for lane in LANES]
        for thread in self._threads:
            thread.start()

    def put(self, request: Request) -> None:
        """Have a request worked on when its lane is free."""
        context = self._context(request)
        self._contexts[request.id] = context
        if request.lane != "run":
            self._turns.add_urgent()
        self._queues[request.lane].put(request)

    def cancel(self, request: int) -> None:
        """Stop a request; nothing happens if it is answered already."""
        context = self._contexts.get(request)
        if context is not None:
            context.cancel()

    def close(self) -> None:
        """Stop everything, and wait up to two seconds for it."""
        for context in tuple(self._contexts.values()):
            context.cancel()
        for waiting in self._queues.values():
            waiting.put(None)
        until = time.monotonic() + _END_S
        for thread in self._threads:
            thread.join(max(0.0, until - time.monotonic()))

    def _context(self, request: Request) -> JobContext:
        last = -_PROGRESS_S

        def report(progress: Progress) -> None:
            nonlocal last
            now = time.monotonic()
            if now - last >= _PROGRESS_S or progress.fraction >= 1:
                last = now
                self._send(Progressed(request.id, progress))

        def gate() -> None:
            self._turns.wait_for_urgent(context)

        def alone() -> contextlib.AbstractContextManager[None]:
            return self._turns.alone(context)

        is_run = request.lane == "run"
        context = JobContext(report, gate if is_run else None, alone if is_run else None)
        return context

    def _work(self, lane: str) -> None:
        while (request := self._queues[lane].get()) is not None:
            try:
                if lane != "run":
                    self._turns.wait_for_alone()
                self._send(self._answer(request))
            finally:
                del self._contexts[request.id]
                if lane != "run":
                    self._turns.remove_urgent()

    def _answer(self, request: Request) -> Reply:
        context = self._contexts[request.id]
        try:
            context.checkpoint()
            return Done(request.id, self._call(request, context))
        except Cancelled:
            return Stopped(request.id)
        except Exception as error:
            # What a terminated run of the runtime raises is the answer to our own request to stop.
            return Stopped(request.id) if context.is_cancelled else _failed(request, error)

    def _call(self, request: Request, context: JobContext) -> object:
        verb = None if request.verb.startswith("_") else getattr(self._session, request.verb, None)
        if verb is None:
            raise WorkbenchError(f"the session has no verb {request.verb!r}")
        kwargs = dict(request.kwargs)
        if "ctx" in inspect.signature(verb).parameters:
            kwargs["ctx"] = context
        value = verb(*request.args, **kwargs)
        if not isinstance(value, Iterator):
            return value
        last: object = None
        for last in value:
            self._send(Partial(request.id, last))
            context.checkpoint()
        return last


def _failed(request: Request, error: Exception) -> Failed:
    if isinstance(error, WorkbenchError):
        return Failed(request.id, str(error))
    details = "".join(traceback.format_exception(error))
    if isinstance(error, OSError):
        return Failed(request.id, f"{request.verb}: {_one_line(error)}", details)
    return Failed(request.id, f"{request.verb} failed: {_one_line(error)}; this is a fault of the program", details)


class _Sender:
    """Sends whole messages from any thread. What cannot be sent because the window is gone is dropped."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._lock = threading.Lock()

    def __call__(self, reply: Reply) -> None:
        # Pickled first and outside the lock: what cannot be pickled leaves no half message in the pipe.
        data = _pickled(reply)
        with self._lock, contextlib.suppress(OSError):
            self._connection.send_bytes(data)


def _pickled(reply: Reply) -> memoryview:
    try:
        return ForkingPickler.dumps(reply)
    except Exception as error:
        if not isinstance(reply, Done | Partial):
            raise
        text = f"the answer cannot be sent: {_one_line(error)}; this is a fault of the program"
        return ForkingPickler.dumps(Failed(reply.id, text, traceback.format_exc()))


class _Turns:
    """Who may work now: what others wait for goes before runs, but begins when a run that is timed is let go."""

    def __init__(self) -> None:
        self._num_urgent = 0
        self._is_alone = False
        self._changed = threading.Condition()

    def add_urgent(self) -> None:
        with self._changed:
            self._num_urgent += 1

    def remove_urgent(self) -> None:
        with self._changed:
            self._num_urgent -= 1
            self._changed.notify_all()

    def wait_for_urgent(self, context: JobContext) -> None:
        """Until nothing urgent is left, or the context is cancelled."""
        with self._changed:
            self._wait_for_urgent(context)

    def wait_for_alone(self) -> None:
        """Until no run is alone."""
        with self._changed:
            while self._is_alone:
                self._changed.wait()

    @contextlib.contextmanager
    def alone(self, context: JobContext) -> Iterator[None]:
        """Nothing urgent works while it is held. Raises Cancelled."""
        with self._changed:
            self._wait_for_urgent(context)
            if context.is_cancelled:
                raise Cancelled
            self._is_alone = True
        try:
            yield
        finally:
            with self._changed:
                self._is_alone = False
                self._changed.notify_all()

    def _wait_for_urgent(self, context: JobContext) -> None:
        # The time-out is for a cancel that comes while waiting.
        while self._num_urgent and not context.is_cancelled:
            self._changed.wait(_GATE_S)


def _make_session(factory: str) -> object:
    module, _, name = factory.partition(":")
    return getattr(importlib.import_module(module), name)()


def _one_line(error: BaseException) -> str:
    return " ".join(str(error).split()) or type(error).__name__
