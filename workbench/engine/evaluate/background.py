"""Agreement where the original finds something: of a detector's anchors nearly all are background, found or lost."""

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from workbench.engine.core.measurement import Figure
from workbench.engine.evaluate.running_mean import RunningMean

Classes = npt.NDArray[np.int32]
Counts = npt.NDArray[np.intp]
# With less, no class is what the others stand out from.
_LEAST_SHARE = 0.5


@dataclass
class FoundPositions:
    """Counts of one evaluation at the positions where the original's class is not the background.

    The background is the class that the original gives to more than half of all positions of all samples. It is known
    at the end alone, so that of each sample the counts of every class are kept.
    """

    _totals: dict[int, int] = field(default_factory=dict)
    # Of each sample its classes, how many positions have them, and of how many of these the answer is the same.
    _samples: list[tuple[Counts, Counts, Counts]] = field(default_factory=list)
    # Reports come ten a second: the mean goes on where it was, as long as the background is the same.
    _shares: RunningMean = field(default_factory=RunningMean)
    _shares_without: int | None = None
    _num_in_shares: int = 0

    def add(self, original: Classes, answers: Classes) -> None:
        """Count samples in: the best class at each position, shape (N, positions)."""
        for before, same in zip(original, original == answers, strict=True):
            counts = np.bincount(before)
            agreed = np.bincount(before[same], minlength=len(counts))
            classes = np.flatnonzero(counts)
            self._samples.append((classes, counts[classes], agreed[classes]))
            for one, count in zip(classes.tolist(), counts[classes].tolist(), strict=True):
                self._totals[one] = self._totals.get(one, 0) + count

    @property
    def background(self) -> int | None:
        """The class of more than half of the original's positions; None if there is none."""
        if not self._totals:
            return None
        most = max(self._totals, key=lambda one: self._totals[one])
        return most if self._totals[most] > _LEAST_SHARE * sum(self._totals.values()) else None

    def figure(self) -> Figure | None:
        """Share of the other positions with the same class, a mean over the samples that have some; None without any.

        Positions of one sample err together, so it is samples that the interval counts.
        """
        background = self.background
        if background is None:
            return None
        if background != self._shares_without:
            self._shares, self._shares_without, self._num_in_shares = RunningMean(), background, 0
        shares = []
        for classes, counts, agreed in self._samples[self._num_in_shares :]:
            found = classes != background
            if found.any():
                shares.append(agreed[found].sum() / counts[found].sum())
        self._num_in_shares = len(self._samples)
        self._shares.add(np.array(shares, np.float64))
        return self._shares.figure("fraction", minimum=0.0, maximum=1.0)
