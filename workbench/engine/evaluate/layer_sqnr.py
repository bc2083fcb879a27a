"""How much of each layer's output is quantization noise, on samples."""

from collections.abc import Mapping, Sequence
from contextlib import closing

import numpy as np
import numpy.typing as npt
import onnx

from workbench.engine.data.dataset import Dataset
from workbench.engine.data.sample_batches import sample_batches
from workbench.engine.runtime.tapped import tapped_session
from workbench.jobs import JobContext

# Inner tensors of so many layers at a time: those of a whole network may be too many for the memory.
_AT_ONCE = 16


def output_sqnr_db(
    original: onnx.ModelProto,
    quantized: onnx.ModelProto,
    tensors: Mapping[str, str],
    dataset: Dataset,
    indices: Sequence[int] | npt.NDArray[np.int64],
    ctx: JobContext,
) -> dict[str, float]:
    """SQNR of each layer's output, 10·log10(Σy² / Σ(y−ŷ)²) over all samples, dB; infinite without a difference.

    Quantized parts are computed in float as they are written, since a watched tensor keeps onnxruntime from making
    integer kernels; what a CPU saturates is not in these figures.

    Args:
        original: a complete model.
        quantized: another with the same inner tensors.
        tensors: the output of each layer, by the layer's name.
        dataset: the samples.
        indices: which of them.
        ctx: asked before each batch; told the progress.

    Raises:
        Cancelled: somebody asked to stop.
        RunError: a model does not run.
    """
    names = list(tensors)
    found: dict[str, float] = {}
    for start in range(0, len(names), _AT_ONCE):
        part = names[start : start + _AT_ONCE]
        watched = [tensors[name] for name in part]
        sessions = [tapped_session(proto, watched, in_float=True) for proto in (original, quantized)]
        signal, noise = np.zeros(len(part)), np.zeros(len(part))
        with closing(sample_batches(dataset, np.asarray(indices, np.int64), ctx)) as batches:
            for places, feeds in batches:
                exact, changed = (session.run_samples(feeds, len(places), ctx) for session in sessions)
                for number, (one, two) in enumerate(zip(exact, changed, strict=True)):
                    wanted = np.asarray(one, np.float64)
                    signal[number] += float(np.sum(np.square(wanted)))
                    noise[number] += float(np.sum(np.square(wanted - np.asarray(two, np.float64))))
        found |= {name: _db(float(signal[number]), float(noise[number])) for number, name in enumerate(part)}
        ctx.progress(start + len(part), len(names), f"{start + len(part)} of {len(names)} layers")
    return found


def _db(signal: float, noise: float) -> float:
    if noise == 0:
        return float("inf")
    return 10 * float(np.log10(signal / noise)) if signal > 0 else float("-inf")
