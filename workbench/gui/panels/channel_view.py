"""What the form of channels shows of the selected layers: values only, so that no widget is needed to check them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from workbench.engine.core.channel_group import ChannelGroup
from workbench.engine.core.channel_importance import CriterionInfo
from workbench.engine.core.channel_wishes import DEFAULT_CRITERION
from workbench.engine.core.layer import Layer
from workbench.engine.core.recipe import Prune
from workbench.gui.channels_now import (
    LANES,
    ChannelsNow,
    LayerChannels,
    group_text,
    groups_of,
    units_text,
    why_not_prunable,
)
from workbench.gui.panels.settings_in_common import in_common

_WAITING = "following the channels through the model…"
ODD_TIP = f"no multiple of {LANES}: phones compute {LANES} channels at a time, so part of them is spent on nothing"


@dataclass(frozen=True, slots=True)
class ChannelView:
    """The settings of the groups of some layers; None where they differ.

    Args:
        groups: those that can lose channels.
        reason: why there is none; empty where there is one.
        title: the group's name and how many layers it has.
        tip: the layers of the groups, a line each.
        ratio: share that is asked to go, 0…1.
        left: how many stay, in words.
        odd: what is to be said of a number that is no multiple of 8; empty where it is one.
        falls_short: whether one was asked for, so that it is a warning; where any number was, it is a hint.
        remark: what keeps the recipe from being done, or is not known yet.
    """

    groups: tuple[ChannelGroup, ...] = ()
    reason: str = ""
    title: str = ""
    tip: str = ""
    ratio: float | None = 0.0
    criterion: str | None = DEFAULT_CRITERION
    multiple_of: int | None = 1
    scope: str | None = "layer"
    left: str = ""
    odd: str = ""
    falls_short: bool = False
    remark: str = ""


def channel_view(
    layers: Sequence[Layer], now: ChannelsNow, criteria: Mapping[str, CriterionInfo], refusal: str = ""
) -> ChannelView:
    """What to show.

    Args:
        layers: the selected ones.
        now: the channels under the recipe.
        criteria: by name, as far as they are known.
        refusal: why the groups are not known.
    """
    groups = groups_of(layers, now)
    if not groups:
        return ChannelView(reason=_why_none(layers, now, refusal))
    prunes = [now.asked[group.name].prune if group.name in now.asked else Prune(group.kind) for group in groups]
    return ChannelView(
        groups=groups,
        title=group_text(groups[0]) if len(groups) == 1 else f"{len(groups)} groups",
        tip="\n".join(name for group in groups for name in group.members[:40]),
        ratio=in_common(prunes, lambda prune: prune.ratio or 0.0),
        criterion=in_common(prunes, lambda prune: prune.criterion or DEFAULT_CRITERION),
        multiple_of=in_common(prunes, lambda prune: prune.multiple_of or 1),
        scope=in_common(prunes, lambda prune: prune.scope),
        left=_left_text(groups, layers, now),
        odd=_odd_text(groups, now),
        falls_short=any(found.falls_short for _, found in _members(groups, now)),
        remark=_remark(groups, now, criteria),
    )


def _why_none(layers: Sequence[Layer], now: ChannelsNow, refusal: str) -> str:
    if not layers:
        return ""
    reason = why_not_prunable(layers[0], now)
    return reason or refusal or _WAITING


def _left_text(groups: Sequence[ChannelGroup], layers: Sequence[Layer], now: ChannelsNow) -> str:
    if len(groups) > 1:
        kept = sum(sum(now.kept.get(group.name, group.class_sizes)) for group in groups)
        return f"{kept} of {sum(group.num_units for group in groups)}"
    group = groups[0]
    if group.has_heads:
        return f"{sum(now.kept.get(group.name, group.class_sizes))} of {group.num_units} heads"
    own = next((found for layer in layers if (found := now.of_layer(layer.name)) is not None), None)
    return f"{own.left} of {own.whole} {units_text(group)}" if own is not None else ""


def _members(groups: Sequence[ChannelGroup], now: ChannelsNow) -> list[tuple[str, LayerChannels]]:
    names = [member for group in groups for member in group.members]
    return [(name, found) for name in names if (found := now.of_layer(name)) is not None]


def _odd_text(groups: Sequence[ChannelGroup], now: ChannelsNow) -> str:
    odd = [f"{member}: {found.left}" for member, found in _members(groups, now) if found.is_odd]
    return "" if not odd else f"{', '.join(odd[:6])}{' …' if len(odd) > 6 else ''}: {ODD_TIP}"


def _remark(groups: Sequence[ChannelGroup], now: ChannelsNow, criteria: Mapping[str, CriterionInfo]) -> str:
    lacking = next((group for group in groups if group.name in now.lacking), None)
    if lacking is not None:
        return f"{now.asked[lacking.name].criterion} needs samples: open data, or none of it goes"
    asked = [now.asked[group.name] for group in groups if group.name in now.asked]
    unknown = next((one.criterion for one in asked if criteria and one.criterion not in criteria), "")
    if unknown:
        return f"no criterion {unknown} is known here"
    if now.is_spread and any(one.prune.scope != "layer" for one in asked):
        return "spread over the layers of the rule when it rests"
    fixed = next((group for group in groups if group.num_fixed), None)
    return f"{fixed.num_fixed} channels stay: {fixed.reason}" if fixed is not None else ""
