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
        self.num_weights = np.array([layer.num_weights for layer in layers], np.int64)
        self.original = np.array([entry.original_bytes for entry in entries], np.int64)
        self._raised = np.array([entry.replaced_bytes(BLOCKS_OPSET) for entry in entries], np.int64)
        self._whole_zeros = np.array([own_zeros(layer) for layer in layers], np.int64)
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

    def set_layer(self, place: int, layer: Layer, entry: LayerFootprint, share: float) -> None:
        """Give a layer another shape, as when channels go; what is done to its weights must be said after it.

        Args:
            place: which one.
            layer: as it is now.
            entry: what its size depends on now.
            share: of the whole layer's weights that this one has; it has as many of the zeros.
        """
        self._layers[place], self._entries[place] = layer, entry
        self.num_weights[place] = layer.num_weights
        self.original[place] = entry.original_bytes
        self._raised[place] = entry.replaced_bytes(BLOCKS_OPSET)
        self._own_zeros[place] = int(self._whole_zeros[place] * share)
        self._stored[place] = None

    def set_weights(self, places: Places, weights: WeightSettings | None, containers: Containers) -> None:
        """Give layers other weight settings; what is pruned of them must be said after it.

        Args:
            places: which layers, shape (L,).
            weights: those that are carried out; None for float.
            containers: what codes may be kept in.
        """
        for place in places.tolist():
            if self._stored[place] == (weights, containers):
                continue
            self._stored[place] = (weights, containers)
            self.bits[place] = weights.bits if weights else FLOAT_BITS
            tensor = _tensor(self._layers[place], self._entries[place], weights)
            self._settled[:, place] = self._entries[place].settled_sizes(tensor, containers=containers)
            self._float_bytes[place] = tensor.floats.num_bytes
            self._old_slices[:, place] = self._entries[place].old_slice_sizes(tensor)
            self._plain_opsets[:, place] = [opset_needed(STORAGES[row], tensor) for row in _PLAIN_ROWS]

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


def _tensor(layer: Layer, entry: LayerFootprint, weights: WeightSettings | None) -> TensorShape:
    if weights is None or weights.floating:
        floats = entry.stored_floats if weights is None else CAST_FLOAT16
        return TensorShape(layer.num_weights, layer.num_weights, bits=None, dims=layer.weight_shape, floats=floats)
    return TensorShape(
        layer.num_weights,
        layer.num_weights,
        weights.bits,
        _num_scales(entry, weights.granularity),
        symmetric=weights.symmetric,
        scales=_scale_layout(entry, weights.granularity),
        dims=layer.weight_shape,
        floats=entry.read_floats,
        blocks=_blocks(layer, weights.granularity),
    )


def _blocks(layer: Layer, word: str) -> ScaleBlocks | None:
    granularity = parse_granularity(word)
    if layer.axis is None or not isinstance(granularity, PerGroup):
        return None
    return scale_blocks(layer.weight_shape, layer.axis, granularity.size, is_stacked=layer.is_stacked)


def _num_scales(entry: LayerFootprint, word: str) -> int:
    granularity = parse_granularity(word)
    if isinstance(granularity, PerTensor):
        return 1
    if isinstance(granularity, PerGroup):
        return entry.num_rows * -(-entry.row_length // min(granularity.size, entry.row_length))
    return entry.num_channels


def _scale_layout(entry: LayerFootprint, word: str) -> ScaleLayout:
    granularity = parse_granularity(word)
    if isinstance(granularity, PerTensor):
        return ScaleLayout.TENSOR
    if isinstance(granularity, PerGroup):
        return ScaleLayout.RAGGED if entry.row_length % min(granularity.size, entry.row_length) else ScaleLayout.GROUP
    return ScaleLayout.CHANNEL
