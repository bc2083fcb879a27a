"""Groups of units: the channels that one decision is about, and the layers that they belong to."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from workbench.engine.graph.channels.flow import Flow, Producer
from workbench.engine.graph.channels.units import STAYS, Labels


@dataclass(frozen=True, slots=True, eq=False)
class UnitGroup:
    """Channels of several layers among which some are chosen to go.

    Args:
        members: first outputs of the nodes whose outputs lose channels, in the order of the graph.
        units: those that may go, as `Units.resolved` gives them, in the order of the first member's channels.
        classes: for each unit its class; units of one class are in the same stored tensors, equally often.
        num_fixed: how many channels of the members always stay.
        partitions: ways of dividing channels into blocks that must keep equally many; each an array
            (blocks, channels of one block) of units, STAYS for channels that always stay.
        has_heads: whether a unit is a whole head of attention.
        reason: why channels stay that do; empty if all may go.
    """

    members: tuple[str, ...]
    units: npt.NDArray[np.int64]
    classes: npt.NDArray[np.int64]
    num_fixed: int
    partitions: tuple[Labels, ...]
    has_heads: bool
    reason: str


def unit_groups(flow: Flow) -> tuple[UnitGroup, ...]:
    """The groups of a graph, in its order. Layers that share a unit, or blocks that must match, are in one group."""
    made = [producer for producer in flow.producers if not producer.is_depthwise]
    resolved = {producer.node_output: flow.units.resolved(producer.labels) for producer in flow.producers}
    partitions = [flow.units.resolved(labels) for conv in flow.grouped for labels in (conv.inputs, conv.outputs)]
    partitions = [blocks for blocks in _distinct(partitions) if bool((blocks != blocks[:1]).any())]
    leaders = _leaders([*(resolved[producer.node_output] for producer in made), *partitions])
    groups: dict[int, list[Producer]] = defaultdict(list)
    alone = -1
    for producer in made:
        units = resolved[producer.node_output]
        free = units[units != STAYS]
        if len(free):
            groups[leaders[int(free[0])]].append(producer)
        else:
            groups[alone].append(producer)
            alone -= 1
    heads = {int(unit) for labels in flow.heads for unit in np.unique(flow.units.resolved(labels))} - {STAYS}
    places = _places(flow)
    return tuple(_group(members, resolved, partitions, heads, places, flow) for members in groups.values())


def needed_units(flow: Flow) -> list[npt.NDArray[np.int64]]:
    """Sets of units of which one at least has to stay, so that no tensor is left without channels."""
    every = [flow.units.resolved(labels).ravel() for labels in flow.labels.values()]
    every += [row for conv in flow.grouped for labels in (conv.inputs, conv.outputs) for row in labels]
    found = {}
    for labels in every:
        units = np.unique(flow.units.resolved(labels))
        if units.size and units[0] != STAYS:
            found[units.tobytes()] = units
    return list(found.values())


def _group(
    made: Sequence[Producer],
    resolved: dict[str, Labels],
    partitions: Sequence[Labels],
    heads: set[int],
    places: dict[int, tuple[tuple[int, int], ...]],
    flow: Flow,
) -> UnitGroup:
    units = _in_order([resolved[producer.node_output] for producer in made])
    own = set(units.tolist())
    passing = [
        producer for producer in flow.producers if producer.is_depthwise and own & set(resolved[producer.node_output])
    ]
    names = {producer.node_output for producer in (*made, *passing)}
    fixed = [producer.labels[resolved[producer.node_output] == STAYS] for producer in made]
    reasons = dict.fromkeys(
        why for labels in fixed for label in labels.tolist() if (why := flow.units.why_fixed(int(label)))
    )
    return UnitGroup(
        members=tuple(producer.node_output for producer in flow.producers if producer.node_output in names),
        units=units,
        classes=_classes(units, places),
        num_fixed=sum(len(labels) for labels in fixed),
        partitions=tuple(blocks for blocks in partitions if own & set(blocks.ravel().tolist())),
        has_heads=bool(own & heads),
        reason="; ".join(list(reasons)[:2]),
    )


def _places(flow: Flow) -> dict[int, tuple[tuple[int, int], ...]]:
    """For each unit the axes of stored tensors that list it, by number, and how often."""
    places: dict[int, list[tuple[int, int]]] = defaultdict(list)
    vectors = [vector for axes in flow.params.values() for vector in axes.values()]
    # The second axis of a weight in blocks lists the channels of one block: those of all are in it.
    vectors += [labels.reshape(-1) for conv in flow.grouped for labels in (conv.inputs, conv.outputs)]
    for number, vector in enumerate(vectors):
        found, counts = np.unique(flow.units.resolved(vector), return_counts=True)
        for unit, count in zip(found.tolist(), counts.tolist(), strict=True):
            places[unit].append((number, count))
    return {unit: tuple(pairs) for unit, pairs in places.items()}


def _classes(units: npt.NDArray[np.int64], places: dict[int, tuple[tuple[int, int], ...]]) -> npt.NDArray[np.int64]:
    """Numbers of the classes, from 0 in the order of their first units."""
    numbers: dict[tuple[tuple[int, int], ...], int] = {}
    return np.array([numbers.setdefault(places.get(unit, ()), len(numbers)) for unit in units.tolist()], np.int64)


def _in_order(arrays: Sequence[Labels]) -> npt.NDArray[np.int64]:
    """Every unit once, where it first appears; STAYS is none."""
    every = np.concatenate([array.ravel() for array in arrays]) if arrays else np.zeros(0, np.int64)
    every = every[every != STAYS]
    _, first = np.unique(every, return_index=True)
    return np.asarray(every[np.sort(first)], np.int64)


def _distinct(arrays: Iterable[Labels]) -> list[Labels]:
    found: dict[tuple[tuple[int, ...], bytes], Labels] = {}
    for array in arrays:
        found.setdefault((array.shape, array.tobytes()), array)
    return list(found.values())


def _leaders(sets: Iterable[Labels]) -> dict[int, int]:
    """For each unit the least of all units that it is decided with."""
    leader: dict[int, int] = {}

    def lead(unit: int) -> int:
        while leader.setdefault(unit, unit) != unit:
            leader[unit] = leader[leader[unit]]
            unit = leader[unit]
        return unit

    for labels in sets:
        units = [int(unit) for unit in np.unique(labels) if unit != STAYS]
        for unit in units[1:]:
            first, second = sorted((lead(units[0]), lead(unit)))
            leader[second] = first
        for unit in units[:1]:
            lead(unit)
    return {unit: lead(unit) for unit in list(leader)}
