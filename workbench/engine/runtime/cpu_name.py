"""What the processor of this computer calls itself."""

import platform
import subprocess
from pathlib import Path


def cpu_name() -> str:
    """The processor's name, such as "Intel(R) Core(TM) i7-1165G7"; "this computer" if it cannot be told."""
    system = platform.system()
    name = ""
    if system == "Linux":
        name = _from_cpuinfo(Path("/proc/cpuinfo"))
    elif system == "Darwin":
        name = _from_sysctl()
    return name or platform.processor() or platform.machine() or "this computer"


def _from_cpuinfo(path: Path) -> str:
    try:
        lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return ""
    # ARM kernels give no "model name", but often the board's.
    for key in ("model name", "Hardware", "Model"):
        for line in lines:
            name, _, value = line.partition(":")
            if name.strip() == key and value.strip():
                return " ".join(value.split())
    return ""


def _from_sysctl() -> str:
    command = ["/usr/sbin/sysctl", "-n", "machdep.cpu.brand_string"]
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True, timeout=2).stdout.strip()
    except (OSError, subprocess.SubprocessError):
        return ""
