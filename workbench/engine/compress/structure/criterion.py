"""What a criterion of channel importance is: from the parts of one group to a score for each channel of each member."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from types import MappingProxyType

import numpy as np
import numpy.typing as npt

from workbench.engine.compress.structure.group_parts import (
    Floats,
    GroupPart,
    UnitIds,
    filters_of,
    outputs_of,
    scales_of,
)
from workbench.engine.compress.structure.reader_parts import readers_of
from workbench.engine.core.channel_activity import ChannelActivity
from workbench.engine.graph.channels.flow import Flow
from workbench.engine.graph.channels.unit_groups import UnitGroup

Scores = npt.NDArray[np.float64]


class Needs(Enum):
    """What has to be known before a criterion can be asked."""

    WEIGHTS = "weights"
    SAMPLES = "samples"
    GRADIENTS = "gradients"


@dataclass(frozen=True, slots=True)
class SampleFindings:
    """What samples gave; empty where a criterion needs none.

    Args:
        activity: of the channels of the members' outputs, by the tensor's name in `outputs_of`.
        gradients: of each unit what the loss does when it is faded, shape (samples,); see `gate_gradients`.
        ungated: why a group has no gradients, by its first unit.
        seed: what is drawn at random is drawn with it.
    """

    activity: Mapping[str, ChannelActivity] = field(default_factory=lambda: MappingProxyType({}))
    gradients: Mapping[int, Scores] = field(default_factory=lambda: MappingProxyType({}))
    ungated: Mapping[int, str] = field(default_factory=lambda: MappingProxyType({}))
    seed: int = 0


@dataclass(frozen=True, slots=True, eq=False)
class GroupView:
    """One group, as a criterion may look at it."""

    group: UnitGroup
    flow: Flow
    findings: SampleFindings

    @property
    def units(self) -> UnitIds:
        """The units that may go, shape (U,)."""
        return self.group.units

    def filters(self) -> list[GroupPart]:
        """The weights that make the channels, one part a member: row c makes channel c, shape (C, K)."""
        return filters_of(self.group, self.flow)

    def readers(self) -> list[GroupPart]:
        """The weights that read the channels, one part a layer: row c reads channel c, shape (C, K)."""
        return readers_of(self.group, self.flow)

    def scales(self) -> list[GroupPart]:
        """Factors of normalizations, one part each, shape (C,)."""
        return scales_of(self.group, self.flow)

    def activity(self) -> list[tuple[ChannelActivity, UnitIds]]:
        """What samples told of each member's output, and the units of its channels."""
        outputs = outputs_of(self.group, self.flow)
        known = self.findings.activity
        return [(known[name], units) for name, (_, units) in outputs.items() if name in known]


@dataclass(frozen=True, slots=True, eq=False)
class MemberScores:
    """How much each channel of one member matters.

    Args:
        scores: shape (C,), not negative, finite.
        units: unit of each channel, shape (C,); 0 for channels that always stay.
    """

    scores: Scores
    units: UnitIds


@dataclass(frozen=True, slots=True, eq=False)
class Judgement:
    """What a criterion says of one group.

    Args:
        members: one entry a member that it can tell something of.
        reason: why it is not what the criterion's name says; empty if it is.
        is_comparable: whether these scores compare across groups as they are; if not, they are normalised.
    """

    members: Sequence[MemberScores]
    reason: str = ""
    is_comparable: bool = False


@dataclass(frozen=True, slots=True)
class Criterion:
    """A way to tell how much channels matter.

    Args:
        name: what a recipe's `criterion` says; lower case, unique.
        summary: one line for a list.
        needs: what it looks at.
        judge: gives the scores for one group.
    """

    name: str
    summary: str
    needs: Needs
    judge: Callable[[GroupView], Judgement]


def by_rows(parts: Sequence[GroupPart], score: Callable[[Floats], npt.NDArray[np.floating]]) -> list[MemberScores]:
    """Members scored each by a function of its rows: (C, K) or (C,) float32, which may be large -> (C,)."""
    return [MemberScores(np.asarray(score(part.rows), np.float64), part.units) for part in parts]
