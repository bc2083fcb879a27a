"""What the processes share in which runs are timed: a pipe, rounds that are short, and a way to be stopped."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from multiprocessing import Pipe
from multiprocessing.connection import Connection
from typing import Any

from workbench.engine.core.errors import RunError
from workbench.engine.runtime.fresh_process import fresh_process
from workbench.engine.runtime.session import FedWith, Feeds, RuntimeSession
from workbench.jobs import Cancelled, JobContext

# A person's next click waits for the round that runs.
ROUND_RUNS, ROUND_S = 10, 0.1
_POLL_S = 0.05
_TIMED_ON = FedWith("the random inputs that latency is timed with", "it may need other shapes or values")


@contextmanager
def timing_process(target: Callable[..., None], *args: object) -> Iterator[Connection]:
    """A fresh process, without the niceness and the threads of this one, and the near end of a pipe to it.

    Args:
        target: a module's function that is called there with the arguments and the far end.
        args: come first.

    Raises:
        RunError: the process ended without a word.
    """
    ours, theirs = Pipe()
    process = fresh_process(target, *args, theirs)
    process.start()
    theirs.close()
    try:
        yield ours
    except (EOFError, ConnectionError) as error:
        raise RunError("the process that measures latency has ended", "try again; free memory") from error
    finally:
        # It has either sent everything, or nobody wants what it would send.
        process.kill()
        process.join()
        process.close()
        ours.close()


def answer_of(connection: Connection, ctx: JobContext) -> Any:  # a pipe has no types
    """What the process answers. Does not wait at a gate: those who are let in there wait for the round to end.

    Raises:
        Cancelled: somebody asked to stop.
        RunError: the answer is a text, which says what went wrong there.
    """
    while not connection.poll(_POLL_S):
        if ctx.is_cancelled:
            raise Cancelled
    answer = connection.recv()
    if isinstance(answer, str):
        raise RunError(answer)
    return answer


def warm_up(session: RuntimeSession, feeds: Feeds, count: int) -> None:
    """Runs that nobody times."""
    for _ in range(count):
        session.run(feeds, fed=_TIMED_ON)


def round_ms(session: RuntimeSession, feeds: Feeds, count: int) -> Iterator[float]:
    """Times of so many runs in ms; of fewer where they take long."""
    start = last = time.perf_counter()
    while count > 0 and last - start < ROUND_S:
        before = time.perf_counter()
        session.run(feeds, fed=_TIMED_ON)
        last = time.perf_counter()
        yield (last - before) * 1000
        count -= 1
