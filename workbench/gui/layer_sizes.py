"""Bytes of many layers at once: what quantization decides is kept, so that a move of pruning is a few sums."""

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

from workbench.engine.core.footprint import (
    BEFORE_SLICE_INPUTS,
    BLOCKS_OPSET,
    CAST_FLOAT16,
    Containers,
    Encoding,
    ScaleLayout,
    TableKey,
    TensorShape,
    opset_needed,
)
from workbench.engine.core.granularity import PerGroup, PerTensor, parse_granularity
from workbench.engine.core.layer import Layer
from workbench.engine.core.recipe import WeightSettings
from workbench.engine.core.reports import LayerFootprint
from workbench.engine.core.scale_blocks import ScaleBlocks, scale_blocks
from workbench.engine.core.storage_choice import (
    NEVER,
    STORAGES,
    Sizes,
    pruned_sizes,
    smallest_rows,
    tables_read,
    unprofitable_tables,
)
from workbench.gui.all_magnitudes import Places
from workbench.gui.left_shape import LeftShape, whole_shape
from workbench.gui.magnitude_tables import own_zeros

FLOAT_BITS = 32
_ANY_TENSOR = TensorShape(num_weights=1, num_kept=1, bits=None)
# What each storage needs, whatever the tensor; the standard containers need more for some.
_OPSETS = np.array([opset_needed(storage, _ANY_TENSOR) for storage in STORAGES])
_PLAIN_ROWS = tuple(row for row, storage in enumerate(STORAGES) if storage.encoding is Encoding.PLAIN)


class LayerSizes:
    """Rows of layers: bytes, zeros and bits of each. They begin as in the original."""

    def __init__(self, layers: Sequence[Layer], entries: Sequence[LayerFootprint]) -> None:
        self._layers, self._entries = list(layers), list(entries)
        count = len(layers)
        self.shapes = [whole_shape(layer, entry) for layer, entry in zip(layers, entries, strict=True)]
        self._kinds = _kinds(layers, entries)
        self._fixed_bytes = np.array([entry.fixed_bytes for entry in entries], np.int64)
        self.num_weights = np.array([layer.num_weights for layer in layers], np.int64)
        self._whole = np.array([entry.original_bytes for entry in entries], np.int64)
        self._whole_raised = np.array([entry.replaced_bytes(BLOCKS_OPSET) for entry in entries], np.int64)
        self._whole_zeros = np.array([own_zeros(layer) for layer in layers], np.int64)
        self.original, self._raised = self._whole.copy(), self._whole_raised.copy()
        self._own_zeros = self._whole_zeros.copy()
        self.num_bytes, self.zeros = self.original.copy(), self._own_zeros.copy()
        self.bits = np.full(count, FLOAT_BITS, np.int64)
        # Which layers are compressed; the others stay as they are.
        self.is_written = np.zeros(count, np.bool_)
        self.opset = np.zeros(count, np.int64)
        # Where channels go, all of the file is written anew, as it is for the newest containers.
        self.is_cut = False
        self._stored: list[tuple[WeightSettings | None, Containers] | None] = [None] * count
        # Bytes by storage and layer; those of a mask without and with the values behind it.
        self._settled: Sizes = np.full((len(STORAGES), count), NEVER, np.int64)
        self._sizes: Sizes = self._settled.copy()
        self._old_slices: Sizes = np.zeros((len(STORAGES), count), np.int64)
        # What each needs in a standard container, int4 and int8.
        self._plain_opsets = np.zeros((len(_PLAIN_ROWS), count), np.int64)
        self._float_bytes = np.array([entry.stored_floats.num_bytes for entry in entries], np.int64)

    def reshape(
        self,
        places: Places,
        shapes: Sequence[LeftShape],
        shares: npt.NDArray[np.float64],
        lost_bytes: Places,
    ) -> None:
        """Give layers other shapes, as when channels go; what is done to their weights must be said after it.

        Args:
            places: which ones, shape (L,).
            shapes: as they are now.
            shares: of the whole layer's weights that each has; it has as many of the zeros.
            lost_bytes: that each stored weight has lost.
        """
        for place, shape in zip(places.tolist(), shapes, strict=True):
            self.shapes[place] = shape
            self._stored[place] = None
        self.num_weights[places] = [shape.num_weights for shape in shapes]
        # Where nothing goes away with the weight, as something else reads it, nothing less does now.
        self.original[places] = np.maximum(0, self._whole[places] - lost_bytes)
        self._raised[places] = np.maximum(0, self._whole_raised[places] - lost_bytes)
        self._own_zeros[places] = (self._whole_zeros[places] * shares).astype(np.int64)

    def set_weights(self, places: Places, weights: WeightSettings | None, containers: Containers) -> None:
        """Give layers other weight settings; what is pruned of them must be said after it.

        Args:
            places: which layers, shape (L,).
            weights: those that are carried out; None for float.
            containers: what codes may be kept in.
        """
        stored = weights, containers
        # Layers repeat their shapes, and what holds for one of a shape holds for all.
        alike: dict[tuple[int, LeftShape], list[int]] = {}
        for place in places.tolist():
            if self._stored[place] != stored:
                self._stored[place] = stored
                alike.setdefault((self._kinds[place], self.shapes[place]), []).append(place)
        for group in alike.values():
            self._settle(np.array(group), weights, containers)

    def _settle(self, places: Places, weights: WeightSettings | None, containers: Containers) -> None:
        """Look up what does not depend on pruning, for layers of one kind and shape."""
        layer, entry, shape = (of[places[0]] for of in (self._layers, self._entries, self.shapes))
        tensor = _tensor(layer, entry, shape, weights)
        settled = entry.settled_sizes(tensor, containers=containers) - entry.fixed_bytes
        self._settled[:, places] = settled[:, None] + self._fixed_bytes[places]
        self._old_slices[:, places] = entry.old_slice_sizes(tensor)[:, None]
        self._plain_opsets[:, places] = [[opset_needed(STORAGES[row], tensor)] for row in _PLAIN_ROWS]
        self.bits[places] = weights.bits if weights else FLOAT_BITS
        self._float_bytes[places] = tensor.floats.num_bytes

    @property
    def replaced(self) -> npt.NDArray[np.int64]:
        """Bytes of each original weight in the file that it goes away from: the chosen storages decide its opset."""
        is_anew = self.is_cut or self.opset.max(initial=0) >= BLOCKS_OPSET
        return self._raised if is_anew else self.original

    def set_unpruned(self, places: Places, *, is_quantized: bool) -> None:
        """Prune nothing in these layers; those that are not quantized either stay as they are in the file."""
        self.zeros[places] = self._own_zeros[places]
        self.is_written[places] = is_quantized
        if is_quantized:
            self._put_sizes(places, self.num_weights[places])

    def set_pruned(self, places: Places, zeros: Places) -> None:
        """Say how many weights pruning leaves at zero in each of these layers."""
        self.zeros[places] = zeros
        self.is_written[places] = True
        self._put_sizes(places, np.maximum(1, self.num_weights[places] - zeros))

    def _put_sizes(self, places: Places, num_kept: Places) -> None:
        if not places.size:
            return
        self._sizes[:, places] = pruned_sizes(
            self._settled[:, places], self.num_weights[places], num_kept, self._float_bytes[places]
        )

    def choose(
        self, is_counted: npt.NDArray[np.bool_], overhead: Mapping[TableKey, int], opset: int
    ) -> frozenset[TableKey]:
        """Store every compressed layer for the smallest file; gives the look-up tables that are read.

        Args:
            is_counted: which layers stand for a tensor of the file; the others read the same one.
            overhead: bytes of each table.
            opset: of the model as it is.
        """
        self.num_bytes, self.opset = self.original.copy(), np.zeros_like(self.opset)
        (written,) = np.nonzero(self.is_written)
        if not written.size:
            return frozenset()
        sizes = self._sizes[:, written]
        banned = unprofitable_tables(sizes[:, is_counted[written]], overhead)
        rows = smallest_rows(sizes, banned)
        self.num_bytes[written] = sizes[rows, np.arange(written.size)]
        self.opset[written] = _OPSETS[rows]
        for row, opsets in zip(_PLAIN_ROWS, self._plain_opsets, strict=True):
            is_so = written[rows == row]
            self.opset[is_so] = opsets[is_so]
        if max(opset, self.opset.max()) <= BEFORE_SLICE_INPUTS:
            self.num_bytes[written] -= self._old_slices[rows, written]
        return tables_read(rows)


def _kinds(layers: Sequence[Layer], entries: Sequence[LayerFootprint]) -> list[int]:
    """A number for each layer: with the same one and the same shape, two take the same bytes beside their names."""
    numbers: dict[object, int] = {}
    kinds = []
    for layer, entry in zip(layers, entries, strict=True):
        of_entry = (id(entry.headers), len(str(entry.number)), entry.stored_floats, entry.read_floats)
        kinds.append(numbers.setdefault((layer.axis, layer.is_stacked, *of_entry), len(numbers)))
    return kinds


def _tensor(layer: Layer, entry: LayerFootprint, shape: LeftShape, weights: WeightSettings | None) -> TensorShape:
    count = shape.num_weights
    if weights is None or weights.floating:
        floats = entry.stored_floats if weights is None else CAST_FLOAT16
        return TensorShape(count, count, bits=None, dims=shape.dims, floats=floats)
    return TensorShape(
        count,
        count,
        weights.bits,
        _num_scales(shape, weights.granularity),
        symmetric=weights.symmetric,
        scales=_scale_layout(shape, weights.granularity),
        dims=shape.dims,
        floats=entry.read_floats,
        blocks=_blocks(layer, shape, weights.granularity),
    )


def _blocks(layer: Layer, shape: LeftShape, word: str) -> ScaleBlocks | None:
    granularity = parse_granularity(word)
    if layer.axis is None or not isinstance(granularity, PerGroup):
        return None
    return scale_blocks(shape.dims, layer.axis, granularity.size, is_stacked=layer.is_stacked)


def _num_scales(shape: LeftShape, word: str) -> int:
    granularity = parse_granularity(word)
    if isinstance(granularity, PerTensor):
        return 1
    if isinstance(granularity, PerGroup):
        return shape.num_rows * -(-shape.row_length // min(granularity.size, shape.row_length))
    return shape.num_channels


def _scale_layout(shape: LeftShape, word: str) -> ScaleLayout:
    granularity = parse_granularity(word)
    if isinstance(granularity, PerTensor):
        return ScaleLayout.TENSOR
    if isinstance(granularity, PerGroup):
        return ScaleLayout.RAGGED if shape.row_length % min(granularity.size, shape.row_length) else ScaleLayout.GROUP
    return ScaleLayout.CHANNEL
