"""Bytes of many layers at once: what quantization decides is kept, so that a move of pruning is a few sums."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from workbench.engine.core.footprint import (
    Encoding,
    ScaleLayout,
    TableKey,
    TensorShape,
    opset_needed,
    payload_bytes,
    tables_of,
    values_bytes,
)
from workbench.engine.core.granularity import PerGroup, PerTensor, parse_granularity
from workbench.engine.core.layer import Layer
from workbench.engine.core.recipe import WeightSettings
from workbench.engine.core.reports import LayerFootprint
from workbench.gui.all_magnitudes import Places
from workbench.gui.magnitude_tables import own_zeros

FLOAT_BITS = 32
_ENCODINGS = tuple(Encoding)
_MASK_OPSET = opset_needed(Encoding.MASK, TensorShape(num_weights=1, num_kept=1, bits=None))
_NEVER = np.iinfo(np.int64).max // 2


@dataclass(frozen=True, slots=True)
class _Stored:
    """How a layer is stored under its weight settings, whatever is pruned.

    Args:
        whole: the encoding without a mask, and its bytes.
        masked_bytes: with a mask, without the values behind it; `_NEVER` where a mask cannot be.
    """

    bits: int | None
    whole: Encoding
    whole_bytes: int
    whole_opset: int
    masked_bytes: int = _NEVER


class LayerSizes:
    """Rows of layers: bytes, zeros and bits of each. They begin as in the original."""

    def __init__(self, layers: Sequence[Layer], entries: Sequence[LayerFootprint]) -> None:
        self._layers, self._entries = layers, entries
        count = len(layers)
        self.num_weights = np.array([layer.num_weights for layer in layers], np.int64)
        self.original = np.array([entry.original_bytes for entry in entries], np.int64)
        self._own_zeros = np.array([own_zeros(layer) for layer in layers], np.int64)
        self.num_bytes, self.zeros = self.original.copy(), self._own_zeros.copy()
        self.bits = np.full(count, FLOAT_BITS, np.int64)
        self.opset = np.zeros(count, np.int64)
        self._encoding = np.zeros(count, np.int64)
        self._stored: list[tuple[WeightSettings | None, bool] | None] = [None] * count
        self._whole = np.zeros(count, np.int64)
        self._whole_encoding, self._whole_opset = np.zeros(count, np.int64), np.zeros(count, np.int64)
        self._masked = np.full(count, _NEVER, np.int64)

    @property
    def is_written(self) -> npt.NDArray[np.bool_]:
        """Which layers are compressed; the others stay as they are."""
        return self.opset > 0

    def tables(self) -> set[TableKey]:
        """The file's look-up tables that unpack the layers."""
        written = self.is_written
        kinds = np.unique(np.stack((self._encoding[written], self.bits[written])), axis=1)
        return {key for encoding, bits in kinds.T.tolist() for key in tables_of(_ENCODINGS[encoding], bits)}

    def set_weights(self, places: Places, weights: WeightSettings | None, *, is_plain: bool) -> None:
        """Give layers other weight settings; what is pruned of them must be said after it.

        Args:
            places: which layers, shape (L,).
            weights: those that are carried out; None for float.
            is_plain: in the containers that other tools read.
        """
        for place in places.tolist():
            if self._stored[place] == (weights, is_plain):
                continue
            self._stored[place] = (weights, is_plain)
            stored = _stored(self._layers[place], self._entries[place], weights, is_plain=is_plain)
            self.bits[place] = stored.bits or FLOAT_BITS
            self._whole[place], self._whole_opset[place] = stored.whole_bytes, stored.whole_opset
            self._whole_encoding[place] = _ENCODINGS.index(stored.whole)
            self._masked[place] = stored.masked_bytes

    def set_unpruned(self, places: Places, *, is_quantized: bool) -> None:
        """Prune nothing in these layers; those that are not quantized either stay as they are in the file."""
        self.zeros[places] = self._own_zeros[places]
        if is_quantized:
            self._choose_whole(places)
        else:
            self.num_bytes[places], self.opset[places] = self.original[places], 0

    def set_pruned(self, places: Places, zeros: Places) -> None:
        """Say how many weights pruning leaves at zero in each of these layers."""
        self.zeros[places] = zeros
        self._choose_whole(places)
        self._choose_masks(places, np.maximum(1, self.num_weights[places] - zeros))

    def _choose_whole(self, places: Places) -> None:
        self.num_bytes[places], self.opset[places] = self._whole[places], self._whole_opset[places]
        self._encoding[places] = self._whole_encoding[places]

    def _choose_masks(self, places: Places, num_kept: Places) -> None:
        """A mask where it takes fewer bytes than all values do."""
        may = (num_kept < self.num_weights[places]) & (self._masked[places] < _NEVER)
        places, num_kept = places[may], num_kept[may]
        for bits in np.unique(self.bits[places]).tolist():
            same = self.bits[places] == bits
            here = places[same]
            masked = self._masked[here] + values_bytes(num_kept[same], None if bits == FLOAT_BITS else bits)
            is_smaller = masked < self.num_bytes[here]
            chosen = here[is_smaller]
            self.num_bytes[chosen] = masked[is_smaller]
            self._encoding[chosen], self.opset[chosen] = _ENCODINGS.index(Encoding.MASK), _MASK_OPSET


def _stored(layer: Layer, entry: LayerFootprint, weights: WeightSettings | None, *, is_plain: bool) -> _Stored:
    tensor = TensorShape(
        num_weights=layer.num_weights,
        num_kept=layer.num_weights,
        bits=weights.bits if weights else None,
        num_scales=_num_scales(entry, weights.granularity) if weights else 0,
        symmetric=weights.symmetric if weights else True,
        scales=_scale_layout(entry, weights.granularity) if weights else ScaleLayout.TENSOR,
    )
    encoding, whole = entry.smallest_encoding(tensor, plain=is_plain)
    stored = _Stored(tensor.bits, encoding, whole, opset_needed(encoding, tensor))
    if is_plain or not tensor.symmetric:
        return stored
    headers = entry.headers.num_bytes(Encoding.MASK, tensor, len(str(entry.number)))
    fixed = payload_bytes(Encoding.MASK, tensor) - values_bytes(tensor.num_kept, tensor.bits)
    return replace(stored, masked_bytes=headers + fixed + entry.fixed_bytes)


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
