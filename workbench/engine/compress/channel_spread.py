"""How many units of each group stay: each layer by its own ratio, or one target spread over the layers of a rule."""

from collections.abc import Callable, Mapping, Sequence

import numpy as np
import numpy.typing as npt

from workbench.engine.compress.structure.spreading.by_score import spread_by_score
from workbench.engine.compress.structure.spreading.erdos_renyi import spread_by_kernels
from workbench.engine.compress.structure.spreading.lamp import spread_by_lamp
from workbench.engine.compress.structure.spreading.target import GroupSize
from workbench.engine.compress.structure.structure import ModelStructure
from workbench.engine.core.channel_group import AxisChannels, ChannelGroup
from workbench.engine.core.channel_wishes import Asked

Kept = dict[str, tuple[int, ...]]
Floats = npt.NDArray[np.float64]
ScoresOf = Callable[[str], Floats]


def units_kept(asked: Sequence[Asked], structure: ModelStructure, scores_of: ScoresOf) -> Kept:
    """Units that stay of each class of each group.

    Args:
        asked: groups with the pruning that has the last word on them.
        structure: of the model.
        scores_of: importance of a group's units, by the group's name; asked only where the spread depends on it.
    """
    kept: Kept = {}
    together: dict[int, list[Asked]] = {}
    for one in asked:
        if one.prune.scope == "layer":
            kept[one.group.name] = one.group.units_kept(one.prune.ratio or 0.0, one.prune.multiple_of)
        else:
            together.setdefault(one.rule, []).append(one)
    for rule in together.values():
        kept |= _spread(rule, structure, scores_of)
    return kept


def _spread(asked: Sequence[Asked], structure: ModelStructure, scores_of: ScoresOf) -> Kept:
    """One target over the classes of all groups of a rule: units of one class are in the same layers."""
    prune = asked[0].prune
    classes = [(one.group, number) for one in asked for number in range(len(one.group.class_sizes))]
    sizes = [_size(group, number, structure, prune.multiple_of or 1) for group, number in classes]
    ratio = prune.ratio or 0.0
    if prune.scope == "erk":
        shapes = {one.group.name: structure.weight_shapes(one.group.name) for one in asked}
        counts = spread_by_kernels(sizes, [shapes[group.name] for group, _ in classes], ratio).kept
    else:
        scores = {one.group.name: scores_of(one.group.name) for one in asked}
        by_class = [
            scores[group.name][structure.unit_groups[group.name].classes == number] for group, number in classes
        ]
        spread = spread_by_lamp if prune.scope == "lamp" else spread_by_score
        counts = spread(sizes, by_class, ratio).kept
    found: dict[str, list[int]] = {}
    for (group, _), count in zip(classes, counts, strict=True):
        found.setdefault(group.name, []).append(count)
    return {name: tuple(one) for name, one in found.items()}


def _size(group: ChannelGroup, number: int, structure: ModelStructure, multiple_of: int) -> GroupSize:
    num_units = group.class_sizes[number]
    per_unit = _channels_of(structure.channels.outputs, group, number)
    return GroupSize(num_units, num_units * max(1, per_unit), multiple_of=group.step(num_units, multiple_of))


def _channels_of(outputs: Mapping[str, AxisChannels], group: ChannelGroup, number: int) -> int:
    """Channels of all members that go with one unit of a class."""
    return sum(
        each
        for member in group.members
        if member in outputs
        for name, of_class, each in outputs[member].parts
        if name == group.name and of_class == number
    )
