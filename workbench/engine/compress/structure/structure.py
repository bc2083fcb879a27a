"""The channels of one model: its groups, which units go, the model without them, and the proof's other side."""

import math
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from functools import cached_property

import numpy as np
import numpy.typing as npt
import onnx
from onnx import helper

from workbench.engine.compress.structure.selection import is_simple, required, select_kept
from workbench.engine.core.channel_group import FILTERS, NEURONS, AxisChannels, ChannelGroup, CutTensor, ModelChannels
from workbench.engine.core.channel_importance import ALWAYS_STAYS
from workbench.engine.graph.channels.flow import Flow
from workbench.engine.graph.channels.removal import ArgumentBytes, argument_bytes, remove_channels
from workbench.engine.graph.channels.silenced import silence_channels
from workbench.engine.graph.channels.unit_groups import UnitGroup, needed_units, unit_groups
from workbench.engine.graph.channels.units import STAYS, Labels, squeezed, varying_axes
from workbench.engine.graph.channels.walk import walk
from workbench.engine.graph.fold_constants import fold_constants
from workbench.engine.graph.model import Model, model_of_bytes
from workbench.engine.graph.save import serialize

Scores = Mapping[str, npt.NDArray[np.float64]]
_CONVOLUTIONS = ("Conv", "ConvTranspose")


class ModelStructure:
    """What pruning of channels needs of a model; made once, as it reads the whole graph.

    Args:
        model: as it was opened.
    """

    def __init__(self, model: Model) -> None:
        self.model = model
        proto = model.to_proto()
        fold_constants(proto)
        self.flow: Flow = walk(proto)
        names = {layer.node_output: layer.name for layer in model.info.layers}
        self._layer_of = names
        self.unit_groups: dict[str, UnitGroup] = {
            names.get(group.members[0], group.members[0]): group for group in unit_groups(self.flow)
        }

    @cached_property
    def channels(self) -> ModelChannels:
        """The same as plain values."""
        groups = tuple(self._plain(name, group) for name, group in self.unit_groups.items())
        return ModelChannels(
            groups=groups,
            tensors=tuple(self._cut_tensors()),
            weights={layer.name: self._weight_of(layer.node_output) for layer in self.model.info.layers},
            outputs={
                self._layer_of[producer.node_output]: self._axis(producer.labels)
                for producer in self.flow.producers
                if producer.node_output in self._layer_of
            },
            group_of={member: group.name for group in groups for member in group.members},
            arguments=tuple((self._axis(one.labels), one.extra, one.each) for one in self._arguments(groups)),
            base_bytes=len(serialize(remove_channels(self.flow, ()))),
            is_exact=all(map(self.is_exact, self.unit_groups)),
        )

    def is_exact(self, name: str) -> bool:
        """Whether any numbers of units that a group is asked to keep are those that it keeps, whatever the scores."""
        return name in self._exact

    def num_kept(self, name: str, counts: tuple[int, ...], scores: npt.NDArray[np.float64]) -> tuple[int, ...]:
        """How many units of each class stay where so many are asked for: blocks and what would vanish decide too."""
        group = self.unit_groups[name]
        kept = self.units_kept(name, counts, scores)
        return tuple(int(kept[group.classes == number].sum()) for number in range(len(counts)))

    def units_gone(self, kept: Mapping[str, tuple[int, ...]], scores: Scores) -> frozenset[int]:
        """The units that go.

        Args:
            kept: how many units stay of each class, for the groups that lose some.
            scores: importance of each unit of these groups.
        """
        gone: set[int] = set()
        for name, counts in kept.items():
            group = self.unit_groups[name]
            gone |= set(group.units[~self.units_kept(name, counts, scores[name])].tolist())
        return frozenset(gone)

    def without(self, gone: Collection[int]) -> Model:
        """The model without these units. Raises ModelError if what is left does not fit together."""
        return model_of_bytes(serialize(remove_channels(self.flow, gone)), self.model.path)

    def left_dims(self, kept: Mapping[str, tuple[int, ...]]) -> dict[str, tuple[int, ...]]:
        """The shape that each stored tensor has once channels went, for those that may lose some.

        Args:
            kept: units that stay of each class, for the groups that lose some; as many as they can keep.
        """
        counts = {group.name: group.class_sizes for group in self.channels.groups} | dict(kept)
        left = {}
        for name, axes in self._axes_of.items():
            dims = list(self.flow.stored[name].dims)
            for axis, (channels, blocks) in axes.items():
                dims[axis] = channels.length(counts) // blocks
            left[name] = tuple(dims)
        return left

    def left_shapes(self, kept: Mapping[str, tuple[int, ...]]) -> dict[str, tuple[int, ...]] | None:
        """The shape at batch 1 of each tensor between nodes that lost channels; None where nodes change with them.

        Args:
            kept: units that stay of each class, for the groups that lose some; as many as they can keep.
        """
        if self.flow.shuffles:
            return None
        counts = {group.name: group.class_sizes for group in self.channels.groups} | dict(kept)
        left = {}
        for name, (shape, axes) in self._followed.items():
            dims = tuple(axes[axis].length(counts) if axis in axes else size for axis, size in enumerate(shape))
            if dims != shape:
                left[name] = dims
        return left

    def silenced(self, gone: Collection[int]) -> onnx.ModelProto:
        """The whole model with these units held at zero."""
        return silence_channels(self.flow, gone)

    def weight_shapes(self, name: str) -> list[tuple[int, ...]]:
        """Shapes of the weights that make a group's channels."""
        found = [self._weight_of(member) for member in self.unit_groups[name].members]
        return [tuple(self.flow.stored[weight].dims) for weight in found if weight]

    def units_kept(self, name: str, counts: tuple[int, ...], scores: npt.NDArray[np.float64]) -> npt.NDArray[np.bool_]:
        """Which units of a group stay, shape (U,).

        Args:
            name: of the group.
            counts: how many units stay of each class.
            scores: importance of each unit, shape (U,).
        """
        group, needed = self.unit_groups[name], self._needed[name]
        if group.partitions:
            return select_kept(group.units, scores, sum(counts), group.partitions, needed)
        must = np.zeros(len(group.units), np.bool_)
        if not self.is_exact(name):
            must = required(group.units, scores, needed)
        kept = np.zeros(len(group.units), np.bool_)
        for number, count in enumerate(counts):
            inside = group.classes == number
            first = np.where(must[inside], np.inf, scores[inside])
            kept[inside] = select_kept(group.units[inside], first, max(count, int(must[inside].sum())))
        return kept

    def output_places(self, name: str, layer: str) -> npt.NDArray[np.int64]:
        """For each output channel of a layer the place of its unit in the group, shape (C,); −1 for what stays."""
        producer = next(one for one in self.flow.producers if self._layer_of.get(one.node_output) == layer)
        units = self.unit_groups[name].units
        place = {unit: number for number, unit in enumerate(units.tolist())}
        resolved = self.flow.units.resolved(producer.labels).tolist()
        return np.array([place.get(unit, ALWAYS_STAYS) for unit in resolved], np.int64)

    def _arguments(self, groups: Sequence[ChannelGroup]) -> list[ArgumentBytes]:
        """What changes beside the weights, looked up where half of all channels go."""
        kept = {group.name: group.units_kept(0.5) for group in groups if group.num_units}
        equal = {name: np.ones(len(self.unit_groups[name].units)) for name in kept}
        return argument_bytes(self.flow, self.units_gone(kept, equal))

    @cached_property
    def _needed(self) -> Mapping[str, list[npt.NDArray[np.int64]]]:
        """For each group sets of units of which one has to stay, so that no tensor loses all its channels."""
        needed: dict[str, list[npt.NDArray[np.int64]]] = {name: [] for name in self.unit_groups}
        for units in needed_units(self.flow):
            for name in {self._places[unit][0] for unit in units.tolist() if unit in self._places}:
                needed[name].append(units)
        return needed

    @cached_property
    def _exact(self) -> frozenset[str]:
        return frozenset(name for name, group in self.unit_groups.items() if self._keeps_what_is_asked(name, group))

    def _keeps_what_is_asked(self, name: str, group: UnitGroup) -> bool:
        if group.partitions and not _is_even(group):
            return False
        # One of each class stays, and one of each block.
        sets = group.partitions[0] if group.partitions else _by_class(group)
        return all(any(np.isin(units, needed).all() for units in sets) for needed in self._needed[name])

    def _plain(self, name: str, group: UnitGroup) -> ChannelGroup:
        members = tuple(self._layer_of.get(member, member) for member in group.members)
        types = {producer.op_type for producer in self.flow.producers if producer.node_output in group.members}
        first = next(producer for producer in self.flow.producers if producer.node_output == group.members[0])
        resolved = self.flow.units.resolved(first.labels)
        num_units = max(1, len(np.unique(resolved[resolved != STAYS])))
        return ChannelGroup(
            name=name,
            kind=FILTERS if types & set(_CONVOLUTIONS) else NEURONS,
            members=members,
            class_sizes=tuple(np.bincount(group.classes).tolist()) if len(group.units) else (),
            blocks=math.lcm(*(len(blocks) for blocks in group.partitions)) if group.partitions else 1,
            channels_per_unit=max(1, int((resolved != STAYS).sum()) // num_units),
            num_fixed=group.num_fixed,
            has_heads=group.has_heads,
            reason=group.reason,
        )

    def _weight_of(self, node_output: str) -> str:
        node = self.flow.links.producer(node_output)
        names = node.input[:2] if node is not None else ()
        return next((str(name) for name in names if name in self.flow.params), "")

    def _cut_tensors(self) -> list[CutTensor]:
        inner = {self._weight_of(conv.node_output): conv for conv in self.flow.grouped}
        tensors = []
        for name, axes in self.flow.params.items():
            tensor = self.flow.stored[name]
            vectors = list(axes.values())
            if name in inner:
                # The second axis lists the channels of one block: the same share as of all blocks.
                conv = inner[name]
                node = self.flow.links.producer(conv.node_output)
                is_transposed = node is not None and node.op_type == "ConvTranspose"
                vectors.append((conv.outputs if is_transposed else conv.inputs).reshape(-1))
            parts = tuple(self._axis(vector) for vector in vectors)
            if any(axis.parts for axis in parts):
                size = math.prod(tensor.dims)
                itemsize = np.dtype(helper.tensor_dtype_to_np_dtype(tensor.data_type)).itemsize
                tensors.append(CutTensor(name, size, itemsize, parts))
        return tensors

    @cached_property
    def _axes_of(self) -> Mapping[str, Mapping[int, tuple[AxisChannels, int]]]:
        """What the axes of each stored tensor are made of, and in how many blocks, of which one is as long as it."""
        found = {
            name: {axis: (self._axis(vector), 1) for axis, vector in axes.items()}
            for name, axes in self.flow.params.items()
        }
        for conv in self.flow.grouped:
            node = self.flow.links.producer(conv.node_output)
            is_transposed = node is not None and node.op_type == "ConvTranspose"
            inner = conv.outputs if is_transposed else conv.inputs
            found.setdefault(self._weight_of(conv.node_output), {})[1] = self._axis(inner.reshape(-1)), len(inner)
        return found

    @cached_property
    def _followed(self) -> Mapping[str, tuple[tuple[int, ...], Mapping[int, AxisChannels]]]:
        """Shapes of the tensors that can lose channels, and what the axes are made of along which they do."""
        found = {}
        for name, labels in self.flow.labels.items():
            shape, resolved = self.flow.shapes.by_name.get(name), squeezed(self.flow.units.resolved(labels))
            if shape is None or None in shape or not (resolved != STAYS).any():
                continue
            axes = {}
            for axis in varying_axes(resolved):
                # Whole rows go: along one axis it is the same wherever one looks along the others.
                others = tuple(0 if other != axis else slice(None) for other in range(resolved.ndim))
                axes[axis] = self._axis(resolved[others])
            found[name] = tuple(size for size in shape if size is not None), axes
        return found

    @cached_property
    def _places(self) -> dict[int, tuple[str, int]]:
        """Group and class of every unit."""
        return {
            int(unit): (name, int(number))
            for name, group in self.unit_groups.items()
            for unit, number in zip(group.units, group.classes, strict=True)
        }

    def _axis(self, vector: Labels) -> AxisChannels:
        fixed = 0
        entries: dict[tuple[str, int], list[int]] = defaultdict(list)
        found, counts = np.unique(self.flow.units.resolved(vector), return_counts=True)
        for unit, count in zip(found.tolist(), counts.tolist(), strict=True):
            if unit in self._places:
                entries[self._places[unit]].append(count)
            else:
                fixed += count
        return AxisChannels(fixed, tuple((group, number, each[0]) for (group, number), each in entries.items()))


def _is_even(group: UnitGroup) -> bool:
    """Whether any multiple of the blocks can stay: one way of dividing, of every unit once, and a single class."""
    is_single = len(group.partitions) == 1 and len(set(group.classes.tolist())) == 1
    return is_single and is_simple(group.partitions[0], group.units)


def _by_class(group: UnitGroup) -> list[npt.NDArray[np.int64]]:
    return [group.units[group.classes == number] for number in np.unique(group.classes).tolist()]
