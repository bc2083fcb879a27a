"""How many bytes a weight tensor takes on disk in each encoding.

The packer chooses by this arithmetic and the window previews by it, so both say the same. Headers of
nodes and tensors are given, as a table, by whoever can build the real nodes.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import NamedTuple

import numpy as np

from workbench.engine.core.bit_layout import HALF_BYTE, LAYOUTS, TWO_BYTES, WHOLE_BYTE, Count, packed_arrays
from workbench.engine.core.scale_blocks import ScaleBlocks

# The last opset in which Slice takes its bounds as attributes, which are shorter than tensors.
BEFORE_SLICE_INPUTS = 9
# DequantizeLinear is there from 10 on, takes scales along an axis from 13 on, and blocks and int4 codes from 21 on.
CONTAINER_OPSET, CHANNELS_OPSET, BLOCKS_OPSET, INT4_OPSET = 10, 13, 21, 21


class Encoding(StrEnum):
    """How a weight tensor is written.

    DENSE: float values as they are. BITS: codes of b bits. MASK: one bit a weight, and the values
    that are not zero, as codes or floats. PLAIN: a standard int4 or int8 container and DequantizeLinear.
    """

    DENSE = "dense"
    BITS = "bits"
    MASK = "mask"
    PLAIN = "plain"


class Containers(StrEnum):
    """What codes may be kept in.

    ANY: whatever takes the fewest bytes. STANDARD: the int4 and int8 containers that other tools read.
    WHOLE_BYTES: of those int8 alone.
    """

    ANY = "any"
    STANDARD = "standard"
    WHOLE_BYTES = "whole bytes"


class ScaleLayout(StrEnum):
    """How scales lie beside the weights, which decides the nodes that spread them.

    RAGGED: by group, where the last group of a row is shorter than the others.
    """

    TENSOR = "tensor"
    CHANNEL = "channel"
    GROUP = "group"
    RAGGED = "ragged"


@dataclass(frozen=True, slots=True)
class FloatFormat:
    """How floats are stored.

    Args:
        num_bytes: of each: 2, 4 or 8.
        is_cast: whether they are read in another element type than they are stored in.
    """

    num_bytes: int = 4
    is_cast: bool = False


FLOAT32 = FloatFormat()
CAST_FLOAT16 = FloatFormat(2, is_cast=True)


@dataclass(frozen=True, slots=True)
class TensorShape:
    """What the size of an encoded tensor depends on.

    Args:
        num_weights: number of weights.
        num_kept: weights that pruning left; at least 1.
        bits: 2 to 16; None for float.
        num_scales: float32 scales; 0 for float.
        symmetric: without zero points, which take a byte or two a scale.
        scales: how the scales lie.
        dims: of the weight, where they are known: long ones take more bytes.
        blocks: how scales by group lie in standard containers; None where they are not, or cannot be.
        floats: how its values are stored where no codes stand for them.
    """

    num_weights: int
    num_kept: int
    bits: int | None
    num_scales: int = 0
    symmetric: bool = True
    scales: ScaleLayout = ScaleLayout.TENSOR
    dims: tuple[int, ...] = ()
    floats: FloatFormat = FLOAT32
    blocks: ScaleBlocks | None = None


@dataclass(frozen=True, slots=True)
class Storage:
    """How one weight tensor is written.

    Args:
        encoding: the encoding.
        bits: of each code as it is stored: those of the quantization, or a whole byte; None for floats.
    """

    encoding: Encoding
    bits: int | None = None


class HeaderKey(NamedTuple):
    """Everything that decides which nodes are written; of floats, `is_cast` alone beside the encoding."""

    encoding: Encoding
    bits: int | None = None
    symmetric: bool = True
    scales: ScaleLayout = ScaleLayout.TENSOR
    is_cast: bool = False


TableKey = tuple[str, int, int]


def header_keys() -> Iterator[HeaderKey]:
    """Every combination that there is."""
    for is_cast in (False, True):
        yield HeaderKey(Encoding.DENSE, is_cast=is_cast)
        yield HeaderKey(Encoding.MASK, is_cast=is_cast)
    for scales in ScaleLayout:
        for bits in (*LAYOUTS, WHOLE_BYTE, TWO_BYTES):
            yield HeaderKey(Encoding.MASK, bits, scales=scales)
            for symmetric in (True, False):
                yield HeaderKey(Encoding.BITS, bits, symmetric, scales)
    for scales in (ScaleLayout.TENSOR, ScaleLayout.CHANNEL, ScaleLayout.GROUP):
        for symmetric in (True, False):
            # Two containers for all widths.
            for bits in (HALF_BYTE, WHOLE_BYTE):
                yield HeaderKey(Encoding.PLAIN, bits, symmetric, scales)


@dataclass(frozen=True, slots=True)
class HeaderSize:
    """Bytes of nodes and tensors without what they hold.

    Args:
        num_bytes: where the layer's number has one digit.
        num_names: how often the layer's number is written.
    """

    num_bytes: int
    num_names: int = 0


@dataclass(frozen=True, slots=True)
class Headers:
    """Headers by what decides them; the same for all weights with as many axes.

    Args:
        sizes: for every one of `header_keys()`.
        codes_trim, mask_trim: of the nodes that cut padding off codes, or off a mask.
        old_slice: how much shorter each Slice is up to opset `BEFORE_SLICE_INPUTS`.
    """

    sizes: Mapping[HeaderKey, HeaderSize] = field(hash=False)
    codes_trim: HeaderSize = HeaderSize(0)
    mask_trim: HeaderSize = HeaderSize(0)
    old_slice: HeaderSize = HeaderSize(0)

    def num_bytes(self, storage: Storage, tensor: TensorShape, num_digits: int) -> int:
        """Headers of one tensor.

        Args:
            storage: how it is written.
            tensor: what is written.
            num_digits: of the layer's number.
        """
        size = self.sizes[header_key(storage, tensor)]
        total, names = size.num_bytes, size.num_names
        if has_padded_codes(storage, tensor):
            total, names = total + self.codes_trim.num_bytes, names + self.codes_trim.num_names
        if has_padded_mask(storage, tensor):
            total, names = total + self.mask_trim.num_bytes, names + self.mask_trim.num_names
        return total + names * (num_digits - 1)

    def old_slice_bytes(self, storage: Storage, tensor: TensorShape, num_digits: int) -> int:
        """How much less `num_bytes` is where Slice still takes attributes; masks need a later opset."""
        if storage.encoding is not Encoding.BITS:
            return 0
        is_trimmed = has_padded_codes(storage, tensor)
        num_slices = int(is_trimmed)
        if tensor.scales is ScaleLayout.RAGGED:
            num_slices += 1 if tensor.symmetric else 2
        less = num_slices * (self.old_slice.num_bytes + self.old_slice.num_names * (num_digits - 1))
        # An attribute takes as many bytes as its number needs, a tensor always eight.
        return less - _longer(tensor.num_weights) * int(is_trimmed)


def header_key(storage: Storage, tensor: TensorShape) -> HeaderKey:
    """What decides which nodes are written for the tensor."""
    if storage.bits is None:
        return HeaderKey(storage.encoding, is_cast=tensor.floats.is_cast)
    scales = _plain_layout(tensor) if storage.encoding is Encoding.PLAIN else tensor.scales
    return HeaderKey(storage.encoding, storage.bits, tensor.symmetric, scales)


def _plain_layout(tensor: TensorShape) -> ScaleLayout:
    """DequantizeLinear takes a single scale without its axis, and a last block that is shorter like the others."""
    if tensor.num_scales == 1:
        return ScaleLayout.TENSOR
    return ScaleLayout.GROUP if tensor.scales is ScaleLayout.RAGGED else tensor.scales


def payload_arrays(storage: Storage, tensor: TensorShape) -> tuple[tuple[int, int], ...]:
    """Bytes and number of elements of each array that holds weights, mask, scales or zero points.

    >>> payload_arrays(Storage(Encoding.BITS, 3), TensorShape(num_weights=1000, num_kept=1000, bits=3, num_scales=10))
    ((250, 250), (125, 125), (40, 10))
    """
    is_masked = storage.encoding is Encoding.MASK
    mask_bytes = -(-tensor.num_weights // 8)
    mask = ((mask_bytes, mask_bytes),) if is_masked else ()
    count = tensor.num_kept if is_masked else tensor.num_weights
    values = _values_arrays(count, storage.bits, tensor.floats.num_bytes)
    if storage.bits is None:
        return (*mask, *values)
    # Scales by group lie along two axes: neither is longer than one of the weight's own.
    is_grouped = tensor.scales in (ScaleLayout.GROUP, ScaleLayout.RAGGED)
    longest = min(tensor.num_scales, max(tensor.dims, default=1)) if is_grouped else tensor.num_scales
    # DequantizeLinear takes the type of its zero point as that of the codes: it is always written.
    has_zero_points = not tensor.symmetric or storage.encoding is Encoding.PLAIN
    zero_bytes = tensor.num_scales * (1 if storage.bits <= WHOLE_BYTE else 2)
    if storage == Storage(Encoding.PLAIN, HALF_BYTE):
        zero_bytes = packed_arrays(tensor.num_scales, HALF_BYTE)[0]
    zero_points = ((zero_bytes, longest),) if has_zero_points else ()
    return (*mask, *values, (4 * tensor.num_scales, longest), *zero_points)


def payload_bytes(storage: Storage, tensor: TensorShape) -> int:
    """Bytes of weights, mask, scales and zero points, with the lengths that are written before long arrays.

    >>> payload_bytes(Storage(Encoding.BITS, 4), TensorShape(num_weights=100, num_kept=100, bits=4, num_scales=10))
    90
    """
    arrays = payload_arrays(storage, tensor)
    total = sum(_with_lengths(*array) for array in arrays)
    if tensor.dims and storage.encoding in (Encoding.DENSE, Encoding.PLAIN):
        # The others are flat.
        total += sum(_longer(size) for size in tensor.dims) - _longer(arrays[0][1])
    if tensor.blocks is not None and storage.encoding is Encoding.PLAIN and tensor.num_scales > 1:
        total += _longer(tensor.blocks.size)
        for _, longest in arrays[1:]:
            total += sum(_longer(size) for size in tensor.blocks.shape) - _longer(longest)
    return total


def values_bytes(num_kept: Count, bits: int | None, float_bytes: Count) -> Count:
    """Bytes of the values behind a mask, with the lengths before long arrays: all that changes while pruning moves.

    Args:
        num_kept: of one tensor, or of many at once.
        bits: of each stored code; None for float.
        float_bytes: of each float, if those are stored.
    """
    first, *others = _values_arrays(num_kept, bits, float_bytes)
    total = _with_lengths(*first)
    for array in others:
        total = total + _with_lengths(*array)
    return total


def _values_arrays(count: Count, bits: int | None, float_bytes: Count) -> tuple[tuple[Count, Count], ...]:
    """Bytes and number of elements of each array that so many codes take, or floats."""
    if bits is None:
        return ((float_bytes * count, count),)
    arrays = packed_arrays(count, bits)
    return ((arrays[0], count),) if bits >= WHOLE_BYTE else tuple((size, size) for size in arrays)


def has_padded_codes(storage: Storage, tensor: TensorShape) -> bool:
    """Whether the codes do not fill their last index, so that nodes must cut them; behind a mask nothing reads more."""
    if storage.bits not in LAYOUTS or storage.encoding is not Encoding.BITS:
        return False
    layout = LAYOUTS[storage.bits]
    return layout.num_indices(tensor.num_weights) * layout.codes_per_index != tensor.num_weights


def has_padded_mask(storage: Storage, tensor: TensorShape) -> bool:
    """Whether the mask does not fill its last byte."""
    return storage.encoding is Encoding.MASK and tensor.num_weights % 8 != 0


def tables_of(storage: Storage) -> tuple[TableKey, ...]:
    """The look-up tables of the whole file that unpack such a tensor: codes, the fields above, masks."""
    tables: list[TableKey] = []
    if storage.encoding in (Encoding.BITS, Encoding.MASK) and storage.bits in LAYOUTS:
        tables.append(("codes", storage.bits, 0))
        shift = 8
        for width in LAYOUTS[storage.bits].high_fields:
            tables.append(("field", width, shift))
            shift += width
    if storage.encoding is Encoding.MASK:
        tables.append(("mask", 1, 0))
    return tuple(tables)


def opset_needed(storage: Storage, tensor: TensorShape) -> int:
    """Version of the default operator set that the nodes need: Expand 8, CumSum 11, DequantizeLinear 10, 13 or 21."""
    if storage.encoding is Encoding.PLAIN:
        layout = _plain_layout(tensor)
        scales = {ScaleLayout.TENSOR: CONTAINER_OPSET, ScaleLayout.CHANNEL: CHANNELS_OPSET}
        return max(scales.get(layout, BLOCKS_OPSET), INT4_OPSET if storage.bits == HALF_BYTE else CONTAINER_OPSET)
    return 11 if storage.encoding is Encoding.MASK else 8


def resized_file(before: int, after: int) -> int:
    """Bytes of a file after a change, with the length that is written before its graph, which is nearly all of it.

    Args:
        before: bytes before the change.
        after: the same with all that was added and taken away.

    >>> resized_file(2_100_000, 700_000)
    699999
    """
    return after + _longer(after) - _longer(before)


def _with_lengths(num_bytes: Count, num_elements: Count) -> Count:
    """Bytes of an array, and what its three length fields take above one each: its shape, its data, the tensor."""
    return num_bytes + _longer(num_elements) + _longer(num_bytes) + _longer(num_bytes + _TENSOR_FIELDS)


def _longer(number: Count) -> Count:
    """Bytes above one that a number takes.

    Source: Protocol Buffers, encoding of base 128 varints: seven bits a byte.
    """
    if isinstance(number, int):
        return max(1, -(-number.bit_length() // 7)) - 1
    return np.searchsorted(_LONGER_FROM, number, side="right")


# Bytes of a flat tensor beside its data: shape, element type, a name of five characters, and the data's length.
_TENSOR_FIELDS = 13
_LONGER_FROM = np.array([1 << 7 * count for count in range(1, 6)], np.int64)
