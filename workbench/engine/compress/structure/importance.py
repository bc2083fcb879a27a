"""How much each unit of a group matters: what a criterion says of single channels, put together."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from workbench.engine.compress.structure.criterion import Criterion, GroupView, MemberScores, SampleFindings, Scores
from workbench.engine.compress.structure.group_parts import UnitIds
from workbench.engine.core.errors import ModelError
from workbench.engine.graph.channels.flow import Flow
from workbench.engine.graph.channels.unit_groups import UnitGroup


@dataclass(frozen=True, slots=True, eq=False)
class UnitScores:
    """The importance of a group's units.

    Args:
        values: shape (U,), in the order of `group.units`; the least important unit has the least.
        reason: why they are not what the criterion's name says; empty if they are.
    """

    values: Scores
    reason: str = ""


def unit_scores(
    criterion: Criterion, group: UnitGroup, flow: Flow, findings: SampleFindings | None = None
) -> UnitScores:
    """How much each unit of a group matters.

    A unit's score in a member is the sum over its channels there, since all of them go with it. A member's scores are
    divided by their mean over the units that it holds, so that members, and groups, of other widths and scales
    compare; a unit then has the mean of its scores over the members in which it occurs. Scores that the criterion
    calls comparable are not divided.

    Args:
        criterion: see there.
        group: of the flow.
        flow: of the model.
        findings: what the samples gave, for a criterion that needs them.

    Raises:
        ModelError: a score is no finite number, or none is given where samples are needed.

    Source: Fang et al. 2023 (arXiv:2301.12900), section 3.3, which sums the importance over all that is coupled and
    normalises it by its mean; it counts members, here their mean counts, so that a unit that occurs in fewer
    members is not worth less by that alone.
    """
    judgement = criterion.judge(GroupView(group, flow, findings or SampleFindings()))
    if not judgement.members and len(group.units):
        raise ModelError(f"{criterion.name} says nothing of {group.members[0]}: it needs {criterion.needs.value}")
    values = _mean_over_members(group.units, judgement.members, normalised=not judgement.is_comparable)
    if not bool(np.isfinite(values).all()):
        raise ModelError(f"{criterion.name} of {group.members[0]} is no finite number", "take another criterion")
    return UnitScores(values, judgement.reason)


def _mean_over_members(units: UnitIds, members: Sequence[MemberScores], *, normalised: bool) -> Scores:
    total, count = np.zeros(len(units)), np.zeros(len(units))
    order = np.argsort(units)
    for member in members:
        is_own = np.isin(member.units, units)
        places = order[np.searchsorted(units, member.units[is_own], sorter=order)]
        sums = np.bincount(places, weights=member.scores[is_own], minlength=len(units))
        occurs = np.bincount(places, minlength=len(units)) > 0
        mean = float(sums[occurs].mean()) if occurs.any() else 0.0
        total += sums / mean if normalised and mean > 0 else sums
        count += occurs
    return np.asarray(total / np.maximum(count, 1), np.float64)
