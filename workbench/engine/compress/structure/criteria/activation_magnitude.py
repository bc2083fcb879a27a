"""How large a channel's values are on samples."""

from workbench.engine.compress.structure.criterion import Criterion, GroupView, Judgement, MemberScores, Needs


def judge_activation_magnitude(view: GroupView) -> Judgement:
    """Mean |a| over samples and positions of each member's output, after its Relu or Clip.

    Source: Molchanov et al. 2017 (arXiv:1611.06440), section 2.2, "mean activation", here of magnitudes since not
    every activation is positive.
    """
    return Judgement([MemberScores(activity.mean_magnitude, units) for activity, units in view.activity()])


ACTIVATION_MAGNITUDE = Criterion(
    "activation_magnitude", "mean |a| of a channel on samples", Needs.SAMPLES, judge_activation_magnitude
)
