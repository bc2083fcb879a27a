"""What of the channel pruning that a recipe asks can be done, group by group, and why the rest cannot."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType

from workbench.engine.core.channel_group import ModelChannels
from workbench.engine.core.channel_wishes import KIND_OF, Asked, channel_prunes
from workbench.engine.core.layer import Layer, ModelInfo
from workbench.engine.core.plan import GroupPlan
from workbench.engine.core.recipe import LayerSettings, Recipe

_NO_REMARKS: Mapping[str, str] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Aside:
    """What is to be said of a layer's channels: what is done, and why it is not what was asked."""

    done: str = ""
    reason: str = ""


@dataclass(frozen=True, slots=True)
class StructurePlan:
    """The groups that lose channels, and for each layer that has to do with it what is said of it.

    Args:
        awaits_samples: whether the numbers are those of a criterion that stands in until samples are run.
    """

    groups: tuple[GroupPlan, ...] = ()
    asides: Mapping[str, Aside] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    awaits_samples: bool = False


def plan_structure(
    info: ModelInfo,
    channels: ModelChannels,
    recipe: Recipe,
    asked: Sequence[Asked],
    plans: Sequence[GroupPlan],
    lacking: Collection[str] = (),
    remarks: Mapping[str, str] = _NO_REMARKS,
) -> StructurePlan:
    """The groups' plans with what is said of every layer that asks or goes along.

    Args:
        info: the model's layers.
        channels: their groups.
        recipe: what is asked.
        asked: as `groups_asked` gives it.
        plans: what will be done to those that lose something.
        lacking: groups whose criterion needs samples that are not there.
        remarks: why the criterion's scores are not what its name says, by group.
    """
    asides: dict[str, Aside] = {}
    done = {plan.group: plan for plan in plans}
    kept = {plan.group: plan.kept for plan in plans}
    for one in asked:
        for member in one.group.members:
            counts = channels.output_channels(member, kept) if member in channels.outputs else (0, 0)
            if one.group.name in lacking:
                text = f"no {one.group.kind} are removed: criterion {one.criterion} needs samples, and none are given"
                asides[member] = Aside(reason=text)
                continue
            asides[member] = _aside(member, one, done.get(one.group.name), counts, remarks.get(one.group.name, ""))
    for layer in info.layers:
        settings = recipe.settings_for(layer.name, layer.op_type)
        if channel_prunes(settings) and layer.name not in asides:
            asides[layer.name] = Aside(reason=_why_not(layer, settings, channels))
    return StructurePlan(tuple(plans), {name: aside for name, aside in asides.items() if aside != Aside()})


def _aside(member: str, asked: Asked, plan: GroupPlan | None, counts: tuple[int, int], remark: str) -> Aside:
    group = asked.group
    if plan is None:
        if not group.num_units:
            return Aside(reason=f"no {group.kind} are removed: {group.reason or 'nothing of it can go'}")
        if (asked.prune.ratio or 0) > 0:
            return Aside(reason=f"no {group.kind} are removed: {_why_none(asked)}")
        return Aside()
    left, whole = counts
    if group.has_heads:
        done = f"remove {plan.num_units - plan.num_kept} of {plan.num_units} heads by {plan.criterion}"
    else:
        done = f"remove {whole - left} of {whole} {group.kind} by {plan.criterion}"
    reasons = []
    if len(group.members) > 1:
        others = len(group.members) - 1
        done += f", with {others} other layer{'s' if others > 1 else ''} of group {group.name}"
    if member not in asked.by:
        reasons.append(f"its channels go with those of {asked.by[0]}")
    own = dict(asked.others).get(member)
    if own is not None and own != asked.prune:
        reasons.append(f"a later rule for its group asks for {asked.prune.ratio or 0:.1%}")
    if group.has_heads:
        reasons.append(f"whole heads of {group.channels_per_unit} channels go")
    wanted = asked.prune.ratio or 0
    got = 1 - plan.num_kept / plan.num_units
    # Each class is rounded by itself.
    if abs(got - wanted) > 0.5 * len(plan.kept) / plan.num_units + 1e-9:
        reasons.append(f"{got:.1%} go instead of {wanted:.1%}, as {_why_other(asked)}")
    if dropped := _dropped_multiple(asked):
        reasons.append(dropped)
    if group.num_fixed:
        reasons.append(f"{group.num_fixed} of its channels stay: {group.reason}")
    if remark:
        reasons.append(remark)
    return Aside(done, "; ".join(reasons))


def _why_none(asked: Asked) -> str:
    group = asked.group
    if group.num_units <= max(len(group.class_sizes), group.blocks):
        return "no layer may vanish"
    if asked.prune.scope != "layer":
        return f"the target is met in other layers of the rule ({asked.prune.scope})"
    if _holds_somewhere(asked) or group.blocks > 1:
        return _why_other(asked)
    why = f"{asked.prune.ratio or 0:.1%} of {group.num_units} is nearest to none"
    return "; ".join(filter(None, (why, _dropped_multiple(asked))))


def _why_other(asked: Asked) -> str:
    parts = []
    if _holds_somewhere(asked):
        parts.append(f"a multiple of {asked.prune.multiple_of} channels stays")
    if asked.group.blocks > 1:
        parts.append(f"each of {asked.group.blocks} blocks keeps equally many")
    if asked.prune.scope != "layer":
        parts.append(f"one target is spread over all layers of the rule ({asked.prune.scope})")
    return " and ".join(parts) or "no layer may vanish"


def _rooms(asked: Asked) -> list[bool]:
    """For each class of the group, whether it has units enough for the multiple that is asked."""
    return [asked.group.has_room(size, asked.prune.multiple_of or 1) for size in asked.group.class_sizes]


def _holds_somewhere(asked: Asked) -> bool:
    return (asked.prune.multiple_of or 1) > 1 and any(_rooms(asked))


def _dropped_multiple(asked: Asked) -> str:
    """That classes are too small for the multiple that is asked, and so do without; empty if none is."""
    group = asked.group
    small = {size for size, has_room in zip(group.class_sizes, _rooms(asked), strict=True) if not has_room}
    if not small:
        return ""
    sizes = " or ".join(str(size * group.channels_per_unit) for size in sorted(small))
    blocks = f", in {group.blocks} blocks" if group.blocks > 1 else ""
    return f"multiple_of {asked.prune.multiple_of} is dropped where only {sizes} channels go together{blocks}"


def _why_not(layer: Layer, settings: LayerSettings, channels: ModelChannels) -> str:
    kinds = {prune.kind for prune in channel_prunes(settings)}
    own = KIND_OF.get(layer.op_type)
    if own is None:
        return f"{layer.op_type} is not pruned by channels"
    if own not in kinds:
        return f"{layer.op_type} has {own}, no {' or '.join(sorted(kinds))}"
    if layer.name not in channels.group_of:
        return f"no {own} are removed: it is not in the main graph, or its weights are computed"
    return ""
