"""L1 norm of the weights that make a channel."""

import numpy as np

from workbench.engine.compress.structure.criterion import Criterion, GroupView, Judgement, Needs, by_rows


def judge_l1(view: GroupView) -> Judgement:
    """Σ|w| over the filter of each channel.

    Source: Li et al. 2017, "Pruning filters for efficient ConvNets" (arXiv:1608.08710), section 3.1.
    """
    return Judgement(by_rows(view.filters(), lambda rows: np.abs(rows).sum(axis=1, dtype=np.float64)))


L1 = Criterion("l1", "sum of |w| over a channel's filter", Needs.WEIGHTS, judge_l1)
