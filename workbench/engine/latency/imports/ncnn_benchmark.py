"""What ncnn's benchncnn prints: a line for each network, `mobilenet_v2  min =   12.34  max =   13.00  avg =   12.50`.

Source: Tencent/ncnn benchmark/README.md; the run begins with `loop_count = 8`.
"""

import re

from workbench.engine.core.tool_time import ToolTime

_LINE = re.compile(r"^\s*(\S+)\s+min =\s*([\d.]+)\s+max =\s*([\d.]+)\s+avg =\s*([\d.]+)", re.MULTILINE)
_COUNT = re.compile(r"loop_count = (\d+)")


def read(text: str) -> list[ToolTime]:
    """The average of each network; none if the text is another tool's."""
    count = _COUNT.search(text)
    loops = int(count[1]) if count else 0
    return [
        ToolTime("benchncnn", float(average), loops, name, float(least), float(most))
        for name, least, most, average in _LINE.findall(text)
    ]
