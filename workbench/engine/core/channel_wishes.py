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
    """

    group: ChannelGroup
    prune: Prune
    by: tuple[str, ...]

    @property
    def criterion(self) -> str:
        """Name of the criterion that chooses the group's channels."""
        return self.prune.criterion or DEFAULT_CRITERION


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
    places = {id(rule.prune): place for place, rule in enumerate(recipe.rules) if rule.prune is not None}
    by_name = {layer.name: layer for layer in info.layers}
    found = []
    for group in channels.groups:
        if only is not None and group.name not in only:
            continue
        wishes = {}
        for member in group.members:
            prune = _prune_of(by_name.get(member), recipe)
            if prune is not None:
                wishes[member] = prune
        if wishes:
            last = max(wishes.values(), key=lambda prune: places.get(id(prune), -1))
            found.append(Asked(group, last, tuple(wishes)))
    return found


def channel_prunes(settings: LayerSettings) -> list[Prune]:
    """The prunings of filters or neurons that are asked of a layer, also of the kind that it does not have."""
    return [prune for prune in settings.prunes if prune.kind in CHANNEL_KINDS]


def _prune_of(layer: Layer | None, recipe: Recipe) -> Prune | None:
    """What `Recipe.settings_for` gives of the layer's own kind; a drag asks it for every layer of a group."""
    kind = KIND_OF.get(layer.op_type, "") if layer is not None else ""
    if layer is None or not kind:
        return None
    for rule in reversed(recipe.rules):
        if rule.prune is not None and rule.prune.kind in (kind, "none") and rule.matches(layer.name, layer.op_type):
            return rule.prune if rule.prune.kind == kind else None
    return None
