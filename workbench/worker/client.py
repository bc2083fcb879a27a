"""The window's end of the pipe to the engine's process. Knows nothing of Qt."""

import atexit
import contextlib
import itertools
import multiprocessing
import threading
from collections.abc import Callable
from multiprocessing.connection import Connection
from multiprocessing.context import SpawnProcess

import psutil

from workbench.engine.core.errors import WorkerError
from workbench.worker.messages import Cancel, Close, Died, Ready, Reply, Request
from workbench.worker.server import serve

_END_S = 2.0


class WorkerClient:
    """Starts the engine's process, sends it requests, and hands its replies on.

    Args:
        on_reply: called with each reply in a thread of the client; with `Died` when the process is gone.
        factory: "module:name" of what makes the session in the new process.
    """

    def __init__(self, on_reply: Callable[[Reply], None], factory: str = "workbench.session:Session") -> None:
        self._on_reply = on_reply
        self._factory = factory
        self._ids = itertools.count(1)
        self._process: SpawnProcess | None = None
        self._connection: Connection | None = None
        self._reader: threading.Thread | None = None

    @property
    def pid(self) -> int | None:
        """The process's number; None before the start and after the end."""
        return self._process.pid if self._process is not None else None

    def start(self) -> None:
        """Start the process. Does not wait until it is up; requests wait in the pipe."""
        if self._process is not None:
            return
        context = multiprocessing.get_context("spawn")
        ours, theirs = context.Pipe()
        process = context.Process(target=serve, args=(theirs, self._factory), name="workbench engine")
        process.start()
        # Kept open here, the far end would hide that the process is gone.
        theirs.close()
        self._process, self._connection = process, ours
        self._reader = threading.Thread(target=self._read, args=(ours, process), name="engine replies", daemon=True)
        self._reader.start()
        # At exit, multiprocessing waits for the process, and the process for the pipe to close.
        atexit.register(self.close)

    def send(self, lane: str, verb: str, *args: object, **kwargs: object) -> int:
        """Ask for a verb of the session; returns the number that its replies carry.

        Raises:
            WorkerError: the process is not there.
        """
        request = next(self._ids)
        self._send(Request(request, lane, verb, args, kwargs))
        return request

    def cancel(self, request: int) -> None:
        """Ask to stop a request. It is answered by `Stopped`, or by its result if that came first."""
        try:
            self._send(Cancel(request))
        except WorkerError:
            return

    def restart(self) -> None:
        """End the process, and start a new one, which knows nothing of the old one's requests."""
        self._end(0.0)
        self.start()

    def close(self) -> None:
        """End the process: ask, wait two seconds, then kill. May be called more than once."""
        atexit.unregister(self.close)
        self._end(_END_S)

    def _send(self, message: Request | Cancel) -> None:
        if self._connection is None:
            raise WorkerError("the engine is not running")
        try:
            self._connection.send(message)
        except OSError as error:
            raise WorkerError("the engine's process has ended") from error

    def _read(self, connection: Connection, process: SpawnProcess) -> None:
        cause: Died | None = None
        was_ready = False
        while True:
            try:
                reply = connection.recv()
            except (EOFError, OSError, TypeError):
                # A connection that is closed in the other thread raises one or the other.
                break
            if isinstance(reply, Died):
                cause = reply
                continue
            was_ready = was_ready or isinstance(reply, Ready)
            if connection is self._connection:
                self._on_reply(reply)
        if connection is self._connection:
            process.join(_END_S)
            # A native crash while the runtime is imported leaves no word behind, and no Ready before.
            text = "the engine's process has ended" if was_ready else "the engine could not be started"
            self._on_reply(cause or Died(text, f"exit status {process.exitcode}", was_ready=was_ready))

    def _end(self, patience_s: float) -> None:
        process, connection = self._process, self._connection
        self._process = self._connection = None
        if process is None or connection is None:
            return
        # Looked for while the process lives: what it has started would outlive a kill.
        descendants = _descendants(process)
        # A word, not a closed pipe: our reading thread keeps the pipe open until the other end closes.
        with contextlib.suppress(OSError):
            connection.send(Close())
        process.join(patience_s)
        if process.is_alive():
            process.kill()
            for descendant in descendants:
                with contextlib.suppress(psutil.NoSuchProcess):
                    descendant.kill()
        process.join()
        if self._reader is not None and self._reader is not threading.current_thread():
            self._reader.join()
        connection.close()


def _descendants(process: SpawnProcess) -> list[psutil.Process]:
    try:
        return psutil.Process(process.pid).children(recursive=True)
    except psutil.NoSuchProcess:
        return []
