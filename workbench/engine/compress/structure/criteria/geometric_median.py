"""Distance of a channel's filter from all others of its layer: what lies amid the others can be replaced by them."""

import numpy as np
import numpy.typing as npt

from workbench.engine.compress.structure.criterion import Criterion, GroupView, Judgement, Needs, by_rows

# Taken in double precision at a time: the first fully connected layer of VGG has 25,088.
_COLUMNS = 2048


def judge_geometric_median(view: GroupView) -> Judgement:
    """Σ over all filters of the layer, those that always stay among them, of the distance to this one.

    Source: He et al. 2019, "Filter pruning via geometric median" (arXiv:1811.00250), equations 4 to 6.
    """
    return Judgement(by_rows(view.filters(), sum_of_distances))


def sum_of_distances(rows: npt.NDArray[np.floating]) -> npt.NDArray[np.float64]:
    """Of each row the sum of Euclidean distances to all others, shape (C,). Memory grows with C².

    >>> sum_of_distances(np.array([[0.0, 0.0], [3.0, 4.0], [6.0, 8.0]])).tolist()
    [15.0, 10.0, 15.0]
    """
    between = np.zeros((len(rows), len(rows)))
    for start in range(0, rows.shape[1], _COLUMNS):
        part = rows[:, start : start + _COLUMNS].astype(np.float64)
        # Around their mean, so that filters that are alike but far from zero lose no digits.
        part -= part.mean(axis=0)
        squares = np.square(part).sum(axis=1)
        between += squares[:, None] + squares[None, :] - 2 * (part @ part.T)
    np.fill_diagonal(between, 0)
    return np.asarray(np.sqrt(np.maximum(between, 0)).sum(axis=1))


GEOMETRIC_MEDIAN = Criterion(
    "geometric_median", "sum of distances to the other filters of the layer", Needs.WEIGHTS, judge_geometric_median
)
