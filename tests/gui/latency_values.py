"""Device profiles and estimates made of values."""

from workbench.engine.core.device_profile import Backend, Basis, DeviceProfile, ProfileError, ProfileSource
from workbench.engine.core.latency_estimate import Bound, LatencyEstimate, LayerLatency
from workbench.engine.core.measurement import Figure, Origin

PHONE = "oneplus-7t/ncnn/cpu-4t"


def profile_of(
    device: str = PHONE,
    name: str = "OnePlus 7T",
    backend: Backend = Backend.CPU,
    *,
    threads: int = 4,
    soc: str = "Snapdragon 855+",
    runtime: str = "ncnn",
    basis: Basis = Basis.PUBLISHED,
    num_own: int = 0,
    precision: str = "float and int8",
) -> DeviceProfile:
    return DeviceProfile(
        device, name, soc, "Cortex-A76", runtime, "2024-06-12", backend, threads, precision, {"mac_gen": 1.0},
        error=ProfileError(0.123, 0.7, 28),
        sources=(ProfileSource("github:Tencent/ncnn", "benchmark/README.md", num_measurements=28),),
        basis=basis,
        num_own=num_own,
    )  # fmt: skip


def layer_of(
    name: str,
    ms: float,
    share: float,
    bound: Bound = Bound.COMPUTE,
    *,
    float_ms: float | None = None,
    int8_ms: float | None = None,
    op_type: str = "Conv",
) -> LayerLatency:
    return LayerLatency(name, op_type, ms, share, bound, float_ms, int8_ms)


def estimate_of(
    ms: float | None = 10.0,
    *layers: LayerLatency,
    device: str = PHONE,
    notes: tuple[str, ...] = ("batch 1, cool",),
    is_rough: bool = False,
) -> LatencyEstimate:
    figure = None if ms is None else Figure(ms, "ms", Origin.ESTIMATED, 0.8 * ms, 1.25 * ms, 28, level=80)
    return LatencyEstimate(device, figure, layers, notes, is_rough)
