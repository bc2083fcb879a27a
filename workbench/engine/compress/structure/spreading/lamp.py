"""Scores that compare across groups because each is a share of what is left of its own."""

from collections.abc import Sequence

import numpy as np

from workbench.engine.compress.structure.spreading.by_score import spread_by_score
from workbench.engine.compress.structure.spreading.target import Floats, GroupSize, Spread


def lamp_scores(scores: Floats) -> Floats:
    """Squared score over the sum of all squares not smaller, shape (U,); the greatest has 1, and so never goes first.

    Of equal scores the earlier counts as the greater, so that each has a rank of its own.

    >>> lamp_scores(np.array([1.0, 2.0, 2.0])).round(3).tolist()
    [0.111, 0.5, 1.0]

    Source: Lee et al. 2021, "Layer-adaptive sparsity for the magnitude-based pruning" (arXiv:2010.07611),
    equation 3, with units in the place of weights.
    """
    squares = np.square(np.asarray(scores, np.float64))
    rising = np.argsort(squares, kind="stable")
    not_smaller = np.cumsum(squares[rising][::-1])[::-1]
    found = np.zeros(len(squares))
    found[rising] = squares[rising] / np.where(not_smaller > 0, not_smaller, 1)
    return found


def spread_by_lamp(sizes: Sequence[GroupSize], scores: Sequence[Floats], ratio: float) -> Spread:
    """Remove the units of the least LAMP scores over all groups.

    Args:
        sizes: of the groups.
        scores: of each group's units, shape (num_units,), not negative; of any scale.
        ratio: share of all channels to remove, 0…1.
    """
    return spread_by_score(sizes, [lamp_scores(values) for values in scores], ratio)
