"""Time of one inference on this computer: measured, batch 1, with intervals of the percentiles."""

import time
from pathlib import Path

import numpy as np
import numpy.typing as npt

from workbench.engine.core.layer import TensorInfo
from workbench.engine.core.reports import LatencyReport
from workbench.engine.runtime.cpu_name import cpu_name
from workbench.engine.runtime.order_statistics import quantile_figure
from workbench.engine.runtime.session import RuntimeSession
from workbench.jobs import JobContext

_DTYPES = {"float": np.float32, "float16": np.float16, "double": np.float64, "int64": np.int64, "int32": np.int32,
           "uint8": np.uint8, "int8": np.int8, "bool": np.bool_}  # fmt: skip
_WARM_UP_RUNS = 5


def measure_latency(
    model: bytes | Path, ctx: JobContext, *, max_runs: int = 200, max_seconds: float = 3.0
) -> LatencyReport:
    """p50 and p90 of single inferences with random inputs of one sample.

    Args:
        model: the file's bytes or its path.
        ctx: asked before each run.
        max_runs: stop after so many runs.
        max_seconds: stop after this time, but not before ten runs.

    Raises:
        Cancelled: somebody asked to stop.
        RunError: the model does not run.
    """
    session = RuntimeSession(model, spinning=True)
    feeds = {info.name: _random_input(info) for info in session.inputs}
    for _ in range(_WARM_UP_RUNS):
        session.run(feeds, ctx)
    times: list[float] = []
    start = time.perf_counter()
    while len(times) < max_runs and (len(times) < 10 or time.perf_counter() - start < max_seconds):
        ctx.checkpoint()
        before = time.perf_counter()
        session.run(feeds)
        times.append((time.perf_counter() - before) * 1000)
        ctx.progress(len(times), max_runs, "latency")
    measured = np.array(times)
    return LatencyReport(quantile_figure(measured, 0.5, "ms"), quantile_figure(measured, 0.9, "ms"), cpu_name())


def _random_input(info: TensorInfo) -> npt.NDArray[np.generic]:
    shape = tuple(dim if isinstance(dim, int) else 1 for dim in info.shape)
    generator = np.random.default_rng(0)
    dtype = _DTYPES.get(info.dtype, np.float32)
    return generator.random(shape, dtype=np.float32).astype(dtype)
