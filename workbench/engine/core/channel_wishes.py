"""What a recipe asks of channel groups: the latest rule that any member matches has the last word on all of them."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from workbench.engine.core.channel_group import FILTERS, NEURONS, ChannelGroup, ModelChannels
from workbench.engine.core.layer import Layer, ModelInfo
from workbench.engine.core.recipe import LayerSettings, Prune, Recipe

DEFAULT_CRITERION = "l2"
CHANNEL_KINDS = (FILTERS, NEURONS)
KIND_OF: Mapping[str, str] = {"Conv": FILTERS, "ConvTranspose": FILTERS, "Gemm": NEURONS, "MatMul": NEURONS}


@dataclass(frozen=True, slots=True)
class Asked:
    """One group and the pruning that has the last word on it.

    Args:
        group: the group.
        prune: of the latest rule that a member matches.
        by: the members that ask for channels to go.
        rule: place of that rule in the recipe.
        others: members whose own latest rule is an earlier one, with what it asks.
    """

    group: ChannelGroup
    prune: Prune
    by: tuple[str, ...]
    rule: int
    others: tuple[tuple[str, Prune], ...] = ()

    @property
    def criterion(self) -> str:
        """Name of the criterion that chooses the group's channels."""
        # An empty name is none that is known, and is refused as such.
        return DEFAULT_CRITERION if self.prune.criterion is None else self.prune.criterion


def has_channel_rules(recipe: Recipe) -> bool:
    """Whether any rule asks for channels to go, of whatever layers."""
    return any(rule.prune is not None and rule.prune.kind in CHANNEL_KINDS for rule in recipe.rules)


def asks_for_channels(info: ModelInfo, recipe: Recipe) -> bool:
    """Whether any layer is asked to lose filters or neurons, so that the groups have to be known."""
    if not has_channel_rules(recipe):
        return False
    return any(channel_prunes(recipe.settings_for(layer.name, layer.op_type)) for layer in info.layers)


def groups_asked(
    info: ModelInfo, channels: ModelChannels, recipe: Recipe, only: Collection[str] | None = None
) -> list[Asked]:
    """The groups of which channels are asked to go, in the order of the graph.

    Args:
        info: the model's layers.
        channels: their groups.
        recipe: what is asked.
        only: names of the groups to look at; all of them if not given.
    """
    by_name = {layer.name: layer for layer in info.layers}
    found = []
    for group in channels.groups:
        if only is not None and group.name not in only:
            continue
        wishes = {}
        for member in group.members:
            rule = _rule_of(by_name.get(member), recipe)
            if rule is not None:
                wishes[member] = rule
        if wishes:
            last = max(wishes.values())
            prune = recipe.rules[last].prune
            assert prune is not None
            found.append(Asked(group, prune, tuple(wishes), last, _overruled(wishes, last, recipe)))
    return found


def _overruled(wishes: Mapping[str, int], last: int, recipe: Recipe) -> tuple[tuple[str, Prune], ...]:
    own = {member: recipe.rules[rule].prune for member, rule in wishes.items() if rule != last}
    return tuple((member, prune) for member, prune in own.items() if prune is not None)


def channel_prunes(settings: LayerSettings) -> list[Prune]:
    """The prunings of filters or neurons that are asked of a layer, also of the kind that it does not have."""
    return [prune for prune in settings.prunes if prune.kind in CHANNEL_KINDS]


def asks_for_channels_alone(info: ModelInfo, recipe: Recipe) -> bool:
    """Whether layers are asked to lose filters or neurons, and nothing else is asked of any."""
    if recipe.equalize or not asks_for_channels(info, recipe):
        return False
    every = [recipe.settings_for(layer.name, layer.op_type) for layer in info.layers]
    return not any(one.weights or one.activations or one.prune("weights") for one in every)


def _rule_of(layer: Layer | None, recipe: Recipe) -> int | None:
    """Place of the rule that prunes the layer's channels."""
    kind = None if layer is None else KIND_OF.get(layer.op_type)
    return None if layer is None or kind is None else recipe.pruning_rule(layer.name, layer.op_type, kind)
