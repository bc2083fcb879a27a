"""The factor by which a normalization scales a channel."""

from dataclasses import replace

import numpy as np

from workbench.engine.compress.structure.criteria.l1 import judge_l1
from workbench.engine.compress.structure.criterion import Criterion, GroupView, Judgement, Needs, by_rows


def judge_batch_norm_scale(view: GroupView) -> Judgement:
    """|γ| of the normalization after each channel; the L1 norm where there is none, with that as the reason.

    The paper trains with a penalty on γ and compares it across layers. A model that was not trained so has scales
    that compare within a layer only, so that they are normalised like all others here.

    Source: Liu et al. 2017, "Learning efficient convolutional networks through network slimming"
    (arXiv:1708.06519), section 3.
    """
    scales = view.scales()
    if not scales:
        why = "no normalization scales these channels (it may have been folded into the weights): l1 instead"
        return replace(judge_l1(view), reason=why)
    return Judgement(by_rows(scales, np.abs))


BATCH_NORM_SCALE = Criterion(
    "batch_norm_scale", "|γ| of the normalization after a channel", Needs.WEIGHTS, judge_batch_norm_scale
)
