"""What is measured while nobody waits for it: one thing after the other, given up at the next edit."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from PySide6.QtCore import QObject

from workbench.gui.running_jobs import RunningJobs


@dataclass(frozen=True, slots=True)
class Step:
    """One measurement. Steps are the same when title and subject are.

    Args:
        title: what its row in the list of jobs says; steps of one title use one row.
        subject: digest of what is measured.
        on_answer: called with each partial result and with the last one.
        on_stopped: called when it was given up.
    """

    title: str
    subject: str
    verb: str
    args: tuple[object, ...] = field(compare=False)
    on_answer: Callable[[object], None] = field(compare=False)
    on_stopped: Callable[[], None] = field(compare=False, default=lambda: None)


class Background(QObject):
    """Runs a list of steps in the "run" lane."""

    def __init__(self, jobs: RunningJobs, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._jobs = jobs
        self._rows: dict[str, int] = {}
        self._waiting: list[Step] = []
        self._running: Step | None = None
        self._is_stopping = False
        self._given_up: str = ""

    @property
    def is_idle(self) -> bool:
        """Whether nothing runs or waits."""
        return self._running is None and not self._waiting

    def start(self, steps: Sequence[Step]) -> None:
        """Run these steps instead of what runs; a step that runs already goes on."""
        going_on = None if self._is_stopping else self._running
        self._waiting = [step for step in steps if step != going_on and step.subject != self._given_up]
        if going_on is not None and going_on not in steps:
            self._cancel()
        if self._running is None:
            self._next()

    def stop(self) -> None:
        """Give up what runs and what waits; figures so far are kept."""
        self._waiting = []
        self._cancel()

    def give_up(self, job: int) -> str:
        """Somebody stopped a job: if it is ours, nothing of its subject is started again by itself.

        Returns:
            The subject; empty if the job is somebody else's.
        """
        if self._running is None or self._rows.get(self._running.title) != job:
            return ""
        self._given_up = self._running.subject
        self.stop()
        return self._given_up

    def take_up(self) -> None:
        """What was given up is wanted again."""
        self._given_up = ""

    def forget(self) -> None:
        """Another model or other samples: what was given up there may be measured here."""
        self._given_up = ""
        self.stop()

    def _next(self) -> None:
        if not self._waiting:
            return
        step = self._waiting.pop(0)
        self._running = step
        if step.title not in self._rows:
            self._rows[step.title] = self._jobs.new_number()
        self._jobs.start(
            step.title,
            step.verb,
            *step.args,
            on_partial=step.on_answer,
            on_done=self._then(step.on_answer),
            on_failed=lambda _: self._end(),
            on_stopped=self._stopped,
            job=self._rows[step.title],
        )

    def _then(self, answer: Callable[[object], None]) -> Callable[[object], None]:
        def on_done(value: object) -> None:
            answer(value)
            self._end()

        return on_done

    def _stopped(self) -> None:
        if self._running is not None:
            self._running.on_stopped()
        self._end()

    def _end(self) -> None:
        self._running, self._is_stopping = None, False
        self._next()

    def _cancel(self) -> None:
        if self._running is not None and not self._is_stopping:
            self._is_stopping = True
            # Nobody asked for it, so an operator that takes long must not cost the worker.
            self._jobs.cancel(self._rows[self._running.title], insist=False)
