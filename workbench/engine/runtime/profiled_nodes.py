"""Times of single nodes on this computer, by onnxruntime's profiler in a process of its own."""

import json
import tempfile
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, replace
from multiprocessing.connection import Connection
from pathlib import Path

import numpy as np

from workbench.engine.core.errors import WorkbenchError
from workbench.engine.core.measurement import Figure
from workbench.engine.runtime.order_statistics import quantile_figure
from workbench.engine.runtime.random_inputs import random_inputs
from workbench.engine.runtime.session import RuntimeSession
from workbench.engine.runtime.timed_runs import ROUND_RUNS, answer_of, round_ms, timing_process, warm_up
from workbench.jobs import JobContext

_WARM_UP_RUNS = 5
_MOST_RUNS, _LEAST_RUNS, _MOST_MS = 60, 12, 2000
_TIME = "_kernel_time"
# The profiler gives whole microseconds: a time may lie so far from what it says.
_ROUNDED_MS = 0.0005


@dataclass(frozen=True, slots=True)
class ProfiledNode:
    """One node of the graph that onnxruntime ran.

    Args:
        name: that onnxruntime gave it; it says which node it was made of.
        op_type: after fusing, such as "QLinearConv".
        time: median in ms, with its interval.
    """

    name: str
    op_type: str
    time: Figure


def profile_nodes(model: bytes, ctx: JobContext) -> tuple[ProfiledNode, ...]:
    """What each node takes in one inference with random inputs of one sample, on all cores.

    Runs come in short rounds that have the engine to themselves, as far as the context can see to it.

    Args:
        model: the file's bytes, without external data.
        ctx: asked all the time; told the progress.

    Raises:
        Cancelled: somebody asked to stop.
        RunError: the model does not run.
    """
    with timing_process(_profile_fresh) as connection:
        connection.send_bytes(model)
        answer_of(connection, ctx)
        done, milliseconds = 0, 0.0
        while done < _MOST_RUNS and (done < _LEAST_RUNS or milliseconds < _MOST_MS):
            ctx.checkpoint()
            with ctx.alone():
                connection.send(min(ROUND_RUNS, _MOST_RUNS - done))
                times: tuple[float, ...] = answer_of(connection, ctx)
            done += len(times)
            milliseconds += sum(times)
            ctx.progress(done, _MOST_RUNS)
        connection.send(0)
        nodes: tuple[ProfiledNode, ...] = answer_of(connection, ctx)
    return nodes


def _profile_fresh(connection: Connection) -> None:
    """In the fresh process: say when the model is open, then the times of each round asked for, at last the nodes."""
    with tempfile.TemporaryDirectory(prefix="workbench-") as folder:
        try:
            session = RuntimeSession(connection.recv_bytes(), spinning=True, profile_prefix=Path(folder) / "nodes")
            feeds = random_inputs(session)
            warm_up(session, feeds, _WARM_UP_RUNS)
            connection.send(())
            while count := connection.recv():
                connection.send(tuple(round_ms(session, feeds, count)))
            connection.send(_nodes_of(json.loads(session.end_profiling().read_text(encoding="utf-8"))))
        except WorkbenchError as error:
            connection.send(str(error))
        except (EOFError, ConnectionError):
            pass  # the other end needs no more


def _nodes_of(events: list[Mapping[str, object]]) -> tuple[ProfiledNode, ...]:
    """The nodes of the main graph in the order of running, each with its times after the warm-up."""
    times: dict[tuple[str, str], list[float]] = defaultdict(list)
    for event in events:
        name, arguments, duration_us = str(event.get("name", "")), event.get("args"), event.get("dur")
        if event.get("cat") == "Node" and name.endswith(_TIME) and isinstance(arguments, dict):
            assert isinstance(duration_us, int)
            times[name.removesuffix(_TIME), str(arguments.get("op_name"))].append(duration_us / 1000)
    return tuple(
        ProfiledNode(name, op_type, _median(each[_WARM_UP_RUNS:]))
        for (name, op_type), each in times.items()
        if len(each) > _WARM_UP_RUNS
    )


def _median(times: list[float]) -> Figure:
    """In ms, with an interval that is no narrower than the profiler's whole microseconds."""
    found = quantile_figure(np.array(times, np.float64), 0.5, "ms")
    if found.low is None or found.high is None:
        return found
    return replace(found, low=max(0.0, found.low - _ROUNDED_MS), high=found.high + _ROUNDED_MS)
