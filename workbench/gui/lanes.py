"""A line of requests in which the newest waits, and what waited before it is dropped."""

from collections.abc import Callable

from PySide6.QtCore import QObject

from workbench.gui.engine import Engine, Ticket
from workbench.jobs import Progress


class LatestLane(QObject):
    """One request at the worker; a newer one replaces the one that waits.

    Args:
        engine: where requests go.
        lane: the worker's lane.
        cancels: a newer request also cancels the one that runs.
    """

    def __init__(self, engine: Engine, lane: str, *, cancels: bool = False, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._engine = engine
        self._lane = lane
        self._cancels = cancels
        self._running: Ticket | None = None
        self._waiting: Callable[[], Ticket] | None = None

    @property
    def is_idle(self) -> bool:
        """Whether nothing runs or waits."""
        return self._running is None and self._waiting is None

    def submit(
        self,
        verb: str,
        *args: object,
        on_done: Callable[[object], None] | None = None,
        on_partial: Callable[[object], None] | None = None,
        on_failed: Callable[[object], None] | None = None,
        on_progress: Callable[[Progress], None] | None = None,
        **kwargs: object,
    ) -> None:
        """Ask for a verb now, or as soon as what runs has ended."""

        def send() -> Ticket:
            return self._engine.request(
                self._lane,
                verb,
                *args,
                on_done=self._then(on_done),
                on_partial=on_partial,
                on_progress=self._while_wanted(on_progress),
                on_failed=self._then(on_failed),
                on_stopped=self._then(None),
                **kwargs,
            )

        if self._running is None:
            self._running = send()
            return
        self._waiting = send
        if self._cancels:
            # Nobody waits for the old answer in vain: an ordinary edit must not cost the worker.
            self._engine.cancel(self._running, insist=False)

    def _while_wanted(self, say: Callable[[Progress], None] | None) -> Callable[[Progress], None] | None:
        """Progress of what has been cancelled is no news."""
        if say is None:
            return None

        def on_progress(progress: Progress) -> None:
            if self._running is not None and not self._running.is_cancelled:
                say(progress)

        return on_progress

    def clear(self) -> None:
        """Drop what waits, and cancel what runs."""
        self._waiting = None
        if self._running is not None:
            self._engine.cancel(self._running)

    def _then(self, answer: Callable[[object], None] | None) -> Callable[[object], None]:
        def on_end(value: object) -> None:
            ended, self._running = self._running, None
            if self._waiting is not None:
                send, self._waiting = self._waiting, None
                self._running = send()
            if answer is not None and not (ended is not None and ended.is_cancelled):
                answer(value)

        return on_end
