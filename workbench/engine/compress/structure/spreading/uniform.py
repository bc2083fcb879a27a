"""The same share of each group."""

from collections.abc import Sequence

from workbench.engine.compress.structure.spreading.target import GroupSize, Spread, whole_numbers


def spread_uniformly(sizes: Sequence[GroupSize], ratio: float) -> Spread:
    """Remove the same share of the units of each group, as near as whole numbers allow.

    Args:
        sizes: of the groups.
        ratio: share of all channels to remove, 0…1.
    """
    return whole_numbers(sizes, [(1 - ratio) * size.num_units for size in sizes], ratio)
