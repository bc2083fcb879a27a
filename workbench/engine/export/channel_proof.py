"""Proof that a model without some channels computes what the whole one does with those channels at zero."""

import numpy as np
import numpy.typing as npt
import onnx

from workbench.engine.compress.activations.calibration import CalibrationSet
from workbench.engine.compress.channel_pruning import ChannelPruning
from workbench.engine.core.errors import VerificationError
from workbench.engine.core.plan import GroupPlan
from workbench.engine.core.reports import ChannelProof
from workbench.engine.data.dataset import Dataset, seeded_subset
from workbench.engine.evaluate.collecting import collect_outputs
from workbench.engine.export.output_gap import largest_magnitude, output_gap
from workbench.engine.graph.save import serialize
from workbench.engine.runtime.random_inputs import RANDOM_INPUTS, random_inputs
from workbench.engine.runtime.session import RuntimeSession
from workbench.jobs import JobContext

# Sums over fewer channels are added in another order, and in other kernels; each step of float16 rounds by 5e-4.
TOLERANCE, HALF_TOLERANCE = 1e-4, 1e-2
_SAMPLES, _RANDOM_INPUTS = 64, 4

Outputs = list[npt.NDArray[np.generic]]


def prove_channels(
    pruned: bytes, silenced: bytes, dataset: Dataset | None, ctx: JobContext, *, samples: int = _SAMPLES
) -> ChannelProof:
    """Run both and compare every output.

    Args:
        pruned: the model without the channels, nothing quantized yet.
        silenced: the whole model with them held at zero.
        dataset: the samples, of which some are used; seeded random inputs if None.
        ctx: asked before each batch; told the progress.
        samples: how many of them.

    Raises:
        Cancelled: somebody asked to stop.
        VerificationError: the pruned model breaks the rules of ONNX.
        RunError: onnxruntime does not run one of them.
    """
    fault = _fault(pruned)
    # What the model as it came breaks too is not the cut's doing; onnxruntime says below whether it runs.
    if fault and not _fault(silenced):
        raise VerificationError(f"the model without the channels is no valid ONNX: {fault}")
    one, other = RuntimeSession(pruned), RuntimeSession(silenced)
    tolerance = _tolerance(pruned)
    if dataset is None:
        return _on_random_inputs(one, other, tolerance, ctx)
    indices = seeded_subset(len(dataset), samples, 0)
    expected: list[Outputs] = []
    collect_outputs(other, dataset, indices, ctx.part(0, 0.5), lambda _, outputs: expected.append(outputs))
    found: list[Outputs] = []
    collect_outputs(one, dataset, indices, ctx.part(0.5, 1), lambda _, outputs: found.append(outputs))
    return _compared(expected, found, len(indices), tolerance)


def _fault(model: bytes) -> str:
    """What ONNX's own full check finds wrong; empty if nothing."""
    try:
        onnx.checker.check_model(onnx.load_from_string(model), full_check=True)
    except Exception as error:
        return " ".join(str(error).split())[:200]
    return ""


def _on_random_inputs(one: RuntimeSession, other: RuntimeSession, tolerance: float, ctx: JobContext) -> ChannelProof:
    expected, found = [], []
    for seed in range(_RANDOM_INPUTS):
        feeds = random_inputs(one, seed=seed)
        expected.append(other.run(feeds, ctx, fed=RANDOM_INPUTS))
        found.append(one.run(feeds, ctx, fed=RANDOM_INPUTS))
    return _compared(expected, found, _RANDOM_INPUTS, tolerance, is_random=True)


def _compared(
    expected: list[Outputs], found: list[Outputs], count: int, tolerance: float, *, is_random: bool = False
) -> ChannelProof:
    """The largest difference of each output, over its own largest magnitude."""
    worst = 0.0
    for output in range(len(expected[0])):
        largest = max(largest_magnitude(batch[output]) for batch in expected)
        gap = max(output_gap(one[output], two[output]) for one, two in zip(expected, found, strict=True))
        worst = max(worst, gap / largest if largest > 0 else gap)
    return ChannelProof(count, worst, worst <= tolerance, is_random=is_random)


def _tolerance(model: bytes) -> float:
    types = {tensor.data_type for tensor in onnx.load_from_string(model).graph.initializer}
    return HALF_TOLERANCE if types & {onnx.TensorProto.FLOAT16, onnx.TensorProto.BFLOAT16} else TOLERANCE


def prove_pruning(
    pruning: ChannelPruning,
    groups: tuple[GroupPlan, ...],
    samples: CalibrationSet | None,
    dataset: Dataset | None,
    ctx: JobContext,
) -> ChannelProof | None:
    """The proof of what a plan cuts; None if it cuts nothing.

    Args:
        pruning: of the model.
        groups: what goes.
        samples: what criteria look at.
        dataset: the samples that both models answer; seeded random inputs if None.
        ctx: asked before each batch; told the progress.

    Raises:
        Cancelled: somebody asked to stop.
        VerificationError: the pruned model breaks the rules of ONNX, or answers otherwise.
    """
    if not groups:
        return None
    pruned, silenced = pruning.pruned(groups, samples, ctx), pruning.silenced(groups, samples, ctx)
    proof = prove_channels(serialize(pruned.to_proto()), serialize(silenced), dataset, ctx)
    if not proof.ok:
        raise VerificationError(
            f"without the channels the model answers otherwise, by {proof.max_relative_difference:.1e}",
            "this is a mistake of the program: leave these channels, and report the model",
        )
    return proof
