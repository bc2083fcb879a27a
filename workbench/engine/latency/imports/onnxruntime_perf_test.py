"""What onnxruntime_perf_test prints.

Source: onnxruntime/test/perftest: `Average inference time cost: 12.34 ms` or `Average inference time cost total: …`,
and `Total inference requests: 100`, `Min Latency: 0.0118 s`, `Max Latency: 0.0131 s`.
"""

import re

from workbench.engine.core.tool_time import ToolTime

_AVERAGE = re.compile(r"Average inference time cost(?: total)?: ([\d.e+-]+) ms")
_COUNT = re.compile(r"Total inference requests: (\d+)")
# The tool names no model itself; people paste the command with what it has printed.
_MODEL = re.compile(r"onnxruntime_perf_test\b[^\n]*?[\s\"'](\S+?\.(?:onnx|ort))\b")
_LIMIT = r"{} Latency: ([\d.e+-]+) s"


def read(text: str) -> list[ToolTime]:
    """The average over the requests; none if the text is another tool's."""
    average = _AVERAGE.search(text)
    if average is None:
        return []
    count = _COUNT.search(text)
    limits = [re.search(_LIMIT.format(word), text) for word in ("Min", "Max")]
    least, most = (float(found[1]) * 1000 if found else None for found in limits)
    model = _MODEL.search(text)
    num_runs, network = int(count[1]) if count else 0, model[1] if model else ""
    return [ToolTime("onnxruntime_perf_test", float(average[1]), num_runs, network, least, most)]
