"""Figures of work that is done in a process of its own: seconds, and the most memory it took."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

_ROOT = Path(__file__).resolve().parents[2]
# The mark is that of this program alone; getrusage's would begin with the parent's.
_SCRIPT = """
import json, re, sys, time
from pathlib import Path
def peak():
    return int(re.search(r"VmHWM:\\s+(\\d+)", Path("/proc/self/status").read_text())[1]) * 1024
{prepare}
before, start = peak(), time.perf_counter()
{work}
seconds = time.perf_counter() - start
print(json.dumps([seconds, peak(), peak() - before]))
"""


@dataclass(frozen=True, slots=True)
class Cost:
    """Seconds of the work; most memory of the whole process, and what of it the work added to the imports."""

    seconds: float
    peak_bytes: int
    added_bytes: int


@pytest.fixture
def cost_of() -> Callable[..., Cost]:
    """Runs Python text in a fresh process: `cost_of(prepare, work, argument…)`; arguments are in `sys.argv[1:]`."""
    if not Path("/proc/self/status").is_file():
        pytest.skip("needs Linux, which tells how much memory a process took at most")

    def run(prepare: str, work: str, *arguments: object) -> Cost:
        done = subprocess.run(
            [sys.executable, "-c", _SCRIPT.format(prepare=prepare, work=work), *map(str, arguments)],
            env={**os.environ, "PYTHONPATH": str(_ROOT)}, capture_output=True, text=True, check=True, timeout=300,
        )  # fmt: skip
        return Cost(*json.loads(done.stdout.splitlines()[-1]))

    return run
