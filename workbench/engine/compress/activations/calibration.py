"""One pass over the calibration samples, from which every range method takes what it needs."""

from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import onnx

from workbench.engine.core.recipe import Calibration
from workbench.engine.core.tensor_statistics import TensorStatistics
from workbench.engine.data.dataset import Dataset, seeded_order
from workbench.engine.data.sample_batches import BATCH, sample_batches
from workbench.engine.runtime.activation_taps import ActivationTaps, Tap
from workbench.jobs import JobContext

# Measured: ResNet-20 with all its taps takes 0.72 s in batches of 16 or 32, and 0.81 s in batches of 64.
_CACHED_BYTES, _SMALLEST_BATCH = 1 << 20, 4
# Other seeds than the first draw from so many times as many samples.
_TIMES = 4


@dataclass(frozen=True, slots=True, eq=False)
class CalibrationSet:
    """The samples that calibration looks at: drawn by seed, so that the same recipe sees the same ones.

    They come from the end of the order of which evaluations take the beginning: what was fitted to samples looks better
    on them than elsewhere, so the two meet only where the data set is too small for both.

    Args:
        dataset: where they are drawn from; labels are not looked at.
        settings: how many, and the seed.
    """

    dataset: Dataset
    settings: Calibration

    @property
    def indices(self) -> npt.NDArray[np.int64]:
        """Which samples, in the order of their use; with the first seed, fewer samples begin more."""
        last = seeded_order(len(self.dataset))[::-1][: self.reach]
        if self.settings.seed:
            last = last[seeded_order(len(last), self.settings.seed)]
        return last[: self.settings.samples]

    @property
    def reach(self) -> int:
        """How many samples there are at the end of the order that these come from; other seeds draw from more."""
        times = _TIMES if self.settings.seed else 1
        return min(times * self.settings.samples, len(self.dataset))

    @property
    def key(self) -> tuple[str, int, int]:
        """What results that depend on the samples are remembered by."""
        return self.dataset.info.digest, self.settings.samples, self.settings.seed


def collect_statistics(
    proto: onnx.ModelProto,
    taps: Mapping[str, Tap],
    samples: CalibrationSet,
    ctx: JobContext,
    *,
    histograms: bool = True,
) -> dict[str, TensorStatistics]:
    """Statistics of the tensors over the calibration samples, by name.

    Time is about that of running the model on the samples; memory does not grow with their number.

    Args:
        proto: a complete float model.
        taps: which tensors.
        samples: which samples.
        ctx: asked before each batch; told the progress.
        histograms: leave them out where minimum and maximum do.

    Raises:
        Cancelled: somebody asked to stop.
        DataError: a sample cannot be read.
        RunError: the model does not run on the samples.
    """
    if not taps:
        return {}
    gathering = ActivationTaps(proto, taps, histograms=histograms)
    order = samples.indices
    done = 0
    with closing(sample_batches(samples.dataset, order, ctx, size=_batch_size(taps))) as batches:
        for indices, feeds in batches:
            gathering.add(feeds, len(indices), ctx)
            done += len(indices)
            ctx.progress(done, len(order), f"calibration, {done} of {len(order)} samples")
    return gathering.statistics()


def _batch_size(taps: Mapping[str, Tap]) -> int:
    """Samples in a batch, so that what one operator gives is still in the processor's cache when a tap reads it."""
    largest = max(tap.sample_bytes for tap in taps.values())
    return max(_SMALLEST_BATCH, min(BATCH, _CACHED_BYTES // max(1, largest)))
