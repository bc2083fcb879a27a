"""Proof that a model without some channels computes what the whole one does with those channels at zero."""

import numpy as np
import numpy.typing as npt
import onnx

from workbench.engine.core.errors import VerificationError
from workbench.engine.core.reports import ChannelProof
from workbench.engine.data.dataset import Dataset, seeded_subset
from workbench.engine.evaluate.collecting import collect_outputs
from workbench.engine.runtime.random_inputs import random_inputs
from workbench.engine.runtime.session import RuntimeSession
from workbench.jobs import JobContext

# Sums over fewer channels are added in another order, and in other kernels.
TOLERANCE = 1e-4
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
    try:
        onnx.checker.check_model(onnx.load_from_string(pruned), full_check=True)
    except Exception as error:
        reason = " ".join(str(error).split())[:200]
        raise VerificationError(f"the model without the channels is no valid ONNX: {reason}") from error
    one, other = RuntimeSession(pruned), RuntimeSession(silenced)
    if dataset is None:
        return _on_random_inputs(one, other, ctx)
    indices = seeded_subset(len(dataset), samples, 0)
    expected: list[Outputs] = []
    collect_outputs(other, dataset, indices, ctx.part(0, 0.5), lambda _, outputs: expected.append(outputs))
    found: list[Outputs] = []
    collect_outputs(one, dataset, indices, ctx.part(0.5, 1), lambda _, outputs: found.append(outputs))
    return _compared(expected, found, len(indices))


def _on_random_inputs(one: RuntimeSession, other: RuntimeSession, ctx: JobContext) -> ChannelProof:
    expected, found = [], []
    for seed in range(_RANDOM_INPUTS):
        feeds = random_inputs(one, seed=seed)
        expected.append(other.run(feeds, ctx))
        found.append(one.run(feeds, ctx))
    return _compared(expected, found, _RANDOM_INPUTS, is_random=True)


def _compared(expected: list[Outputs], found: list[Outputs], count: int, *, is_random: bool = False) -> ChannelProof:
    """The largest difference of each output, over its own largest magnitude."""
    worst = 0.0
    for output in range(len(expected[0])):
        largest = max(_largest(batch[output]) for batch in expected)
        gap = max(_gap(one[output], two[output]) for one, two in zip(expected, found, strict=True))
        worst = max(worst, gap / largest if largest > 0 else gap)
    return ChannelProof(count, worst, worst <= TOLERANCE, is_random=is_random)


def _largest(array: npt.NDArray[np.generic]) -> float:
    return float(np.abs(np.nan_to_num(array.astype(np.float64))).max(initial=0.0))


def _gap(one: npt.NDArray[np.generic], two: npt.NDArray[np.generic]) -> float:
    """Largest absolute difference; infinite for other shapes, or where only one is NaN."""
    if one.shape != two.shape:
        return float("inf")
    first, second = one.astype(np.float64), two.astype(np.float64)
    both_nan = np.isnan(first) & np.isnan(second)
    with np.errstate(invalid="ignore"):
        gap = np.where(both_nan | (first == second), 0.0, np.nan_to_num(np.abs(first - second), nan=np.inf))
    return float(gap.max(initial=0.0))
