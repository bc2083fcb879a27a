"""What calibration learns of one activation tensor: enough for every way of choosing its range."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

# Bins on each side of zero.
HALF_BINS = 4096


@dataclass(frozen=True, slots=True, eq=False)
class TensorStatistics:
    """Values of one activation tensor over the calibration samples.

    Args:
        low, high: smallest and largest of all values.
        channel_low, channel_high, channel_mean: of each channel over all values, shape (C,); empty where the
            tensor's channels are not known.
        bin_width: of the histogram, a power of two.
        counts: int64, shape (2 · HALF_BINS,); entry k counts values in [(k − HALF_BINS) · bin_width, …) among
            an evenly spaced part of all values. All zero where no histogram was asked for.
        num_samples: how many samples were seen.
        num_zeros: of the values in `counts`, those that are exactly zero; they stand in the first bin above zero.
    """

    low: float
    high: float
    channel_low: npt.NDArray[np.float32]
    channel_high: npt.NDArray[np.float32]
    channel_mean: npt.NDArray[np.float32]
    bin_width: float
    counts: npt.NDArray[np.int64]
    num_samples: int
    num_zeros: int = 0

    @property
    def centers(self) -> npt.NDArray[np.float64]:
        """Middle of each bin, shape (2 · HALF_BINS,)."""
        middles: npt.NDArray[np.float64] = (np.arange(-HALF_BINS, HALF_BINS, dtype=np.float64) + 0.5) * self.bin_width
        return middles
