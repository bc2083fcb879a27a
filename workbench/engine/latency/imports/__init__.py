"""Times out of what measuring tools print, one tool a file. May import core.

`read_times` tells the tools apart.
"""

from workbench.engine.latency.imports.read_times import ToolTime, read_times

__all__ = ["ToolTime", "read_times"]
