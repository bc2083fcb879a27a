"""Qt's face of the worker: requests with answers on the main thread, and a worker that is started again."""

from collections.abc import Callable
from dataclasses import dataclass

from PySide6.QtCore import QObject, QTimer, Signal, Slot

from workbench.jobs import Progress
from workbench.worker.client import WorkerClient
from workbench.worker.messages import Died, Done, Failed, Partial, Progressed, Ready, Reply, Stopped

SESSION_FACTORY = "workbench.session:Session"

CANCEL_TIMEOUT_MS = 2000
_ALL_OF_A_BENCH = ("open_model", "open_bench", "open_data", "open_calibration", "close_calibration")
# Verbs that put the session into a state, and which of them each makes void; done again after a restart.
_SETUP_VERBS = {
    "open_model": _ALL_OF_A_BENCH,
    "open_bench": _ALL_OF_A_BENCH,
    "open_data": ("open_data",),
    "open_calibration": ("open_calibration", "close_calibration"),
    "close_calibration": ("open_calibration", "close_calibration"),
}


@dataclass(slots=True, eq=False)
class Ticket:
    """A request on its way, and who wants its answers. All are called on the main thread.

    Args:
        on_stopped: called with the reason when the request ended without a result or an error.
    """

    lane: str
    verb: str
    args: tuple[object, ...]
    kwargs: dict[str, object]
    on_done: Callable[[object], None] | None = None
    on_partial: Callable[[object], None] | None = None
    on_progress: Callable[[Progress], None] | None = None
    on_failed: Callable[[Failed], None] | None = None
    on_stopped: Callable[[str], None] | None = None
    id: int | None = None
    is_cancelled: bool = False
    is_open: bool = True


class Engine(QObject):
    """The worker as the window sees it. It starts with the first request, and again after an end nobody wanted.

    A worker that cannot even be started is not tried for ever: `unavailable(text, details)` says so, and requests
    wait until `try_again`, which ends in `available` or in `unavailable` once more.

    Args:
        factory: "module:name" of what makes the session in the worker.
        cancel_timeout_ms: a request that has not stopped that long after a cancel costs the worker a restart.
    """

    restarted = Signal(str, str)
    unavailable = Signal(str, str)
    available = Signal()
    _arrived = Signal(object)

    def __init__(
        self,
        factory: str = SESSION_FACTORY,
        parent: QObject | None = None,
        *,
        cancel_timeout_ms: int = CANCEL_TIMEOUT_MS,
    ) -> None:
        super().__init__(parent)
        self._client = WorkerClient(self._deliver, factory)
        self._cancel_timeout_ms = cancel_timeout_ms
        self._open: dict[int, Ticket] = {}
        self._setup: dict[str, Ticket] = {}
        self._replaying: set[int] = set()
        self._held: list[Ticket] = []
        self._failure: Died | None = None
        self._is_retry = False
        self._is_closed = False
        self._arrived.connect(self._on_arrived)

    @property
    def process_id(self) -> int | None:
        """Of the worker; None before the first request."""
        return self._client.pid

    @property
    def is_available(self) -> bool:
        """Whether the worker runs, or may be expected to when it is asked."""
        return self._failure is None

    def start(self) -> None:
        """Start the worker ahead of the first request."""
        self._start_client()

    def try_again(self) -> None:
        """Start the worker after it could not be started; requests that waited are sent then."""
        if self._failure is None:
            return
        self._failure, self._is_retry = None, True
        self._client.close()
        waiting, self._held = self._held, []
        self._start_client()
        self._put_back()
        for ticket in waiting:
            self._take(ticket)

    def request(
        self,
        lane: str,
        verb: str,
        *args: object,
        on_done: Callable[[object], None] | None = None,
        on_partial: Callable[[object], None] | None = None,
        on_progress: Callable[[Progress], None] | None = None,
        on_failed: Callable[[Failed], None] | None = None,
        on_stopped: Callable[[str], None] | None = None,
        **kwargs: object,
    ) -> Ticket:
        """Ask for a verb of the session; exactly one of done, failed and stopped follows."""
        ticket = Ticket(lane, verb, args, kwargs, on_done, on_partial, on_progress, on_failed, on_stopped)
        self._take(ticket)
        if self._failure is not None:
            self._say_unavailable(self._failure)
        return ticket

    def cancel(self, ticket: Ticket, *, insist: bool = True) -> None:
        """Ask a request to stop. With `insist`, one that does not within the time limit costs the worker a restart."""
        if not ticket.is_open or ticket.is_cancelled:
            return
        ticket.is_cancelled = True
        if ticket in self._held:
            self._held.remove(ticket)
            _end(ticket, "cancelled")
            return
        assert ticket.id is not None
        self._client.cancel(ticket.id)
        if insist:
            QTimer.singleShot(self._cancel_timeout_ms, self, lambda: self._insist(ticket))

    def close(self) -> None:
        """End the worker. Open requests get no answer any more, nor do later ones: a timer may still ask."""
        self._is_closed = True
        self._client.close()
        self._open.clear()
        self._held.clear()

    def _take(self, ticket: Ticket) -> None:
        if self._is_closed:
            ticket.is_open = False
            return
        if self._failure is None and not self._replaying:
            self._send(ticket)
        else:
            self._held.append(ticket)

    def _send(self, ticket: Ticket) -> None:
        if not self._start_client():
            self._held.append(ticket)
            return
        ticket.id = self._client.send(ticket.lane, ticket.verb, *ticket.args, **ticket.kwargs)
        self._open[ticket.id] = ticket

    def _start_client(self) -> bool:
        """Whether the worker's process is there now."""
        try:
            self._client.start()
        except OSError as error:
            # No memory or no processes left.
            self._give_up(Died(f"the engine could not be started: {error.strerror or error}", was_ready=False))
        return self._failure is None

    def _deliver(self, reply: Reply) -> None:
        """Called in the client's thread; the signal takes the reply to the main thread."""
        self._arrived.emit(reply)

    @Slot(object)
    def _on_arrived(self, reply: Reply) -> None:
        if self._is_closed:
            return
        if isinstance(reply, Died):
            self._on_gone(reply)
            return
        if isinstance(reply, Ready):
            if self._is_retry:
                self._is_retry = False
                self.available.emit()
            return
        ticket = self._open.get(reply.id)
        if ticket is None:
            return
        if isinstance(reply, Progressed):
            if ticket.on_progress is not None:
                ticket.on_progress(reply.progress)
        elif isinstance(reply, Partial):
            if ticket.on_partial is not None and not ticket.is_cancelled:
                ticket.on_partial(reply.value)
        else:
            self._finish(ticket, reply)

    def _finish(self, ticket: Ticket, reply: Done | Failed | Stopped) -> None:
        del self._open[reply.id]
        if isinstance(reply, Done):
            self._remember(ticket)
        self._leave_replay(reply.id)
        if isinstance(reply, Done):
            ticket.is_open = False
            if ticket.on_done is not None:
                ticket.on_done(reply.value)
        elif isinstance(reply, Failed):
            ticket.is_open = False
            if ticket.on_failed is not None:
                ticket.on_failed(reply)
        else:
            _end(ticket, "cancelled")

    def _remember(self, ticket: Ticket) -> None:
        if ticket.verb in _SETUP_VERBS:
            for verb in _SETUP_VERBS[ticket.verb]:
                self._setup.pop(verb, None)
            # Closing too: what is done again may be a bench that was opened with calibration samples.
            self._setup[ticket.verb] = ticket

    def _insist(self, ticket: Ticket) -> None:
        if ticket.is_open and not self._is_closed:
            self._client.restart()
            self._start_again(f"{ticket.verb} did not stop; the engine was started again", "")

    def _on_gone(self, gone: Died) -> None:
        if not gone.was_ready:
            self._give_up(gone)
            return
        if self._replaying:
            # What is put back ends the worker: without it there is at least a worker.
            self._setup.clear()
            self._replaying.clear()
        self._client.close()
        text = f"{gone.text[:1].upper()}{gone.text[1:]} and was started again; edits and measurements are kept"
        self._start_again(text, gone.details)

    def _start_again(self, text: str, details: str) -> None:
        """Put the session's state back; then say so, and end the requests that were lost."""
        lost = [*self._open.values(), *self._held]
        self._open.clear()
        self._held.clear()
        self._replaying.clear()
        if self._start_client():
            self._put_back()
            self.restarted.emit(text, details)
        for ticket in lost:
            _end(ticket, "the engine was started again")

    def _put_back(self) -> None:
        """Have the new worker open what was open."""
        for old in tuple(self._setup.values()):
            again = Ticket(old.lane, old.verb, old.args, old.kwargs)
            self._send(again)
            if again.id is not None:
                self._replaying.add(again.id)

    def _give_up(self, gone: Died) -> None:
        """Wait for a person: another try now would fare no better. What was asked for waits too."""
        self._failure = gone
        wanted = (ticket for number, ticket in self._open.items() if number not in self._replaying)
        self._held = [*wanted, *self._held]
        self._open.clear()
        self._replaying.clear()
        self._say_unavailable(gone)

    def _say_unavailable(self, gone: Died) -> None:
        self.unavailable.emit(f"{gone.text[:1].upper()}{gone.text[1:]}; edits are kept", gone.details)

    def _leave_replay(self, request_id: int) -> None:
        if request_id in self._replaying:
            self._replaying.discard(request_id)
            if not self._replaying:
                held, self._held = self._held, []
                for ticket in held:
                    self._send(ticket)


def _end(ticket: Ticket, reason: str) -> None:
    ticket.is_open = False
    if ticket.on_stopped is not None:
        ticket.on_stopped(reason)
