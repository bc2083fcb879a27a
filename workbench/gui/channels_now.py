"""Which channels the recipe leaves in each group and layer, by arithmetic in the window's process."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType

from workbench.engine.core.channel_group import ChannelGroup, ModelChannels
from workbench.engine.core.channel_importance import CriterionInfo
from workbench.engine.core.channel_wishes import KIND_OF, Asked, groups_asked, has_channel_rules
from workbench.engine.core.layer import Layer, ModelInfo
from workbench.engine.core.plan import Plan
from workbench.engine.core.recipe import Recipe
from workbench.gui.recipe_change import changed_rules
from workbench.gui.rule_layers import RuleLayers

Kept = Mapping[str, tuple[int, ...]]
# What phones and most vector units compute at a time.
LANES = 8


@dataclass(frozen=True, slots=True)
class LayerChannels:
    """The output channels of one layer.

    Args:
        left, whole: how many stay, and how many there are.
        multiple_of: what the number that stays is asked to be a multiple of; 1 for any.
        is_odd: whether what is left is no multiple of 8 although the original's number is.
        falls_short: whether that was asked; where any number was, it is no more than a hint.
    """

    left: int
    whole: int
    multiple_of: int = 1

    @property
    def is_odd(self) -> bool:
        """Whether what is left fills no whole lanes of eight, as the original does."""
        return self.left < self.whole and self.left % LANES != 0 and self.whole % LANES == 0

    @property
    def falls_short(self) -> bool:
        """Whether whole lanes were asked for, and are not what is left."""
        return self.is_odd and self.multiple_of % LANES == 0


@dataclass(frozen=True, slots=True, eq=False)
class ChannelsNow:
    """The channels under one recipe.

    Args:
        channels: the model's groups; None until they are known.
        groups: the same by name.
        asked: by group what is asked of it, for the groups of which something is.
        kept: by group how many units of each class stay, for the groups that lose some.
        lacking: groups whose criterion needs samples that are not there: nothing of them goes.
        is_spread: whether some of it is only known when the engine has planned it, or has run samples for it: one
            target over several groups.
    """

    channels: ModelChannels | None = None
    groups: Mapping[str, ChannelGroup] = field(default_factory=lambda: MappingProxyType({}))
    asked: Mapping[str, Asked] = field(default_factory=lambda: MappingProxyType({}))
    kept: Kept = field(default_factory=lambda: MappingProxyType({}))
    lacking: frozenset[str] = frozenset()
    is_spread: bool = False

    def group_of(self, layer: str) -> ChannelGroup | None:
        """The group of a layer's outputs; None where they are not followed, or not yet."""
        return self.groups.get(self.channels.group_of.get(layer, "")) if self.channels is not None else None

    def of_layer(self, layer: str) -> LayerChannels | None:
        """How many output channels of a layer stay; None where that is not known."""
        axis = self.channels.outputs.get(layer) if self.channels is not None else None
        if axis is None:
            return None
        left = whole = axis.fixed
        for name, number, each in axis.parts:
            size = self.groups[name].class_sizes
            left += self.kept.get(name, size)[number] * each
            whole += size[number] * each
        asked = self.asked.get(self.channels.group_of.get(layer, "")) if self.channels is not None else None
        return LayerChannels(left, whole, (asked.prune.multiple_of or 1) if asked is not None else 1)

    def is_cut(self, layer: str) -> bool:
        """Whether the layer's outputs lose channels."""
        return self.channels is not None and self.channels.group_of.get(layer, "") in self.kept


class GroupWishes:
    """What recipes ask of the groups of one model: an edit costs the groups that it touches.

    Args:
        model: its layers.
        channels: its groups.
    """

    def __init__(self, model: ModelInfo, channels: ModelChannels) -> None:
        self.channels = channels
        self._groups = {group.name: group for group in channels.groups}
        self._model = model
        self._rules = RuleLayers(model.layers)
        self._recipe: Recipe | None = None
        self._asked: Mapping[str, Asked] = {}
        self._kept: Kept = MappingProxyType({})
        self._now = ChannelsNow(channels, self._groups)

    def now(
        self,
        recipe: Recipe,
        *,
        criteria: Mapping[str, CriterionInfo],
        has_samples: bool,
        plan: Plan | None = None,
    ) -> ChannelsNow:
        """The channels under a recipe; the very same value while nothing of them is another.

        Args:
            recipe: what is asked.
            criteria: by name, as far as they are known.
            has_samples: whether a criterion that needs some has them.
            plan: the engine's, of this very recipe, once there is one; it has the last word.
        """
        self._update(recipe)
        lacking = frozenset(
            name for name, one in self._asked.items() if not has_samples and _needs_samples(one, criteria)
        )
        is_inexact = bool(self._asked) and not self.channels.is_exact
        is_spread = is_inexact or any(one.prune.scope != "layer" for one in self._asked.values())
        if plan is not None and self._asked:
            planned = {entry.group: entry.kept for entry in plan.groups}
            return self._as_now(planned, lacking, is_spread=is_spread and plan.awaits_samples)
        kept = {}
        for name, one in self._asked.items():
            left = one.group.units_kept(one.prune.ratio or 0.0, one.prune.multiple_of)
            if name not in lacking and left != one.group.class_sizes:
                kept[name] = left
        return self._as_now(kept, lacking, is_spread=is_spread)

    def _as_now(self, kept: Kept, lacking: frozenset[str], *, is_spread: bool) -> ChannelsNow:
        kept, before = self._the_same(kept), self._now
        found = (before.asked, before.kept, before.lacking, before.is_spread)
        if found != (self._asked, kept, lacking, is_spread):
            self._now = ChannelsNow(self.channels, self._groups, self._asked, kept, lacking, is_spread)
        return self._now

    def _the_same(self, kept: Kept) -> Kept:
        """The very same mapping while nothing else goes, so that nothing is computed anew of it: moves are small."""
        if kept != self._kept:
            self._kept = kept
        return self._kept

    def _update(self, recipe: Recipe) -> None:
        before, self._recipe = self._recipe, recipe
        if before is recipe:
            return
        if not has_channel_rules(recipe):
            self._asked = {}
            return
        if before is None or not has_channel_rules(before):
            self._ask(recipe, None)
            return
        places = frozenset().union(*(self._rules.of(rule) for rule in changed_rules(before.rules, recipe.rules)))
        names = {self.channels.group_of.get(self._model.layers[place].name, "") for place in places}
        self._ask(recipe, names)

    def _ask(self, recipe: Recipe, only: Collection[str] | None) -> None:
        found = {one.group.name: one for one in groups_asked(self._model, self.channels, recipe, only)}
        old = {name: one for name, one in self._asked.items() if only is not None and name not in only}
        every = old | found
        self._asked = {group.name: every[group.name] for group in self.channels.groups if group.name in every}


def why_not_prunable(layer: Layer, now: ChannelsNow) -> str:
    """Why no channels of a layer can go; empty where some can, or where it is not known yet."""
    if layer.op_type not in KIND_OF:
        return f"{layer.op_type} is not pruned by channels"
    if now.channels is None:
        return ""
    group = now.group_of(layer.name)
    if group is None:
        return "its channels are not followed: it is not in the main graph, or its weights are computed"
    return "" if group.num_units else f"its channels stay: {group.reason or 'nothing of it can go'}"


def groups_of(layers: Sequence[Layer], now: ChannelsNow) -> tuple[ChannelGroup, ...]:
    """The groups of some layers that can lose channels, each once, in the order of the layers."""
    found = {}
    for layer in layers:
        group = now.group_of(layer.name)
        if group is not None and group.num_units:
            found[group.name] = group
    return tuple(found.values())


def group_text(group: ChannelGroup) -> str:
    """The name of a group and how many layers it has.

    >>> group_text(ChannelGroup("conv1", "filters", ("conv1", "conv3"), (16,)))
    'group conv1 · 2 layers'
    """
    count = len(group.members)
    return f"group {group.name} · {count} layer{'' if count == 1 else 's'}"


def units_text(group: ChannelGroup) -> str:
    """What goes of a group, in one word: filters, neurons or heads."""
    return "heads" if group.has_heads else group.kind


def _needs_samples(asked: Asked, criteria: Mapping[str, CriterionInfo]) -> bool:
    criterion = criteria.get(asked.criterion)
    return criterion is not None and criterion.needs_samples
