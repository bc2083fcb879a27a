"""Time of one inference on this computer: measured alone in a process, batch 1, with intervals of the percentiles."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
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
from workbench.engine.runtime.session import RuntimeSession
from workbench.jobs import JobContext

_WARM_UP_RUNS = 5
_LEAST_RUNS = 10
_POLL_S = 0.05


@dataclass(frozen=True, slots=True)
class _Task:
    path: str
    max_runs: int
    max_seconds: float


@dataclass(frozen=True, slots=True)
class _Times:
    """Each run's time in ms, and the niceness that it was measured with."""

    times_ms: tuple[float, ...]
    niceness: int


def measure_latency(
    model: bytes | Path, ctx: JobContext, *, max_runs: int = 200, max_seconds: float = 3.0
) -> LatencyReport:
    """p50 and p90 of single inferences with random inputs of one sample.

    They are measured in a fresh process, without the niceness and the other threads of this one. Only the caller
    knows whether other work is going on, and should see to it that none is.

    Args:
        model: the file's bytes or its path.
        ctx: asked all the time; told the progress.
        max_runs: stop after so many runs.
        max_seconds: stop after this time, but not before ten runs.

    Raises:
        Cancelled: somebody asked to stop.
        RunError: the model does not run.
    """
    with _process(_Task(str(model) if isinstance(model, Path) else "", max_runs, max_seconds)) as connection:
        try:
            if not isinstance(model, Path):
                connection.send_bytes(model)
            while isinstance(answer := _answer(connection, ctx), int):
                ctx.progress(answer, max_runs, "latency")
        except (EOFError, ConnectionError) as error:
            raise RunError("the process that measures latency has ended", "try again; free memory") from error
    if isinstance(answer, str):
        raise RunError(answer)
    measured = np.array(answer.times_ms)
    p50, p90 = quantile_figure(measured, 0.5, "ms"), quantile_figure(measured, 0.9, "ms")
    return LatencyReport(p50, p90, cpu_name(), niceness=answer.niceness)


@contextmanager
def _process(task: _Task) -> Iterator[Connection]:
    ours, theirs = Pipe()
    process = fresh_process(_run_fresh, task, theirs)
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


def _answer(connection: Connection, ctx: JobContext) -> int | str | _Times:
    """The number of runs so far, what went wrong, or the result."""
    while not connection.poll(_POLL_S):
        ctx.checkpoint()
    answer: int | str | _Times = connection.recv()
    ctx.checkpoint()
    return answer


def _run_fresh(task: _Task, connection: Connection) -> None:
    """In the fresh process: open the model, run it, send the times."""
    try:
        model = Path(task.path) if task.path else connection.recv_bytes()
        connection.send(_Times(tuple(_times_ms(model, task, connection)), niceness()))
    except WorkbenchError as error:
        connection.send(str(error))
    except (EOFError, ConnectionError):
        pass  # the other end was cancelled and needs no more


def _times_ms(model: bytes | Path, task: _Task, connection: Connection) -> list[float]:
    session = RuntimeSession(model, spinning=True)
    feeds = random_inputs(session)
    for _ in range(_WARM_UP_RUNS):
        session.run(feeds)
    times: list[float] = []
    start = last = time.perf_counter()
    while len(times) < task.max_runs and (len(times) < _LEAST_RUNS or last - start < task.max_seconds):
        before = time.perf_counter()
        session.run(feeds)
        last = time.perf_counter()
        times.append((last - before) * 1000)
        if len(times) % _LEAST_RUNS == 0:
            connection.send(len(times))
    return times
