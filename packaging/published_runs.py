"""Published measurements as runs: a device with a runtime, and the times of networks on it."""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
from measured_networks import operators_of

from workbench.engine.core.device_profile import Backend, ProfileSource
from workbench.engine.latency.features import feature_matrix
from workbench.engine.latency.operator import Operator
from workbench.engine.latency.traits import RunDescription

_BACKENDS = {"cpu": Backend.CPU, "gpu": Backend.GPU, "gpu-vulkan": Backend.GPU, "npu": Backend.NPU}
# Beyond, the device was hot, or did something else as well.
_LARGEST_SPREAD = 1.6
# Their times say more of many cores and of caches than of phones.
_LEFT_OUT = ("server",)


@dataclass(frozen=True, slots=True)
class Measurement:
    """A network's time on a run.

    Args:
        network: its key in the file.
        family: networks that share an architecture; left out together.
        is_int8: whether it is quantized.
        ms: average.
        macs: multiply-adds.
        features: of the whole network, shape (K,).
    """

    network: str
    family: str
    is_int8: bool
    ms: float
    macs: int
    features: np.ndarray = field(repr=False)


@dataclass(frozen=True, slots=True)
class Run:
    """One run of a benchmark.

    Args:
        id: of the first record that it is made of.
        device, soc, category: as in the record.
        description: what the prior takes.
        measurements: by network.
        sources: where they were read.
    """

    id: str
    device: str
    soc: str
    category: str
    description: RunDescription
    measurements: tuple[Measurement, ...]
    sources: tuple[ProfileSource, ...]


def read_runs(path: Path, backend: Backend) -> list[Run]:
    """The runs of one backend; of runs in float and in int8 on one device, one is made where costs may differ."""
    data = json.loads(path.read_text(encoding="utf-8"))
    networks = {name: operators_of(network) for name, network in data["networks"].items()}
    runs: dict[str, Run] = {}
    for record in data["devices"]:
        if _BACKENDS.get(record["backend"]) is not backend or record["category"] in _LEFT_OUT:
            continue
        # One phone by a driver of 2020, on which nothing else was measured, teaches nothing about others.
        if str(record["runtime"]).startswith("NNAPI"):
            continue
        run = _run(record, backend, networks)
        if run.measurements:
            key = _key(record, backend)
            runs[key] = _joined(runs[key], run) if key in runs else run
    return list(runs.values())


def family_of(network: str, *, is_strict: bool = False) -> str:
    """The architecture of a network, without width, resolution, precision and where it was published.

    A detector is a family of its own unless `is_strict`: then it belongs to the network that it looks with.
    """
    name = network.split("/")[1].replace("_int8", "")
    if not is_strict and name in ("mobilenet_ssd", "mobilenet_yolo", "mobilenetv2_yolov3"):
        return name
    for pattern, family in _FAMILIES:
        if re.search(pattern, name):
            return family
    return name


# In this order: the first that matches wins.
_FAMILIES = (
    ("^fcn", "fcn"), ("^inception_resnet", "inception_resnet"), ("mobilenet_v3|mobilenetv3", "mobilenet_v3"),
    ("mobilenet_v2|mobilenetv2", "mobilenet_v2"), ("^mobilenet($|_ssd|_yolo|_v1)", "mobilenet_v1"),
    ("efficientnetv2|efficientnet_v2", "efficientnet_v2"), ("efficientnet", "efficientnet"),
    ("^resnetv2|^resnet", "resnet"), ("inception_v3", "inception_v3"), ("googlenet|inception_v1", "googlenet"),
    ("resnext", "resnext"), ("regnet", "regnet"), ("shufflenet_v2", "shufflenet_v2"), ("shufflenet", "shufflenet"),
    ("squeezenet", "squeezenet"), ("mnasnet", "mnasnet"), ("densenet", "densenet"), ("convnext", "convnext"),
    ("bert", "bert"), ("quicksr", "quicksrnet"), ("esrgan", "esrgan"), ("beit|vision_transformer", "vit"),
    ("mobileone", "mobileone"), ("ghostnet", "ghostnet"), ("lcnet", "lcnet"),
)  # fmt: skip


def _key(record: Mapping[str, object], backend: Backend) -> str:
    """What is one run: on a CPU the costs of float and int8 are told apart by the operators.

    The chip's name tells a board with a system of 32 bits from the same board with one of 64.
    """
    if record["runtime"] == "ncnn" or backend is not Backend.CPU:
        return str(record["id"])
    return f"{record['device']}|{record['soc']}|{record['runtime']}|{record['threads']}|{record['core']}"


def _joined(one: Run, other: Run) -> Run:
    return replace(one, measurements=(*one.measurements, *other.measurements), sources=(*one.sources, *other.sources))


def _run(record: Mapping[str, object], backend: Backend, networks: Mapping[str, Sequence[Operator]]) -> Run:
    runtime, precision = str(record["runtime"]), str(record["precision"])
    is_aihub = str(record["id"]).startswith("aihub")
    description = RunDescription(
        backend=backend,
        core=str(record.get("gpu") if record["backend"] == "gpu-vulkan" else record["core"] or ""),
        runtime=runtime,
        date=str(record.get("runtime_date") or (str(record["id"])[6:13] if is_aihub else "")),
        threads=int(record["threads"] or 0),  # type: ignore[call-overload]
        has_half=bool(record.get("fp16")) or "fp16" in precision,
        precision="float" if precision.startswith(("float", "mixed")) else precision,
        ghz=float(record.get("ghz") or 0.0),  # type: ignore[arg-type]
    )
    found = tuple(_measurements(record, description, networks))
    return Run(
        id=str(record["id"]),
        device=_without_brackets(str(record["device"])),
        soc=str(record["soc"]),
        category=str(record["category"]),
        description=description,
        measurements=found,
        sources=(_source(record, len(found)),),
    )


def _without_brackets(name: str) -> str:
    """What stands in brackets around the whole of a name; brackets inside belong to it."""
    return name[1:-1] if name.startswith("(") and name.endswith(")") else name


def _measurements(
    record: Mapping[str, object], run: RunDescription, networks: Mapping[str, Sequence[Operator]]
) -> list[Measurement]:
    times = record["networks"]
    assert isinstance(times, Mapping)
    found = []
    for name, entry in times.items():
        if entry.get("max") and entry["min"] and entry["max"] / entry["min"] > _LARGEST_SPREAD:
            continue
        is_int8 = "int8" in name or run.precision not in ("float",)
        # Before 2026-06 ncnn computed quantized networks on the CPU when asked for Vulkan.
        if run.backend is Backend.GPU and is_int8:
            continue
        matrix = feature_matrix(
            networks[name], run.backend, run.runtime, is_all_int8=run.backend is Backend.CPU and run.precision == "int8"
        )
        macs = sum(operator.macs for operator in networks[name])
        found.append(Measurement(name, family_of(name), is_int8, float(entry["avg"]), macs, matrix.sum(0)))
    return found


def _source(record: Mapping[str, object], count: int) -> ProfileSource:
    given = record["source"]
    assert isinstance(given, Mapping)
    if "repo_path" in given:
        text = str(given["repo_path"])
        repository, _, rest = text.partition(" ")
        commit = re.search(r"@?\b([0-9a-f]{40})\b", rest)
        licenses = re.search(r"\(([^)]*(?:BSD|Apache|MIT)[^)]*)\)", rest)
        path = re.split(r" \(|,| @", rest)[0]
        return ProfileSource(
            repository, path, commit[1] if commit else "", 0, licenses[1] if licenses else "", count,
            str(given.get("note") or ""),
        )  # fmt: skip
    return ProfileSource(
        str(given["repo"]), str(given["path"]), str(given["commit"]), int(given.get("line", 0)), str(given["license"]),
        count, str(given.get("section") or given.get("version") or ""),
    )  # fmt: skip
