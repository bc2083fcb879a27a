"""Whether this computer's integer kernels saturate: x86 without VNNI adds pairs of products in 16 bits.

An unsigned 8-bit activation times a signed 8-bit weight can be as large as 255 · 127, and two of them no longer fit.

Source: ONNX Runtime's documentation on quantization, "When to use reduce-range"; Intel's description of VPMADDUBSW.
"""

import platform
from pathlib import Path

_CPU_INFO = Path("/proc/cpuinfo")
_X86 = ("x86_64", "amd64", "i386", "i686")


def saturates() -> bool | None:
    """Whether sums of products saturate here; None where that is not known."""
    try:
        text = _CPU_INFO.read_text(encoding="utf-8", errors="replace")
    except OSError:
        text = ""
    return saturates_with(platform.machine(), text)


def saturates_with(machine: str, cpu_info: str) -> bool | None:
    """The same of another computer.

    Args:
        machine: as `platform.machine()` names it.
        cpu_info: text of Linux's /proc/cpuinfo; empty where there is none.

    >>> saturates_with("x86_64", "flags : fpu avx2"), saturates_with("x86_64", "flags : avx2 avx512_vnni")
    (True, False)
    >>> saturates_with("aarch64", ""), saturates_with("x86_64", "")
    (False, None)
    """
    if machine.lower() not in _X86:
        return False
    flags = next((line.partition(":")[2].split() for line in cpu_info.splitlines() if line.startswith("flags")), None)
    return None if flags is None else not any("vnni" in flag for flag in flags)
