"""Which rules differ between two recipes, so that an edit costs what it touches and not the whole model."""

import itertools
from collections.abc import Sequence
from dataclasses import replace

from workbench.engine.core.channel_wishes import CHANNEL_KINDS
from workbench.engine.core.recipe import Rule


def changed_rules(old: Sequence[Rule], new: Sequence[Rule]) -> list[Rule]:
    """Rules of either recipe that the other does not have in the same place, counted from its beginning or end."""
    start = _num_equal(old, new)
    end = min(_num_equal(old[::-1], new[::-1]), len(old) - start, len(new) - start)
    return [*old[start : len(old) - end], *new[start : len(new) - end]]


def is_pruning_alone(old: Sequence[Rule], new: Sequence[Rule]) -> bool:
    """Whether the recipes differ in what some rules prune, and in nothing else."""
    return len(old) == len(new) and all(
        before is after or replace(before, prune=after.prune) == after for before, after in zip(old, new, strict=True)
    )


def weight_rules(rules: Sequence[Rule]) -> list[Rule]:
    """The rules without what they ask of channels, each in its place."""
    return [replace(rule, prune=None) if _is_of_channels(rule) else rule for rule in rules]


def is_channels_alone(old: Sequence[Rule], new: Sequence[Rule]) -> bool:
    """Whether the recipes differ in what is asked of channels, by rules in the same places, and in nothing else."""
    return len(old) == len(new) and old != new and weight_rules(old) == weight_rules(new)


def _is_of_channels(rule: Rule) -> bool:
    return rule.prune is not None and rule.prune.kind in CHANNEL_KINDS


def _num_equal(first: Sequence[Rule], second: Sequence[Rule]) -> int:
    """How many rules at the beginning are the same."""
    pairs = zip(first, second, strict=False)
    return sum(1 for _ in itertools.takewhile(lambda pair: pair[0] is pair[1] or pair[0] == pair[1], pairs))
