"""No criterion at all: what every other has to beat."""

import numpy as np

from workbench.engine.compress.structure.criterion import Criterion, GroupView, Judgement, MemberScores, Needs


def judge_random(view: GroupView) -> Judgement:
    """Uniform numbers in 0…1, the same for the same seed and group."""
    first = int(view.units[0]) if len(view.units) else 0
    scores = np.random.default_rng([view.findings.seed, first]).uniform(size=len(view.units))
    return Judgement([MemberScores(scores, view.units)], is_comparable=True)


RANDOM = Criterion("random", "seeded chance, to compare with", Needs.WEIGHTS, judge_random)
