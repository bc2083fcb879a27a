"""Time of one inference on this computer: measured alone in a process, batch 1, with intervals of the percentiles."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing import Pipe
from multiprocessing.connection import Connection
from pathlib import Path

import numpy as np

from workbench.engine.core.errors import RunError, WorkbenchError
from workbench.engine.core.reports import LatencyReport
from workbench.engine.runtime.cpu_name import cpu_name
from workbench.engine.runtime.fresh_process import fresh_process, niceness
from workbench.engine.runtime.order_statistics import quantile_figure
from workbench.engine.runtime.random_inputs import random_inputs
from workbench.engine.runtime.session import Feeds, RuntimeSession
from workbench.jobs import Cancelled, JobContext

_WARM_UP_RUNS = 5
_LEAST_RUNS = 10
# A person's next click waits for the round that runs.
_ROUND_RUNS, _ROUND_S = 10, 0.1
# After a longer pause the caches hold what others worked on.
_PAUSE_S = 0.02
_POLL_S = 0.05


def measure_latency(
    model: bytes | Path, ctx: JobContext, *, max_runs: int = 200, max_seconds: float = 3.0
) -> LatencyReport:
    """p50 and p90 of single inferences with random inputs of one sample.

    They are measured in a fresh process, without the niceness and the other threads of this one, in short rounds
    that have the engine to themselves, as far as the context can see to it.

    Args:
        model: the file's bytes or its path.
        ctx: asked all the time; told the progress.
        max_runs: stop after so many runs.
        max_seconds: stop after so much time in runs, but not before ten of them.

    Raises:
        Cancelled: somebody asked to stop.
        RunError: the model does not run.
    """
    with _process(str(model) if isinstance(model, Path) else "") as connection:
        try:
            if not isinstance(model, Path):
                connection.send_bytes(model)
            niceness_there = _answer(connection, ctx)
            times_ms = _all_rounds(connection, ctx, max_runs, max_seconds)
        except (EOFError, ConnectionError) as error:
            raise RunError("the process that measures latency has ended", "try again; free memory") from error
    measured = np.array(times_ms)
    p50, p90 = quantile_figure(measured, 0.5, "ms"), quantile_figure(measured, 0.9, "ms")
    return LatencyReport(p50, p90, cpu_name(), niceness=int(niceness_there[0]))


def _all_rounds(connection: Connection, ctx: JobContext, max_runs: int, max_seconds: float) -> list[float]:
    times_ms: list[float] = []
    while len(times_ms) < max_runs and (len(times_ms) < _LEAST_RUNS or sum(times_ms) < 1000 * max_seconds):
        ctx.checkpoint()
        with ctx.alone():
            connection.send(min(_ROUND_RUNS, max_runs - len(times_ms)))
            times_ms += _answer(connection, ctx)
        ctx.progress(len(times_ms), max_runs, "latency")
    return times_ms


@contextmanager
def _process(path: str) -> Iterator[Connection]:
    ours, theirs = Pipe()
    process = fresh_process(_run_fresh, path, theirs)
    process.start()
    theirs.close()
    try:
        yield ours
    finally:
        # It has either sent everything, or nobody wants what it would send.
        process.kill()
        process.join()
        process.close()
        ours.close()


def _answer(connection: Connection, ctx: JobContext) -> tuple[float, ...]:
    """What the process answers. Does not wait at a gate: those who are let in there wait for the round to end."""
    while not connection.poll(_POLL_S):
        if ctx.is_cancelled:
            raise Cancelled
    answer: str | tuple[float, ...] = connection.recv()
    if isinstance(answer, str):
        raise RunError(answer)
    return answer


def _run_fresh(path: str, connection: Connection) -> None:
    """In the fresh process: open the model, send the niceness, then the times in ms of each round asked for."""
    try:
        session = RuntimeSession(Path(path) if path else connection.recv_bytes(), spinning=True)
        feeds = random_inputs(session)
        _warm_up(session, feeds, _WARM_UP_RUNS)
        connection.send((niceness(),))
        while True:
            before = time.perf_counter()
            count = connection.recv()
            if time.perf_counter() - before > _PAUSE_S:
                _warm_up(session, feeds, 1)
            connection.send(tuple(_round_ms(session, feeds, count)))
    except WorkbenchError as error:
        connection.send(str(error))
    except (EOFError, ConnectionError):
        pass  # the other end needs no more


def _warm_up(session: RuntimeSession, feeds: Feeds, count: int) -> None:
    for _ in range(count):
        session.run(feeds)


def _round_ms(session: RuntimeSession, feeds: Feeds, count: int) -> Iterator[float]:
    """Times of so many runs in ms; of fewer where they take long."""
    start = last = time.perf_counter()
    while count > 0 and last - start < _ROUND_S:
        before = time.perf_counter()
        session.run(feeds)
        last = time.perf_counter()
        yield (last - before) * 1000
        count -= 1
