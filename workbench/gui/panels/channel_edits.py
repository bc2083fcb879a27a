"""What a wish for channels means for the recipe: one rule for all layers of a group, so that they move together."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from workbench.engine.core.channel_group import ChannelGroup
from workbench.engine.core.channel_wishes import CHANNEL_KINDS, groups_asked
from workbench.engine.core.layer import ModelInfo
from workbench.engine.core.recipe import Prune, Recipe, Rule, escape_selector
from workbench.gui.channels_now import ChannelsNow

ANY_NUMBER = 1


@dataclass(frozen=True, slots=True)
class ChannelWish:
    """What is to be another; None for what stays as it is.

    Args:
        ratio: share of the channels to remove, 0…1.
        criterion: name of what tells which of them.
        multiple_of: of which the number that stays is a multiple; `ANY_NUMBER` for any.
        scope: how one target is spread over the layers.
    """

    ratio: float | None = None
    criterion: str | None = None
    multiple_of: int | None = None
    scope: str | None = None


def with_channels(recipe: Recipe, now: ChannelsNow, groups: Sequence[ChannelGroup], wish: ChannelWish) -> Recipe:
    """The wish for every layer of these groups; groups that are asked the same share a rule.

    Args:
        recipe: what is asked so far.
        now: the channels under it.
        groups: those that are meant; each can lose some.
        wish: what is to change.
    """
    members: dict[Prune, list[str]] = {}
    for group in groups:
        asked = now.asked.get(group.name)
        prune = _wished(asked.prune if asked is not None else None, group, wish)
        if asked is not None or prune.ratio or wish.ratio is None:
            members.setdefault(prune, []).extend(group.members)
    for prune, names in members.items():
        recipe = recipe.with_rule([escape_selector(name) for name in names], prune=prune)
    return recipe


def without_channels(recipe: Recipe, model: ModelInfo, now: ChannelsNow, groups: Sequence[ChannelGroup]) -> Recipe:
    """No channels of these groups are asked to go any more, whatever rules for other layers say of them too."""
    if now.channels is None or not groups:
        return recipe
    names = {escape_selector(member) for group in groups for member in group.members}
    recipe = replace(recipe, rules=tuple(part for rule in recipe.rules for part in _without(rule, names)))
    for asked in groups_asked(model, now.channels, recipe, [group.name for group in groups]):
        select = [escape_selector(member) for member in asked.group.members]
        recipe = recipe.with_rule(select, prune=Prune(asked.group.kind, ratio=0.0))
    return recipe


def _wished(asked: Prune | None, group: ChannelGroup, wish: ChannelWish) -> Prune:
    prune = replace(asked, kind=group.kind) if asked is not None else Prune(group.kind, ratio=0.0)
    if wish.ratio is not None:
        prune = replace(prune, ratio=round(min(1.0, max(0.0, wish.ratio)), 4))
    if wish.criterion is not None:
        prune = replace(prune, criterion=wish.criterion)
    if wish.multiple_of is not None:
        prune = replace(prune, multiple_of=wish.multiple_of if wish.multiple_of > ANY_NUMBER else None)
    return replace(prune, scope=wish.scope) if wish.scope is not None else prune


def _without(rule: Rule, names: set[str]) -> Iterable[Rule]:
    """The rule, in parts, that asks for no channels of these layers where it names them."""
    if rule.prune is None or rule.prune.kind not in CHANNEL_KINDS or names.isdisjoint(rule.select):
        return (rule,)
    others = tuple(selector for selector in rule.select if selector not in names)
    theirs = tuple(selector for selector in rule.select if selector in names)
    parts = [replace(rule, select=others)] if others else []
    if rule.weights is not None or rule.activations is not None:
        parts.append(replace(rule, select=theirs, prune=None))
    return parts
