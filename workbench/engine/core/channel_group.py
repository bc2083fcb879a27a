"""Channels of several layers that go together, as plain values: what can go, and what that leaves."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

FILTERS, NEURONS = "filters", "neurons"


@dataclass(frozen=True, slots=True)
class ChannelGroup:
    """What must be pruned together.

    A unit is the least that can go: a channel of each member, or a whole attention head. Units of one class are in
    the same members, equally often, so that members lose the same share of their channels class by class.

    Args:
        name: of the first member.
        kind: "filters" if a member is a convolution, else "neurons".
        members: names of the layers whose outputs lose channels.
        class_sizes: units of each class; none if nothing can go.
        blocks: convolutions in blocks keep a multiple of so many units; 1 for any number.
        channels_per_unit: of the first member, such as the width of a head.
        num_fixed: channels of members that always stay.
        has_heads: whether a unit is a whole head of attention.
        reason: why channels stay that do.
    """

    name: str
    kind: str
    members: tuple[str, ...]
    class_sizes: tuple[int, ...]
    blocks: int = 1
    channels_per_unit: int = 1
    num_fixed: int = 0
    has_heads: bool = False
    reason: str = ""

    @property
    def num_units(self) -> int:
        """How many units there are that can go."""
        return sum(self.class_sizes)

    @property
    def most_gone(self) -> int:
        """How many units can go at most: no layer may vanish, and no block of a convolution.

        >>> ChannelGroup("conv", "filters", ("conv",), (16, 32), blocks=4).most_gone
        40
        """
        return self.num_units - sum(self.units_kept(1.0))

    def units_kept(self, ratio: float, multiple_of: int | None = None) -> tuple[int, ...]:
        """How many units of each class stay when a ratio of them goes; one at least.

        Args:
            ratio: of the units that are removed, 0…1.
            multiple_of: what the number of channels that stay is to be a multiple of, where a class has so many.

        >>> ChannelGroup("conv", "filters", ("conv",), (16, 32)).units_kept(0.25, multiple_of=8)
        (16, 24)
        """
        return tuple(self._kept(size, ratio, multiple_of or 1) for size in self.class_sizes)

    def step(self, size: int, multiple_of: int = 1) -> int:
        """What the number of units that stay of a class is to be a multiple of.

        Args:
            size: units of the class.
            multiple_of: the same of channels, which yields to blocks where a class has too few units for both.

        >>> ChannelGroup("q", "neurons", ("q",), (12,), channels_per_unit=12).step(12, multiple_of=8)
        2
        """
        both = self._both(size, multiple_of)
        return both if both <= size else self._blocks_of(size)

    def has_room(self, size: int, multiple_of: int) -> bool:
        """Whether a class has units enough for a multiple of so many channels to stay; if not, it yields.

        >>> ChannelGroup("conv", "filters", ("conv",), (16,)).has_room(16, multiple_of=24)
        False
        """
        return self._both(size, multiple_of) <= size

    def _both(self, size: int, multiple_of: int) -> int:
        return math.lcm(self._blocks_of(size), multiple_of // math.gcd(multiple_of, self.channels_per_unit))

    def _blocks_of(self, size: int) -> int:
        return self.blocks if self.blocks <= size else 1

    def _kept(self, size: int, ratio: float, multiple_of: int) -> int:
        step = self.step(size, multiple_of)
        wanted = size * (1 - ratio)
        # Half way between two multiples, the greater one stays.
        kept = int(wanted / step + 0.5 + 1e-9) * step
        return max(min(step, size), min(size, kept))


@dataclass(frozen=True, slots=True)
class AxisChannels:
    """What an axis of a stored tensor is made of.

    Args:
        fixed: entries that always stay.
        parts: (group's name, class, entries of each unit of the class).
    """

    fixed: int
    parts: tuple[tuple[str, int, int], ...] = ()

    def length(self, counts: Mapping[str, tuple[int, ...]]) -> int:
        """Number of entries, given how many units of each class there are, by group."""
        return self.fixed + sum(counts[group][number] * each for group, number, each in self.parts)


@dataclass(frozen=True, slots=True)
class CutTensor:
    """A stored tensor that loses entries with channels.

    Args:
        name: of the initializer.
        size: number of entries.
        item_bytes: of one entry.
        axes: those along which it is cut.
    """

    name: str
    size: int
    item_bytes: int
    axes: tuple[AxisChannels, ...]


@dataclass(frozen=True, slots=True)
class ModelChannels:
    """The channel groups of a model, and all that their going changes.

    Args:
        groups: in the order of the graph, those of which nothing can go included.
        tensors: the stored tensors that are cut.
        weights: for each layer the name of its weight among the tensors.
        outputs: for each layer what its output channels are made of.
        group_of: for each layer the group that its outputs belong to.
        arguments: channels that some node reads, what the file gains in bytes by their being fewer, as arguments
            change or nodes go, and what it gains by each that stays.
        base_bytes: of the file from which channels are cut, with its constants computed.
        is_exact: whether counts follow from class sizes alone; convolutions in blocks that cross others need more.
    """

    groups: tuple[ChannelGroup, ...]
    tensors: tuple[CutTensor, ...] = ()
    weights: Mapping[str, str] = field(default_factory=dict, hash=False)
    outputs: Mapping[str, AxisChannels] = field(default_factory=dict, hash=False)
    group_of: Mapping[str, str] = field(default_factory=dict, hash=False)
    arguments: tuple[tuple[AxisChannels, int, int], ...] = ()
    base_bytes: int = 0
    is_exact: bool = True

    def group(self, name: str) -> ChannelGroup | None:
        """The group of that name."""
        return next((group for group in self.groups if group.name == name), None)

    def output_channels(self, layer: str, kept: Mapping[str, tuple[int, ...]]) -> tuple[int, int]:
        """How many output channels of a layer stay, and how many there are."""
        axis = self.outputs[layer]
        sizes = {group.name: group.class_sizes for group in self.groups}
        return axis.length({**sizes, **kept}), axis.length(sizes)

    def shares(self, kept: Mapping[str, tuple[int, ...]]) -> dict[str, float]:
        """The share of its entries that each stored tensor keeps.

        Args:
            kept: units that stay of each class, for the groups that lose some.
        """
        sizes = {group.name: group.class_sizes for group in self.groups}
        counts = {**sizes, **kept}
        shares = {}
        for tensor in self.tensors:
            share = 1.0
            for axis in tensor.axes:
                share *= axis.length(counts) / axis.length(sizes)
            shares[tensor.name] = share
        return shares

    def layer_shares(self, kept: Mapping[str, tuple[int, ...]]) -> dict[str, float]:
        """The share of its weights that each layer keeps, which is that of its multiply-adds as well."""
        shares = self.shares(kept)
        return {layer: shares.get(weight, 1.0) for layer, weight in self.weights.items()}

    def file_bytes(self, kept: Mapping[str, tuple[int, ...]]) -> int:
        """What the file takes where nothing but channels goes, to some bytes a layer."""
        shares = self.shares(kept)
        cut = sum(round(tensor.size * (1 - shares[tensor.name])) * tensor.item_bytes for tensor in self.tensors)
        sizes = {group.name: group.class_sizes for group in self.groups}
        counts = {**sizes, **kept}
        gained = sum(
            extra + each * axis.length(counts)
            for axis, extra, each in self.arguments
            if axis.length(counts) < axis.length(sizes)
        )
        return self.base_bytes - cut + gained
