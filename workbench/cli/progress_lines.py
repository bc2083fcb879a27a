"""Progress as lines, where there is no terminal to draw a bar on: in a log a long silence looks like a fault."""

import time
from collections.abc import Callable

from workbench.engine.core.format import format_duration
from workbench.jobs import Progress

_EVERY_S = 10.0


class ProgressLines:
    """Writes a line now and then, the first when the work has gone on for a while.

    Args:
        title: of the work; begins each line.
        write: takes a line without its end.
        clock: seconds, from whatever beginning.
    """

    def __init__(self, title: str, write: Callable[[str], None], clock: Callable[[], float] = time.monotonic) -> None:
        self._title = title
        self._write = write
        self._clock = clock
        self._start = self._last = clock()

    def show(self, progress: Progress) -> None:
        """Write how far the work is, unless that was done within the last ten seconds."""
        now = self._clock()
        if now - self._last < _EVERY_S:
            return
        self._last = now
        self._write(f"{self._title}: {progress.fraction:.0%}, {self._told(progress, now)}")

    def _told(self, progress: Progress, now: float) -> str:
        # A step that knows how long it takes is nearer to the truth than the share of the whole that it was given.
        if progress.text.endswith(" left") or not progress.fraction:
            return progress.text or "working"
        left = (now - self._start) * (1 / progress.fraction - 1)
        return ", ".join(filter(None, (progress.text, f"about {format_duration(left)} left")))
