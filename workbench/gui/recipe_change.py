"""Which rules differ between two recipes, so that an edit costs what it touches and not the whole model."""

import itertools
from collections.abc import Sequence
from dataclasses import replace

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


def _num_equal(first: Sequence[Rule], second: Sequence[Rule]) -> int:
    """How many rules at the beginning are the same."""
    pairs = zip(first, second, strict=False)
    return sum(1 for _ in itertools.takewhile(lambda pair: pair[0] is pair[1] or pair[0] == pair[1], pairs))
