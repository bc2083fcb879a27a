"""One activation tensor as it is shown: its histogram, and what quantization keeps of it."""

import numpy as np
import numpy.typing as npt

from workbench.engine.compress.activations.activation_ranges import activation_range, params_of_range
from workbench.engine.compress.weights.affine import QuantParams, fake_quantize
from workbench.engine.core.quantization_reports import ActivationPreview
from workbench.engine.core.recipe import ActivationSettings
from workbench.engine.core.tensor_statistics import HALF_BINS, TensorStatistics

_SHOWN_BINS = 512


def activation_preview(
    tensor: str, statistics: TensorStatistics, settings: ActivationSettings | None, *, is_input: bool
) -> ActivationPreview:
    """What there is to show of one tensor.

    Args:
        tensor: its name.
        statistics: with a histogram.
        settings: how it is quantized; None for float.
        is_input: whether the layer reads it.
    """
    edges, counts = _shown_bins(statistics)
    octaves, first = _octaves(statistics)
    params = None
    if settings is not None and not settings.is_dynamic:
        params = params_of_range(activation_range(statistics, settings), settings)
    return ActivationPreview(
        tensor=tensor,
        is_input=is_input,
        settings=settings,
        low=statistics.low,
        high=statistics.high,
        clip_low=None if params is None else float(params.low),
        clip_high=None if params is None else float(params.high),
        scale=None if params is None else float(params.scale),
        zero_point=None if params is None else int(params.zero_point),
        clipped=0.0 if params is None else _clipped(statistics, params),
        sqnr_db=float("inf") if params is None else _sqnr_db(statistics, params),
        edges=edges,
        counts=counts,
        octaves=octaves,
        first_octave=first,
        channel_low=statistics.channel_low,
        channel_high=statistics.channel_high,
        num_samples=statistics.num_samples,
    )


def _shown_bins(statistics: TensorStatistics) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.int64]]:
    """The part of the histogram that holds anything, in at most 512 bins."""
    used = np.flatnonzero(statistics.counts)
    if not used.size:
        return np.array([0.0, 1.0]), np.zeros(1, np.int64)
    first, last = int(used[0]), int(used[-1]) + 1
    step = -(-(last - first) // _SHOWN_BINS)
    num_bins = -(-(last - first) // step)
    padded = np.zeros(num_bins * step, np.int64)
    padded[: last - first] = statistics.counts[first:last]
    edges = (first - HALF_BINS + step * np.arange(num_bins + 1, dtype=np.float64)) * statistics.bin_width
    return edges, padded.reshape(num_bins, step).sum(axis=1)


def _octaves(statistics: TensorStatistics) -> tuple[npt.NDArray[np.float64], int]:
    """Shares of the values that are not zero by powers of two; those nearer to zero than a bin count to its octave."""
    counts = statistics.counts.copy()
    counts[HALF_BINS] -= statistics.num_zeros
    used = counts > 0
    if not used.any():
        return np.zeros(0), 0
    exponents = np.floor(np.log2(np.abs(statistics.centers[used]))).astype(int)
    first = int(exponents.min())
    octaves = np.bincount(exponents - first, counts[used])
    return octaves / octaves.sum(), first


def _clipped(statistics: TensorStatistics, params: QuantParams) -> float:
    half = float(params.scale) / 2
    centers = statistics.centers
    outside = (centers < float(params.low) - half) | (centers > float(params.high) + half)
    return float(statistics.counts[outside].sum() / max(1, statistics.counts.sum()))


def _sqnr_db(statistics: TensorStatistics, params: QuantParams) -> float:
    used = statistics.counts > 0
    values = statistics.centers[used].astype(np.float32)
    counts = statistics.counts[used]
    noise = float(np.sum(counts * np.square(fake_quantize(values, params) - values, dtype=np.float64)))
    signal = float(np.sum(counts * np.square(values, dtype=np.float64)))
    return 10 * float(np.log10(signal / noise)) if noise > 0 and signal > 0 else float("inf")
