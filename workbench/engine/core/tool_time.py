"""One time that a tool measured."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ToolTime:
    """A network's time.

    Args:
        tool: that printed it.
        ms: average of one inference.
        n: number of runs; 0 if the tool does not say.
        network: its name; empty if the tool does not say.
        min_ms, max_ms: None if the tool does not say.
    """

    tool: str
    ms: float
    n: int = 0
    network: str = ""
    min_ms: float | None = None
    max_ms: float | None = None
