"""One job of a kind at a time: what is asked for while the old one is being stopped begins once that has ended."""

from collections.abc import Callable

from workbench.gui.awaited_jobs import AwaitedJobs
from workbench.gui.running_jobs import RunningJobs


class OneJob:
    """The job of a kind, and the one that waits for its end.

    Args:
        jobs: know which ones run.
        awaited: stops them.
    """

    def __init__(self, jobs: RunningJobs, awaited: AwaitedJobs) -> None:
        self._jobs = jobs
        self._awaited = awaited
        self._started = 0
        self._next: Callable[[], int] | None = None
        self._is_given_up = False

    @property
    def number(self) -> int:
        """Of the job that was asked for last; 0 before any, and while it waits."""
        return 0 if self.has_next else self._started

    @property
    def is_running(self) -> bool:
        """Whether it has not ended, or waits."""
        return self._jobs.is_running(self._started) or self.has_next

    @property
    def has_next(self) -> bool:
        """Whether another one waits for its end."""
        return self._next is not None

    @property
    def is_given_up(self) -> bool:
        """Whether what it was started on lies on the bench no more: its result is of no use."""
        return self._is_given_up

    def ask(self, start: Callable[[], int]) -> bool:
        """Start a job, now or when the one that is being stopped has ended; whether it will be.

        Args:
            start: starts it, and gives its number.
        """
        if not self._jobs.is_running(self._started):
            self._begin(start)
        elif self._jobs.is_stopping(self._started):
            self._next = start
        else:
            return False
        return True

    def go_on(self) -> None:
        """Start what waits; to be called when everybody has heard how the old job ended."""
        if self._next is not None and not self._jobs.is_running(self._started):
            self._begin(self._next)

    def cancel(self) -> None:
        """Ask it to stop, and forget what waits."""
        self._next = None
        self._awaited.cancel(self._started)

    def give_up(self) -> None:
        """Something else lies on the bench: nothing of it is wanted any more."""
        self._next = None
        self._is_given_up = True
        # Nobody said stop, so an operator that takes long must not cost the worker.
        self._jobs.cancel(self._started, insist=False)

    def _begin(self, start: Callable[[], int]) -> None:
        self._next, self._is_given_up = None, False
        self._started = start()
