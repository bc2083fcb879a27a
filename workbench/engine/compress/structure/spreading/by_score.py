"""One threshold for the scores of all groups: the least important units go, wherever they are."""

from collections.abc import Sequence

import numpy as np

from workbench.engine.compress.structure.spreading.target import Floats, GroupSize, Spread, least_kept, whole_numbers


def spread_by_score(sizes: Sequence[GroupSize], scores: Sequence[Floats], ratio: float) -> Spread:
    """Remove the units of the least scores over all groups, until the ratio is met.

    Of equal scores the later goes first, as `select_kept` has it. The best of each group that have to stay are left
    out of the choice.

    Args:
        sizes: of the groups.
        scores: of each group's units, shape (num_units,), such that they compare across groups; see `unit_scores`.
        ratio: share of all channels to remove, 0…1.
    """
    least = [least_kept(size, ratio) for size in sizes]
    candidates = []
    for group, (values, most) in enumerate(zip(scores, least, strict=True)):
        falling = np.argsort(-np.asarray(values), kind="stable")
        candidates += [(float(values[unit]), -group, -place) for place, unit in enumerate(falling.tolist())][most:]
    kept = [size.num_units for size in sizes]
    going = ratio * sum(size.num_channels for size in sizes)
    for _, group, _ in sorted(candidates):
        if going <= 1e-9:
            break
        kept[-group] -= 1
        going -= sizes[-group].channels_per_unit
    return whole_numbers(sizes, kept, ratio)
