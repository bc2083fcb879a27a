"""Times out of the text of any known tool."""

from workbench.engine.core.errors import DataError
from workbench.engine.core.tool_time import ToolTime
from workbench.engine.latency.imports import ai_hub, benchmark_model, ncnn_benchmark, onnxruntime_perf_test

_READERS = (ai_hub.read, benchmark_model.read, onnxruntime_perf_test.read, ncnn_benchmark.read)

__all__ = ["ToolTime", "read_times"]


def read_times(text: str, where: str = "the text") -> list[ToolTime]:
    """What was measured, as the tool that printed the text says.

    Raises:
        DataError: no known tool prints such a text.
    """
    for read in _READERS:
        times = read(text)
        if times:
            return times
    known = "benchmark_model, onnxruntime_perf_test, benchncnn or an AI Hub profile"
    raise DataError(f"{where}: no time found", f"give the output of {known}, or the milliseconds")
