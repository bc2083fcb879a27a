"""One target for several groups, and whole numbers of channels that meet it.

What a ratio is a share of: the channels that may go, over all layers of all groups, each layer's counted. A group of
five layers with 64 channels each weighs as much as five of one such layer. Channels that always stay are no part of
it, so that a ratio of one half removes half of what can be removed.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
# A layer of which next to nothing is left passes nothing on, however little its channels seem to matter: the layer
# collapse of Tanaka et al. 2020 (arXiv:2006.05467). A tenth stays, unless the ratio itself asks for more.
LEAST_SHARE = 0.1
_ROUNDING = 1e-9


@dataclass(frozen=True, slots=True, eq=False)
class GroupSize:
    """What spreading has to know of one group.

    Args:
        num_units: that may go.
        num_channels: that may go, over all its layers; at least `num_units`.
        num_fixed: channels of its widest layer that always stay, beside the units.
        multiple_of: the number of channels that stay there is to be a multiple of it, with those that always stay.
    """

    num_units: int
    num_channels: int
    num_fixed: int = 0
    multiple_of: int = 1

    @property
    def channels_per_unit(self) -> float:
        """How many channels go with a unit, on average."""
        return self.num_channels / max(1, self.num_units)


@dataclass(frozen=True, slots=True)
class Spread:
    """How many units of each group stay.

    Args:
        kept: of each group, at least one where it has any.
        ratio: share of the channels that go; less than asked where all groups are at their least.
    """

    kept: tuple[int, ...]
    ratio: float


def least_kept(size: GroupSize, ratio: float) -> int:
    """How many units of a group stay at least: one, and a tenth of them unless the ratio leaves fewer."""
    return min(size.num_units, max(1, int(min(LEAST_SHARE, 1 - ratio) * size.num_units + _ROUNDING)))


def whole_numbers(sizes: Sequence[GroupSize], wanted: Sequence[float], ratio: float) -> Spread:
    """Numbers of units near those wanted that together remove at least the ratio, and little more.

    Each group begins with the number above the one wanted; then, step by step, that group loses units which is
    furthest above, as a share of its own, until enough are gone; steps that were not needed are taken back.

    Args:
        sizes: of the groups.
        wanted: units that are to stay, of each; any numbers.
        ratio: share of all channels to remove, 0…1.
    """
    steps = [_steps(size, least_kept(size, ratio)) for size in sizes]
    first = [
        max((place for place, count in enumerate(counts) if count >= number - _ROUNDING), default=0)
        for counts, number in zip(steps, wanted, strict=True)
    ]
    places = list(first)
    total = sum(size.num_channels for size in sizes)

    def removed() -> float:
        return sum(
            (size.num_units - counts[place]) * size.channels_per_unit
            for size, counts, place in zip(sizes, steps, places, strict=True)
        )

    def surplus(group: int) -> float:
        return (steps[group][places[group]] - wanted[group]) / sizes[group].num_units

    def is_met() -> bool:
        return removed() >= ratio * total - _ROUNDING

    while not is_met() and (able := [group for group in range(len(sizes)) if places[group] + 1 < len(steps[group])]):
        places[max(able, key=surplus)] += 1
    # A large step at the end may have made an earlier one needless.
    for group in sorted((group for group in range(len(sizes)) if places[group] > first[group]), key=surplus):
        places[group] -= 1
        if not is_met():
            places[group] += 1
    kept = tuple(counts[place] for counts, place in zip(steps, places, strict=True))
    return Spread(kept, removed() / total if total else 0.0)


def _steps(size: GroupSize, least: int) -> list[int]:
    """Numbers of units that may stay, falling: all of them, and those that make a multiple."""
    fitting = [
        count for count in range(size.num_units - 1, least - 1, -1) if (count + size.num_fixed) % size.multiple_of == 0
    ]
    return [size.num_units, *fitting]
