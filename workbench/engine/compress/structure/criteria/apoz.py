"""How often a channel is not zero on samples."""

from dataclasses import replace

from workbench.engine.compress.structure.criteria.activation_magnitude import judge_activation_magnitude
from workbench.engine.compress.structure.criterion import Criterion, GroupView, Judgement, MemberScores, Needs


def judge_apoz(view: GroupView) -> Judgement:
    """1 − APoZ, the average percentage of zeros, of each output that is ever zero; mean |a| where none is.

    Outputs that are never zero pass no Relu before others are added to them, so that they tell nothing.

    Source: Hu et al. 2016, "Network trimming" (arXiv:1607.03250), equation 1.
    """
    telling = [(activity, units) for activity, units in view.activity() if float(activity.zero_share.sum()) > 0]
    if not telling:
        why = "no output of these layers is ever zero on the samples: activation_magnitude instead"
        return replace(judge_activation_magnitude(view), reason=why)
    return Judgement([MemberScores(1 - activity.zero_share, units) for activity, units in telling])


APOZ = Criterion("apoz", "share of a channel's values that are not zero on samples", Needs.SAMPLES, judge_apoz)
