"""What compression brings on a device beyond what the graph shows, and that the rest brings no speed."""

from collections.abc import Iterator
from dataclasses import dataclass

from workbench.engine.core.device_profile import Backend, DeviceProfile
from workbench.engine.core.plan import Plan


@dataclass(frozen=True, slots=True)
class Fact:
    """What was measured of a way to compress. Apple's ran on the whole chip, of which no costs are known here.

    Args:
        runtime: as it begins.
        what: was done, to which network.
        before_ms, after_ms: measured.
        source: repository, file and commit.
    """

    runtime: str
    what: str
    before_ms: float
    after_ms: float
    source: str


_MNN = "github:alibaba/MNN docs/tools/mnncompress.md @4d40bdbd7efb73a58383bb5da867a6f41eb1776e"
_COREML = "github:apple/coremltools opt-pruning-perf.md @e0e2f42b0b7c601958c0c2b53ce12c8a39023d00"
SPARSE_FACTS = (
    Fact("MNN", "half of the weights in 1x4 blocks at zero, MobileNetV2", 62.2, 58.8, _MNN),
    Fact("MNN", "half of the weights in 1x4 blocks at zero, MobileNetV3-Large", 64.9, 62.3, _MNN),
    Fact("CoreML", "75 % zeros, MobileNetV2", 0.48, 0.46, _COREML),
    Fact("CoreML", "75 % zeros, ResNet50", 1.52, 1.28, _COREML),
)


def compression_notes(plan: Plan, profile: DeviceProfile) -> Iterator[str]:
    """What a plan does that makes a smaller file and no faster network, with measurements where there are any.

    Zeros, weights alone in fewer bits and float16 in the file change nothing in the estimate.
    """
    if any(entry.is_pruned for entry in plan.layers):
        yield from _of_zeros(profile)
    if any(entry.weights is not None and not entry.runs_on_integers for entry in plan.layers):
        yield "fewer bits for weights alone, or float16 in the file: smaller, and no faster"
    quantized = [entry for entry in plan.layers if entry.runs_on_integers and entry.weights is not None]
    if any(entry.weights is not None and entry.weights.bits < 8 for entry in quantized):
        yield "fewer than 8 bits beside quantized activations: computed in 8 bits, and no faster than those"
    if quantized and profile.backend is Backend.GPU:
        yield "GPUs compute quantized models in float: int8 brings no speed here"


def _of_zeros(profile: DeviceProfile) -> Iterator[str]:
    facts = [fact for fact in SPARSE_FACTS if profile.runtime.startswith(fact.runtime)]
    yield "zeros among the weights bring no speed: counted as the dense network"
    for fact in facts:
        gain = fact.before_ms / fact.after_ms
        yield f"reported: {fact.what}: {fact.before_ms:g} to {fact.after_ms:g} ms ({gain:.2f} times; {fact.source})"
