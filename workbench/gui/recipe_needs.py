"""What it takes to build the file that a recipe gives, read from its rules alone: a layer may need less."""

from workbench.engine.core.recipe import DYNAMIC, FLOAT, Recipe


def asks_activations(recipe: Recipe) -> bool:
    """Whether any rule quantizes activations.

    >>> asks_activations(Recipe())
    False
    """
    return any(rule.activations is not None and rule.activations.bits not in (None, FLOAT) for rule in recipe.rules)


def needs_ranges(recipe: Recipe) -> bool:
    """Whether ranges are found on samples before the file can be written."""
    return any(
        rule.activations is not None
        and rule.activations.bits not in (None, FLOAT)
        and rule.activations.range != DYNAMIC
        for rule in recipe.rules
    )


def learns_rounding(recipe: Recipe) -> bool:
    """Whether building takes up to a minute, so that it is not begun in the middle of a drag."""
    return any(rule.weights is not None and rule.weights.rounding == "learned" for rule in recipe.rules)
