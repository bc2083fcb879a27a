"""How much the channels of one group matter, and which of them stay: plain values, and the arithmetic of a cut."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]
ALWAYS_STAYS = -1


@dataclass(frozen=True, slots=True)
class CriterionInfo:
    """A way to tell how much channels matter, as a list offers it.

    Args:
        name: what a recipe's `criterion` says.
        summary: one line.
        needs: "weights", "samples" or "gradients"; the last two look at samples.
    """

    name: str
    summary: str
    needs: str = "weights"

    @property
    def needs_samples(self) -> bool:
        """Whether it looks at samples."""
        return self.needs != "weights"


@dataclass(frozen=True, slots=True, eq=False)
class ChannelImportance:
    """The scores of one group as one of its layers sees them.

    Args:
        layer: whose output channels are listed.
        recipe_digest: of the recipe that `kept` holds for.
        group: its channel group; "" where it is in none.
        criterion: what the scores are of.
        scores: of each unit, shape (U,); the least important unit has the least. Empty where there are none.
        classes: class of each unit, shape (U,); see `ChannelGroup`.
        kept: which units stay under the recipe, shape (U,).
        units: of each output channel of the layer the place of its unit in `scores`, shape (C,); `ALWAYS_STAYS`
            for channels that always stay.
        has_blocks: whether blocks must keep equally many, so that a cut is more than the highest scores of each class.
        reason: why there are no scores, or why they are not what the criterion's name says.
    """

    layer: str
    recipe_digest: str
    group: str = ""
    criterion: str = ""
    scores: Floats = field(default_factory=lambda: np.zeros(0))
    classes: npt.NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, np.int64))
    kept: Mask = field(default_factory=lambda: np.zeros(0, np.bool_))
    units: npt.NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, np.int64))
    has_blocks: bool = False
    reason: str = ""

    def kept_at(self, counts: Sequence[int]) -> Mask:
        """Which units stay if so many of each class do: those of the highest scores; of equal ones the earlier.

        Holds where no blocks tie units together.

        Args:
            counts: how many units of each class stay.

        >>> scores = np.array([3.0, 1.0, 2.0, 2.0])
        >>> one = ChannelImportance("conv", "", scores=scores, classes=np.zeros(4, np.int64))
        >>> one.kept_at((2,)).tolist()
        [True, False, True, False]
        """
        return highest_of_classes(self.scores, self.classes, counts)

    def channels_kept(self, kept: Mask) -> Mask:
        """Which of the layer's output channels stay, shape (C,), if these units do."""
        stays = np.concatenate([kept, np.ones(1, np.bool_)])
        return np.asarray(stays[self.units], np.bool_)


def highest(scores: Floats, count: int) -> Mask:
    """Which are the `count` highest scores, shape (U,); of equal ones the earlier."""
    kept = np.zeros(len(scores), np.bool_)
    kept[np.argsort(-scores, kind="stable")[:count]] = True
    return kept


def highest_of_classes(scores: Floats, classes: npt.NDArray[np.int64], counts: Sequence[int]) -> Mask:
    """Which are the highest scores of each class, shape (U,).

    Args:
        scores: shape (U,).
        classes: shape (U,), numbers below the length of `counts`.
        counts: how many of each class.
    """
    kept = np.zeros(len(scores), np.bool_)
    for number, count in enumerate(counts):
        inside = np.flatnonzero(classes == number)
        kept[inside[highest(scores[inside], count)]] = True
    return kept
