"""A profile downloaded from Qualcomm AI Hub: JSON with `execution_summary` and times in microseconds.

Source: AI Hub's documentation of `download_profile`: `estimated_inference_time` and `all_inference_times`.
"""

import json

from workbench.engine.core.tool_time import ToolTime

# Where people or scripts that collect profiles say what was profiled; AI Hub itself says it on its page alone.
_NAMES = ("model_name", "model", "name")


def read(text: str) -> list[ToolTime]:
    """The estimated time of one inference, which AI Hub takes from the fastest runs; none if it is something else."""
    try:
        content = json.loads(text)
    except ValueError:
        return []
    summary = content.get("execution_summary") if isinstance(content, dict) else None
    time_us = summary.get("estimated_inference_time") if isinstance(summary, dict) else None
    if not isinstance(summary, dict) or not isinstance(time_us, int | float):
        return []
    times = [one / 1000 for one in summary.get("all_inference_times") or [] if isinstance(one, int | float)]
    least, most = (min(times), max(times)) if times else (None, None)
    named = next((one for one in map(content.get, _NAMES) if isinstance(one, str)), "")
    return [ToolTime("AI Hub", time_us / 1000, len(times), named, least, most)]
