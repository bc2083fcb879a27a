"""How long work reports progress, and how it is stopped. Standard library only."""

import threading
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass


class Cancelled(Exception):  # noqa: N818 - not an error: somebody asked for it
    """The work was asked to stop, and stopped."""


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a job is: `done` of `total` units, and what it is doing. `total` is 0 if unknown."""

    done: float
    total: float
    text: str

    @property
    def fraction(self) -> float:
        """Share of the work done, 0…1."""
        return min(1.0, self.done / self.total) if self.total > 0 else 0.0


class JobContext:
    """Handed into long work: it reports progress to the context and asks it whether to go on.

    Args:
        on_progress: called with each report; may be None.
        gate: called at each checkpoint; may block, so that more urgent work goes first.
        alone: gives what `alone` gives; None where nothing else works.
    """

    def __init__(
        self,
        on_progress: Callable[[Progress], None] | None = None,
        gate: Callable[[], None] | None = None,
        alone: Callable[[], AbstractContextManager[None]] | None = None,
    ) -> None:
        self._on_progress = on_progress
        self._gate = gate
        self._alone = alone
        self._cancelled = threading.Event()
        self._on_cancel: list[Callable[[], None]] = []
        self._lock = threading.Lock()

    @property
    def is_cancelled(self) -> bool:
        """Whether somebody asked to stop."""
        return self._cancelled.is_set()

    def cancel(self) -> None:
        """Ask the work to stop. May be called from any thread, more than once."""
        with self._lock:
            self._cancelled.set()
            callbacks = tuple(self._on_cancel)
        for callback in callbacks:
            callback()

    def checkpoint(self) -> None:
        """Go on, or raise Cancelled. Called before each unit of work of up to 100 ms."""
        if self._gate is not None:
            self._gate()
        if self._cancelled.is_set():
            raise Cancelled

    def alone(self) -> AbstractContextManager[None]:
        """While it is held, nothing else that the same engine was asked for is worked on.

        For what is timed: to be held for a tenth of a second at most, and without a checkpoint inside, since what
        is more urgent waits until it is let go.
        """
        return self._alone() if self._alone is not None else nullcontext()

    def progress(self, done: float, total: float, text: str = "") -> None:
        """Report that `done` of `total` units are finished."""
        if self._on_progress is not None:
            self._on_progress(Progress(done, total, text))

    def part(self, low: float, high: float, step: str = "") -> "JobContext":
        """A context for a sub-step that covers `[low, high]` of this one's progress, 0…1; its name begins its texts."""
        report = None
        if self._on_progress is not None:
            send = self._on_progress

            def report(progress: Progress) -> None:
                text = ": ".join(part for part in (step, progress.text) if part)
                send(Progress(low + (high - low) * progress.fraction, 1.0, text))

        child = JobContext(report, self._gate, self._alone)
        child._cancelled = self._cancelled
        child._on_cancel = self._on_cancel
        child._lock = self._lock
        return child

    def call_on_cancel(self, callback: Callable[[], None]) -> Callable[[], None]:
        """Have `callback` called, in the cancelling thread, when the work is asked to stop.

        Returns:
            A function that takes the request back. If the work is cancelled already, `callback` is
            called at once.
        """
        with self._lock:
            self._on_cancel.append(callback)
            already = self._cancelled.is_set()
        if already:
            callback()

        def remove() -> None:
            with self._lock:
                if callback in self._on_cancel:
                    self._on_cancel.remove(callback)

        return remove
