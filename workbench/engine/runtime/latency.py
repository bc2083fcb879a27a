"""Time of one inference on this computer: measured alone in a process, batch 1, with intervals of the percentiles.

Two models are timed by turns: what they take minutes apart says more of the computer's load than of them.
"""

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from multiprocessing.connection import Connection
from pathlib import Path

import numpy as np

from workbench.engine.core.errors import WorkbenchError
from workbench.engine.core.measurement import Figure
from workbench.engine.core.reports import LatencyReport
from workbench.engine.runtime.cpu_name import cpu_name
from workbench.engine.runtime.fresh_process import niceness
from workbench.engine.runtime.order_statistics import quantile_figure
from workbench.engine.runtime.random_inputs import random_inputs
from workbench.engine.runtime.session import Feeds, RuntimeSession
from workbench.engine.runtime.timed_runs import ROUND_RUNS, answer_of, round_ms, timing_process, warm_up
from workbench.jobs import JobContext

_WARM_UP_RUNS = 5
_LEAST_RUNS = 10
# After a longer pause the caches hold what others worked on.
_PAUSE_S = 0.02

# One model's times in ms, round by round.
_Rounds = list[tuple[float, ...]]


def measure_latency(
    model: bytes | Path,
    ctx: JobContext,
    *,
    against: bytes | Path | None = None,
    max_runs: int = 200,
    max_seconds: float = 3.0,
) -> LatencyReport:
    """p50 and p90 of single inferences with random inputs of one sample.

    They are measured in a fresh process, without the niceness and the other threads of this one, in short rounds
    that have the engine to themselves, as far as the context can see to it.

    Args:
        model: the file's bytes or its path.
        ctx: asked all the time; told the progress.
        against: another model, timed in the same process by turns, which the first one is compared with.
        max_runs: stop after so many runs of the model.
        max_seconds: stop after so much time in runs of all models, but not before ten of the first.

    Raises:
        Cancelled: somebody asked to stop.
        RunError: a model does not run.
    """
    models = (model,) if against is None else (model, against)
    with _process(models) as connection:
        niceness_there: int = answer_of(connection, ctx)
        rounds = _all_rounds(connection, ctx, len(models), max_runs, max_seconds)
    times_ms = [np.array([ms for times in one for ms in times]) for one in rounds]
    return LatencyReport(
        quantile_figure(times_ms[0], 0.5, "ms"),
        quantile_figure(times_ms[0], 0.9, "ms"),
        cpu_name(),
        niceness=niceness_there,
        original=quantile_figure(times_ms[1], 0.5, "ms") if against is not None else None,
        ratio=_ratio(*rounds) if against is not None else None,
    )


def _all_rounds(
    connection: Connection, ctx: JobContext, num_models: int, max_runs: int, max_seconds: float
) -> list[_Rounds]:
    rounds: list[_Rounds] = [[] for _ in range(num_models)]
    done, seconds = 0, 0.0
    while done < max_runs and (done < _LEAST_RUNS or seconds < max_seconds):
        for place in _turns(num_models, len(rounds[0])):
            ctx.checkpoint()
            with ctx.alone():
                connection.send((place, min(ROUND_RUNS, max_runs - done)))
                rounds[place].append(answer_of(connection, ctx))
        done += len(rounds[0][-1])
        seconds += sum(sum(one[-1]) for one in rounds) / 1000
        ctx.progress(done, max_runs, "latency")
    return rounds


def _turns(num_models: int, number: int) -> Sequence[int]:
    """Forwards and backwards, so that a computer that slows down is to nobody's favour."""
    places = range(num_models)
    return places if number % 2 == 0 else places[::-1]


def _ratio(rounds: _Rounds, others: _Rounds) -> Figure:
    """The median of how much of the other model's time each round took; of neighbours, which had the same load."""
    ratios = [np.median(one) / np.median(other) for one, other in zip(rounds, others, strict=True)]
    return quantile_figure(np.array(ratios, np.float64), 0.5, "fraction")


@contextmanager
def _process(models: Sequence[bytes | Path]) -> Iterator[Connection]:
    """A process that has the models open."""
    paths = tuple(str(model) if isinstance(model, Path) else "" for model in models)
    with timing_process(_run_fresh, paths) as connection:
        for model in models:
            if not isinstance(model, Path):
                connection.send_bytes(model)
        yield connection


def _run_fresh(paths: Sequence[str], connection: Connection) -> None:
    """In the fresh process: open the models, send the niceness, then the times in ms of each round asked for."""
    try:
        models = [Path(path) if path else connection.recv_bytes() for path in paths]
        opened = [_opened(model) for model in models]
        connection.send(niceness())
        last = -1
        while True:
            before = time.perf_counter()
            place, count = connection.recv()
            session, feeds = opened[place]
            if place != last or time.perf_counter() - before > _PAUSE_S:
                warm_up(session, feeds, 1)
            connection.send(tuple(round_ms(session, feeds, count)))
            last = place
    except WorkbenchError as error:
        connection.send(str(error))
    except (EOFError, ConnectionError):
        pass  # the other end needs no more


def _opened(model: bytes | Path) -> tuple[RuntimeSession, Feeds]:
    session = RuntimeSession(model, spinning=True)
    feeds = random_inputs(session)
    warm_up(session, feeds, _WARM_UP_RUNS)
    return session, feeds
