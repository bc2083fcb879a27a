"""A mean and its interval, of values that arrive batch by batch."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from workbench.engine.core.measurement import Figure, Origin
from workbench.engine.evaluate.intervals import mean_interval


@dataclass
class RunningMean:
    """Mean and spread so far. Batches are merged without the cancellation of summed squares.

    Source: Chan, Golub & LeVeque 1983, "Algorithms for computing the sample variance", equation 1.5.
    """

    count: int = 0
    mean: float = 0.0
    squares: float = 0.0

    def add(self, values: npt.NDArray[np.float64]) -> None:
        """Count more values in, shape (N,)."""
        if values.size == 0:
            return
        mean = float(values.mean())
        total = self.count + values.size
        gap = mean - self.mean
        self.squares += float(((values - mean) ** 2).sum()) + gap * gap * self.count * values.size / total
        self.mean += gap * values.size / total
        self.count = total

    def figure(self, unit: str, *, minimum: float | None = None, maximum: float | None = None) -> Figure | None:
        """The mean with its 95 % interval, cut off at `minimum` and `maximum`; None without values."""
        if self.count == 0:
            return None
        low, high = mean_interval(self.mean, self.squares / max(1, self.count - 1), self.count)
        if low is not None and minimum is not None:
            low = max(low, minimum)
        if high is not None and maximum is not None:
            high = min(high, maximum)
        return Figure(self.mean, unit, Origin.MEASURED, low, high, self.count)
