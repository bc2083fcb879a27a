"""One recipe at rising ratios: the channel pruning rules of a recipe, all raised in proportion."""

from dataclasses import replace

from workbench.engine.core.channel_group import FILTERS, NEURONS
from workbench.engine.core.recipe import Prune, Recipe, Rule

_KINDS = (FILTERS, NEURONS)
_DECIMALS = 4


def with_channel_rules(recipe: Recipe, criterion: str | None, default_criterion: str) -> Recipe:
    """The recipe with rules that prune channels: its own, or else one for all filters and one for all neurons.

    Args:
        recipe: what is asked.
        criterion: wins over that of the recipe's own rules; None to keep theirs.
        default_criterion: of the rules that are added, where nobody names one.
    """
    if not any(_prunes_channels(rule) for rule in recipe.rules):
        for kind in _KINDS:
            prune = Prune(kind, ratio=1.0, criterion=criterion or default_criterion)
            recipe = recipe.with_rule("*", prune=prune)
        return recipe
    if criterion is None:
        return recipe
    return replace(recipe, rules=tuple(_with_criterion(rule, criterion) for rule in recipe.rules))


def at_ratio(recipe: Recipe, ratio: float) -> Recipe:
    """The recipe with its channel pruning at this ratio.

    The rule that asks most gets the ratio; the others get it in the proportion in which they ask. Where all ask for
    nothing, all get it.

    >>> rules = [Rule((name,), prune=Prune("filters", ratio=ratio)) for name, ratio in (("a", 0.5), ("b", 0.25))]
    >>> [rule.prune.ratio for rule in at_ratio(Recipe(tuple(rules)), 0.8).rules]
    [0.8, 0.4]
    """
    most = max((rule.prune.ratio or 0.0 for rule in recipe.rules if rule.prune and _prunes_channels(rule)), default=0.0)

    def raised(rule: Rule) -> Rule:
        if rule.prune is None or not _prunes_channels(rule):
            return rule
        share = (rule.prune.ratio or 0.0) / most if most > 0 else 1.0
        return replace(rule, prune=replace(rule.prune, ratio=round(ratio * share, _DECIMALS)))

    return replace(recipe, rules=tuple(raised(rule) for rule in recipe.rules))


def _prunes_channels(rule: Rule) -> bool:
    return rule.prune is not None and rule.prune.kind in _KINDS


def _with_criterion(rule: Rule, criterion: str) -> Rule:
    if rule.prune is None or not _prunes_channels(rule):
        return rule
    return replace(rule, prune=replace(rule.prune, criterion=criterion))
