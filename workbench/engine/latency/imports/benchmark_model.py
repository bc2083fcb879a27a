"""What TFLite's benchmark_model prints.

Source: tensorflow/lite/tools/benchmark: `Inference timings in us: Init: …, First inference: …, Warmup (avg): …,
Inference (avg): 12345.6`, and before it `count=50 first=… curr=… min=… max=… avg=… std=…`.
"""

import re

from workbench.engine.core.tool_time import ToolTime

_AVERAGE = re.compile(r"Inference timings in us:.*?Inference \(avg\): ([\d.e+]+)", re.DOTALL)
_COUNTS = re.compile(r"count=(\d+)[^\n]*?min=([\d.e+]+) max=([\d.e+]+) avg=([\d.e+]+)")
_GRAPH = re.compile(r"Graph: \[(.*?)\]")


def read(text: str) -> list[ToolTime]:
    """The average over the runs after warming up; none if the text is another tool's."""
    average = _AVERAGE.search(text)
    if average is None:
        return []
    # The last of the two: the first counts the runs that warm up.
    counts = (_COUNTS.findall(text) or [("0", "", "", "")])[-1]
    graph = _GRAPH.search(text)
    return [
        ToolTime(
            "benchmark_model",
            float(average[1]) / 1000,
            int(counts[0]),
            graph[1] if graph else "",
            float(counts[1]) / 1000 if counts[1] else None,
            float(counts[2]) / 1000 if counts[2] else None,
        )
    ]
