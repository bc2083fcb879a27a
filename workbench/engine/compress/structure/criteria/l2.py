"""L2 norm of the weights that make a channel."""

import numpy as np

from workbench.engine.compress.structure.criterion import Criterion, GroupView, Judgement, Needs, by_rows


def judge_l2(view: GroupView) -> Judgement:
    """√Σw² over the filter of each channel.

    Source: Li et al. 2017 (arXiv:1608.08710), section 4.4, which finds it as good as the L1 norm.
    """
    return Judgement(by_rows(view.filters(), lambda rows: np.sqrt(np.square(rows).sum(axis=1, dtype=np.float64))))


L2 = Criterion("l2", "Euclidean norm of a channel's filter", Needs.WEIGHTS, judge_l2)
