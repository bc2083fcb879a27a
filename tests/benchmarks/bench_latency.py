"""How far off estimated latencies are for networks and devices that were left out, beside scaling by multiply-adds.

Each family of networks is left out of all devices, with its quantized twins, prior and costs fitted without it. A
detector is a family of its own; the rows called strict count it to the network that it looks with.
"""

import re
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest
from onnx import TensorProto, helper

from workbench.engine.core.device_profile import Backend
from workbench.engine.core.latency_estimate import CALLED
from workbench.engine.graph.model import model_of_bytes
from workbench.engine.latency.estimate import estimate, model_features
from workbench.engine.latency.onnx_operators import model_operators
from workbench.project.device_store import shipped_library

_PACKAGING = Path(__file__).resolve().parents[2] / "packaging"
_PHONES = ("phone", "phone-proxy")
_FEWEST_FOR_RANKS = 8
_BIG_CHANGE = 0.1


@pytest.fixture(scope="module")
def measurements() -> Iterator[Path]:
    path = Path(__file__).resolve().parents[3] / "shared" / "data" / "latency" / "measurements.json"
    if not path.is_file():
        pytest.skip("needs ../shared/data/latency/measurements.json")
    sys.path.insert(0, str(_PACKAGING))
    yield path
    sys.path.remove(str(_PACKAGING))


@pytest.fixture
def row(show: Callable[[str], None]) -> Callable[..., tuple[float, float]]:
    """Prints a row of the table; gives the median error and the share within 20 %."""

    def write(name: str, errors: Sequence[float], by_macs: Sequence[float], target: str) -> tuple[float, float]:
        median, within = float(np.median(errors)), float(np.mean(np.array(errors) < 0.2))
        scaled = f"{np.median(by_macs):6.1%} {np.mean(np.array(by_macs) < 0.2):6.0%}" if len(by_macs) else ""
        show(f"{name:44s} n = {len(errors):5d}  {median:6.1%} {within:6.0%}   MACs {scaled}   target {target}")
        return median, within

    return write


@pytest.mark.bench
def test_networks_whose_family_was_left_out_of_a_cpu(measurements: Path, row, show):
    from cross_validation import left_out
    from published_runs import family_of, read_runs

    runs = read_runs(measurements, Backend.CPU)
    found = left_out(runs, lambda one: one.family)
    phones = [one for one in found if runs[one.run].category in _PHONES]
    floats = [one for one in phones if not one.measurement.is_int8]
    integers = [one for one in phones if one.measurement.is_int8]

    show("\nestimated / measured, family left out of all devices: median error, within 20 %")
    in_float = row("CPU float, phones", _errors(floats), _macs_errors(floats), "9 %, 78 %")
    in_int8 = row("CPU int8, phones", _errors(integers), _macs_errors(integers), "10 %, 78 %")
    others = [one for one in found if runs[one.run].category not in _PHONES]
    row("CPU, boards and laptops", _errors(others), _macs_errors(others), "none")
    strict = left_out(runs, lambda one: family_of(one.network, is_strict=True))
    for name, is_int8 in (("CPU float, phones, strict", False), ("CPU int8, phones, strict", True)):
        kept = [one for one in strict if runs[one.run].category in _PHONES and one.measurement.is_int8 is is_int8]
        row(name, _errors(kept), _macs_errors(kept), "none")
    right, cases = _verdicts(phones)
    called, calls = _verdicts(phones, least=CALLED)
    ranks = [_rank_correlation(floats, place) for place in range(len(runs))]
    rank = float(np.nanmedian([one for one in ranks if one is not None]))
    held = _held(found, phones)
    everywhere = _verdicts(found)
    show(
        f"int8 faster or slower, change over 10 %: right in {right:.0%} of {cases} on phones, "
        f"{everywhere[0]:.0%} of {everywhere[1]} on all devices (target 90 %)"
    )
    apart = f"{CALLED - 1:.0%} apart itself"
    show(f"  of those that the estimate calls, being over {apart}: {called:.0%} of {calls} on phones")
    show(f"rank correlation of networks, median over phones, float: {rank:.3f} (target 0.97)")
    show(f"80 % band, width from the other families: holds {held:.0%} on phones (target 77 to 90 %)")
    assert in_float[0] <= 0.09
    assert in_int8[0] <= 0.10
    assert 0.77 <= held <= 0.90


@pytest.mark.bench
@pytest.mark.parametrize(
    ("backend", "precision", "target"),
    [
        (Backend.NPU, "float", "14 %, 64 %"), (Backend.NPU, "w8a8", "16 %, 61 %"), (Backend.GPU, "float", "16 %, 60 %"),
    ],
    ids=["npu-float", "npu-w8a8", "gpu"],
)  # fmt: skip
def test_networks_whose_family_was_left_out_of_an_accelerator(measurements, row, show, backend, precision, target):
    from cross_validation import left_out
    from published_runs import read_runs

    runs = read_runs(measurements, backend)
    found = left_out(runs, lambda one: one.family)
    kept = [
        one
        for one in found
        if runs[one.run].category in _PHONES
        and (backend is Backend.GPU or runs[one.run].description.precision == precision)
    ]

    median, within = row(f"{backend} {precision}, phones", _errors(kept), _macs_errors(kept), target)
    show(f"80 % band, width from the other families: holds {_held(found, kept):.0%}")
    assert median < np.median(_macs_errors(kept))
    assert within > 0.5


@pytest.mark.bench
def test_a_device_that_was_left_out_with_its_chip(measurements: Path, row):
    from cross_validation import calibrated_anew
    from published_runs import read_runs

    runs = read_runs(measurements, Backend.CPU)
    found = calibrated_anew(runs, (1, 3), folds=4)

    for count, target in ((1, "none"), (3, "11 %, 75 %")):
        kept = [one for one in found[count] if runs[one.run].category in _PHONES and not one.measurement.is_int8]
        median, _ = row(f"new device, {count} measured, CPU float, unseen", _errors(kept), [], target)
    assert median <= 0.13


@pytest.mark.bench
def test_narrower_networks_beside_the_whole_one(measurements: Path, row):
    from cross_validation import estimated_with_one_known
    from published_runs import read_runs

    runs = read_runs(measurements, Backend.CPU)
    ratios = estimated_with_one_known(runs, _full_width)

    errors = [abs(one.estimated / one.measured - 1) for one in ratios]
    by_macs = [abs(one.macs / one.measured - 1) for one in ratios]
    median, _ = row("narrower / original, CPU", errors, by_macs, "5 %, 90 %")
    assert median <= 0.05


@pytest.mark.bench
def test_fitting_gives_the_shipped_profiles_in_a_minute(measurements: Path, tmp_path: Path, show):
    start = time.perf_counter()
    script = [sys.executable, str(_PACKAGING / "fit_devices.py"), str(measurements), "--out", str(tmp_path)]
    subprocess.run(script, check=True, capture_output=True, cwd=_PACKAGING.parent, env={"PYTHONPATH": "."})
    seconds = time.perf_counter() - start

    show(f"fitting all devices: {seconds:.0f} s (target 60 s on two cores)")
    for path in (_PACKAGING.parent / "resources" / "devices").glob("*.json"):
        assert (tmp_path / path.name).read_bytes() == path.read_bytes()


@pytest.mark.bench
def test_an_estimate_of_500_operators_is_instant(show):
    library = shipped_library()
    profile = library.find("oneplus-7t/ncnn/cpu-4t")
    operators = model_operators(model_of_bytes(_chain(500), Path("chain.onnx")))
    features = model_features(operators, profile.backend, profile.runtime)
    assert len(operators.operators) == 500

    times = []
    for _ in range(20):
        start = time.perf_counter()
        estimate(features, profile, library.knowledge[profile.backend])
        times.append(time.perf_counter() - start)

    show(f"estimate of 500 operators with all layers, features known: {np.median(times) * 1000:.1f} ms (target 5 ms)")


def _errors(found: Sequence[object]) -> list[float]:
    return [one.error for one in found]


def _macs_errors(found: Sequence[object]) -> list[float]:
    return [abs(one.macs_ms / one.measurement.ms - 1) for one in found]


def _full_width(network: str) -> str:
    """Of a network in a width the whole one's name; empty for others."""
    name = network.split("/")[1]
    match = re.match(
        r"(mobilenet_v1|mobilenet_v2p?|mobilenet_v3_large|mobilenet_v3_small|shufflenet_v2|mnasnet)_"
        r"([\d.]+)(_\d+)?$",
        name,
    )
    return f"tab/{match[1]}_1{match[3] or ''}" if match else ""


def _verdicts(found: Sequence[object], *, least: float = 1.0) -> tuple[float, int]:
    """Of pairs in float and int8 that differ by over 10 %: the share whose direction is estimated rightly.

    Args:
        found: estimates beside measurements.
        least: only those whose estimates are this factor apart.
    """
    pairs: dict[tuple[int, str], dict[bool, object]] = defaultdict(dict)
    for one in found:
        pairs[one.run, one.measurement.network.replace("_int8", "")][one.measurement.is_int8] = one
    right = []
    for pair in pairs.values():
        if len(pair) == 2:
            measured = pair[True].measurement.ms / pair[False].measurement.ms
            is_called = max(pair[True].ms / pair[False].ms, pair[False].ms / pair[True].ms) >= least
            if abs(measured - 1) > _BIG_CHANGE and is_called:
                right.append((pair[True].ms < pair[False].ms) == (measured < 1))
    return float(np.mean(right)), len(right)


def _rank_correlation(found: Sequence[object], run: int) -> float | None:
    """Spearman's, of networks on one run."""
    ones = [one for one in found if one.run == run]
    if len(ones) < _FEWEST_FOR_RANKS:
        return None
    ranks = [np.argsort(np.argsort(values)) for values in ([one.ms for one in ones], [o.measurement.ms for o in ones])]
    return float(np.corrcoef(*ranks)[0, 1])


def _held(found: Sequence[object], asked: Sequence[object]) -> float:
    """Share of measurements within a band whose width is that of all other families."""
    from cross_validation import HELD

    def score(one: object) -> float:
        return abs(one.log_ratio) / one.deviation

    inside = []
    by_kind: dict[tuple[str, bool], float] = {}
    for one in asked:
        key = one.measurement.family, one.measurement.is_int8
        if key not in by_kind:
            others = [x for x in found if x.measurement.is_int8 == key[1] and x.measurement.family != key[0]]
            by_kind[key] = float(np.quantile([score(x) for x in others], HELD))
        inside.append(score(one) <= by_kind[key])
    return float(np.mean(inside))


def _chain(length: int) -> bytes:
    weight = helper.make_tensor("w", TensorProto.FLOAT, (8, 8, 3, 3), np.zeros(576, np.float32))
    nodes = [
        helper.make_node("Conv", [f"t{place}", "w"], [f"t{place + 1}"], pads=[1, 1, 1, 1]) for place in range(length)
    ]
    shape = (1, 8, 32, 32)
    ends = [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name in ("t0", f"t{length}")]
    graph = helper.make_graph(nodes, "chain", [ends[0]], [ends[1]], [weight])
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)]).SerializeToString()
