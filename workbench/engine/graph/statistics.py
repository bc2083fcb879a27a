"""Summary of a weight tensor for the layer table, in chunks that fit the cache."""

from collections import Counter
from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from workbench.engine.core.layer import WeightStatistics

NUM_BARS = 48
NUM_MAGNITUDES = 1024
_CHUNK = 1 << 17


def weight_statistics(weight: npt.NDArray[np.float32]) -> WeightStatistics:
    """Statistics of the finite weights. Two passes over the weights in chunks of 512 KiB.

    Args:
        weight: any shape; may hold NaN or infinite values, which are counted and left out.
    """
    flat = weight.reshape(-1)
    low, high, total, squares, zeros, finite_count = np.inf, -np.inf, 0.0, 0.0, 0, 0
    for part in _finite_parts(flat):
        if part.size:
            low, high = min(low, float(part.min())), max(high, float(part.max()))
            wide = part.astype(np.float64)
            total += float(wide.sum())
            # No dot product: its threads wait for one another, five times as long where other work has the cores.
            squares += float(np.square(wide, out=wide).sum())
            zeros += int(np.count_nonzero(part == 0))  # counting a mask is twice as fast as counting floats
            finite_count += part.size
    if not finite_count:
        low = high = 0.0
    bars, magnitudes = _tables(flat, low, high)
    levels = _levels(flat) if finite_count else None
    count = max(1, finite_count)
    mean = total / count
    return WeightStatistics(
        minimum=low,
        maximum=high,
        mean=mean,
        std=float(np.sqrt(max(0.0, squares / count - mean * mean))),
        sparsity=zeros / count,
        num_not_finite=flat.size - finite_count,
        bars=bars,
        magnitudes=magnitudes if levels is None else np.cumsum(list(levels.values())),
        levels=None if levels is None else np.array(list(levels), np.float32),
    )


def _levels(flat: npt.NDArray[np.float32]) -> dict[float, int] | None:
    """Every magnitude, rising, and how many finite weights have it; None where there are more than the table holds.

    Weights that were quantized before have few: all that share one lie on the same side of any threshold.
    """
    # Of most tensors the first thousands show that there are too many.
    if np.unique(np.abs(flat[: 2 * NUM_MAGNITUDES])).size > NUM_MAGNITUDES:
        return None
    counts: Counter[float] = Counter()
    for part in _finite_parts(flat):
        found, number = np.unique(np.abs(part), return_counts=True)
        counts.update(dict(zip(found[: NUM_MAGNITUDES + 1].tolist(), number.tolist(), strict=False)))
        if len(counts) > NUM_MAGNITUDES:
            return None
    return dict(sorted(counts.items()))


def _finite_parts(flat: npt.NDArray[np.float32]) -> Iterator[npt.NDArray[np.float32]]:
    for start in range(0, flat.size, _CHUNK):
        part = flat[start : start + _CHUNK]
        finite = np.isfinite(part)
        yield part if finite.all() else part[finite]


def _tables(
    flat: npt.NDArray[np.float32], low: float, high: float
) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.int64]]:
    bars = np.zeros(NUM_BARS, np.int64)
    magnitudes = np.zeros(NUM_MAGNITUDES, np.int64)
    largest = max(abs(low), abs(high))
    bar_scale = np.float32(NUM_BARS / (high - low)) if high > low else np.float32(0)
    step_scale = np.float32(NUM_MAGNITUDES / largest) if largest > 0 else np.float32(0)
    for part in _finite_parts(flat):
        bins = np.minimum(((part - np.float32(low)) * bar_scale).astype(np.int32), NUM_BARS - 1)
        bars += np.bincount(bins, minlength=NUM_BARS)
        steps = np.ceil(np.abs(part) * step_scale).astype(np.int32) - 1
        magnitudes += np.bincount(np.clip(steps, 0, NUM_MAGNITUDES - 1), minlength=NUM_MAGNITUDES)
    return bars.astype(np.int32), np.cumsum(magnitudes)
