"""What is known of a run without measuring it, as numbers that the prior of costs takes."""

import re
from dataclasses import dataclass

from workbench.engine.core.device_profile import Backend

# Cores that begin one instruction after the other, and those that begin many at once.
_IN_ORDER = re.compile(r"A53|A55|A35|A510|A5\b|A7\b|A9\b")
_WIDE = re.compile(r"X1|X2|X3|X4|A720|Apple|Oryon|N2")
# Builds of ncnn before computed in float32 on every core; then came better kernels, twice.
_HALF_FLOATS, _NEWER, _NEWER_HALF, _NEWEST = "2020-07", "2021-03", "2023-03", "2023-10"
_BIG_CLUSTER = 4
# These keep the channels of a place together, and share kernels; the others keep packs of four or eight.
_CHANNELS_LAST = ("TFLite", "XNNPACK")


@dataclass(frozen=True, slots=True)
class RunDescription:
    """A run as its owner can describe it.

    Args:
        backend: what computes.
        core: name of the cores, or of the GPU or NPU.
        runtime: such as "ncnn" or "TFLite 2020".
        date: of the runtime, "2024-06-12"; empty if unknown.
        threads: 0 where that means nothing.
        has_half: whether the cores have float16 arithmetic.
        precision: "float", "int8", "w8a8" or "w8a16": counts for an NPU.
        ghz: of the fastest cores; 0 if unknown.
    """

    backend: Backend
    core: str
    runtime: str
    date: str = ""
    threads: int = 0
    has_half: bool = False
    precision: str = "float"
    ghz: float = 0.0


CPU_TRAITS = (
    "constant", "half", "in_order", "threads", "many_threads", "newer", "half_newer", "newest", "half_in_order",
    "wide", "other_runtime", "channels_last",
)  # fmt: skip
GPU_TRAITS = ("constant", "vulkan", "tflite", "mali", "adreno")
NPU_TRAITS = ("constant", "w8a8", "w8a16", "tflite", "onnx", "older")
TRAITS = {Backend.CPU: CPU_TRAITS, Backend.GPU: GPU_TRAITS, Backend.NPU: NPU_TRAITS}


def traits_of(run: RunDescription) -> dict[str, float]:
    """The traits of a run by the names of its backend's, each 0 or 1.

    >>> run = RunDescription(Backend.CPU, "Cortex-A53", "ncnn", "2022-01-03", threads=4)
    >>> sorted(name for name, value in traits_of(run).items() if value)
    ['constant', 'in_order', 'newer', 'threads']
    """
    makers = {Backend.CPU: _cpu, Backend.GPU: _gpu, Backend.NPU: _npu}
    return {"constant": 1.0} | {name: float(value) for name, value in makers[run.backend](run).items()}


def _cpu(run: RunDescription) -> dict[str, bool]:
    is_ncnn = run.runtime == "ncnn"
    half = run.has_half and not (is_ncnn and run.date < _HALF_FLOATS)
    in_order = bool(_IN_ORDER.search(run.core)) and "+" not in run.core and not re.search(r"A7\d", run.core)
    return {
        "half": half,
        "in_order": in_order,
        "threads": run.threads > 1,
        "many_threads": run.threads > _BIG_CLUSTER or ("+" in run.core and run.threads > 1),
        "newer": is_ncnn and run.date > _NEWER,
        "half_newer": half and is_ncnn and run.date > _NEWER_HALF,
        "newest": is_ncnn and run.date > _NEWEST,
        "half_in_order": half and in_order,
        "wide": bool(_WIDE.search(run.core)),
        "other_runtime": not is_ncnn,
        "channels_last": run.runtime.startswith(_CHANNELS_LAST),
    }


def _gpu(run: RunDescription) -> dict[str, bool]:
    return {
        "vulkan": run.runtime == "ncnn",
        "tflite": run.runtime.startswith("TFLite"),
        "mali": "Mali" in run.core,
        "adreno": "Adreno" in run.core,
    }


def _npu(run: RunDescription) -> dict[str, bool]:
    return {
        "w8a8": run.precision in ("w8a8", "int8"),
        "w8a16": run.precision == "w8a16",
        "tflite": run.runtime == "tflite",
        "onnx": run.runtime == "onnx",
        "older": run.date.startswith("2025"),
    }
