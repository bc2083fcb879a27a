"""How many bytes a weight tensor takes on disk in each encoding.

The packer chooses by this arithmetic and the window previews by it, so both say the same. Headers of
nodes and tensors are given, as a table, by whoever can build the real nodes.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from workbench.engine.core.bit_layout import LAYOUTS, Count, packed_arrays

_VARINT_STEPS = (7, 14, 21, 28, 35)


class Encoding(StrEnum):
    """How a weight tensor is written.

    DENSE: float values as they are. BITS: b bits a weight. MASK: one bit a weight, and the values
    that are not zero, in b bits or as floats. PLAIN: the standard int8 container and DequantizeLinear.
    """

    DENSE = "dense"
    BITS = "bits"
    MASK = "mask"
    PLAIN = "plain"


class ScaleLayout(StrEnum):
    """How scales lie beside the weights, which decides the nodes that spread them.

    RAGGED: by group, where the last group of a row is shorter than the others.
    """

    TENSOR = "tensor"
    CHANNEL = "channel"
    GROUP = "group"
    RAGGED = "ragged"


@dataclass(frozen=True, slots=True)
class TensorShape:
    """What the size of an encoded tensor depends on.

    Args:
        num_weights: number of weights.
        num_kept: weights that pruning left; at least 1.
        bits: 2 to 8; None for float.
        num_scales: float32 scales; 0 for float.
        symmetric: without zero points, which take one byte a scale.
        scales: how the scales lie.
    """

    num_weights: int
    num_kept: int
    bits: int | None
    num_scales: int = 0
    symmetric: bool = True
    scales: ScaleLayout = ScaleLayout.TENSOR


HeaderKey = tuple[Encoding, int | None, bool, ScaleLayout]
TableKey = tuple[str, int, int]


def header_keys() -> Iterator[HeaderKey]:
    """Everything that decides which nodes are written: encoding, bits, symmetric, scale layout."""
    yield Encoding.DENSE, None, True, ScaleLayout.TENSOR
    yield Encoding.MASK, None, True, ScaleLayout.TENSOR
    for scales in ScaleLayout:
        for bits in range(2, 9):
            yield Encoding.MASK, bits, True, scales
            for symmetric in (True, False):
                yield Encoding.BITS, bits, symmetric, scales
    for scales in (ScaleLayout.TENSOR, ScaleLayout.CHANNEL):
        for symmetric in (True, False):
            # One container for all widths.
            yield Encoding.PLAIN, 8, symmetric, scales


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
    """

    sizes: Mapping[HeaderKey, HeaderSize] = field(hash=False)
    codes_trim: HeaderSize = HeaderSize(0)
    mask_trim: HeaderSize = HeaderSize(0)

    def num_bytes(self, encoding: Encoding, tensor: TensorShape, num_digits: int) -> int:
        """Headers of one tensor.

        Args:
            encoding: how it is written.
            tensor: what is written.
            num_digits: of the layer's number.
        """
        bits = 8 if encoding is Encoding.PLAIN else tensor.bits
        size = self.sizes[encoding, bits, tensor.symmetric, tensor.scales]
        total, names = size.num_bytes, size.num_names
        if has_padded_codes(encoding, tensor):
            total, names = total + self.codes_trim.num_bytes, names + self.codes_trim.num_names
        if has_padded_mask(encoding, tensor):
            total, names = total + self.mask_trim.num_bytes, names + self.mask_trim.num_names
        return total + names * (num_digits - 1)


def payload_arrays(encoding: Encoding, tensor: TensorShape) -> tuple[int, ...]:
    """Bytes of each array that holds weights, mask, scales or zero points.

    >>> payload_arrays(Encoding.BITS, TensorShape(num_weights=1000, num_kept=1000, bits=3, num_scales=10))
    (250, 125, 40)
    """
    if encoding is Encoding.DENSE:
        return (4 * tensor.num_weights,)
    scales = (4 * tensor.num_scales,) if tensor.bits else ()
    # DequantizeLinear takes the type of its zero point as that of the codes: it is always written.
    if not tensor.symmetric or encoding is Encoding.PLAIN:
        scales = (*scales, tensor.num_scales)
    if encoding is Encoding.PLAIN:
        return (tensor.num_weights, *scales)
    if encoding is Encoding.BITS:
        return (*packed_arrays(tensor.num_weights, tensor.bits or 32), *scales)
    values = packed_arrays(tensor.num_kept, tensor.bits) if tensor.bits else (4 * tensor.num_kept,)
    return (-(-tensor.num_weights // 8), *values, *scales)


def payload_bytes(encoding: Encoding, tensor: TensorShape) -> int:
    """Bytes of weights, mask, scales and zero points, with the lengths that are written before long arrays.

    >>> payload_bytes(Encoding.BITS, TensorShape(num_weights=100, num_kept=100, bits=4, num_scales=10))
    90
    """
    return sum(size + _long_length(size) for size in payload_arrays(encoding, tensor))


def values_bytes(num_kept: Count, bits: int | None) -> Count:
    """Bytes of the values behind a mask, with the lengths before long arrays: all that changes while pruning moves.

    Args:
        num_kept: of one tensor, or of many at once.
        bits: 2 to 8; None for float.
    """
    arrays = packed_arrays(num_kept, bits) if bits else (4 * num_kept,)
    total = arrays[0] + _long_length(arrays[0])
    for size in arrays[1:]:
        total = total + size + _long_length(size)
    return total


def has_padded_codes(encoding: Encoding, tensor: TensorShape) -> bool:
    """Whether the codes do not fill their last index, so that nodes must cut them; behind a mask nothing reads more."""
    if tensor.bits not in LAYOUTS or encoding is not Encoding.BITS:
        return False
    layout = LAYOUTS[tensor.bits]
    return layout.num_indices(tensor.num_weights) * layout.codes_per_index != tensor.num_weights


def has_padded_mask(encoding: Encoding, tensor: TensorShape) -> bool:
    """Whether the mask does not fill its last byte."""
    return encoding is Encoding.MASK and tensor.num_weights % 8 != 0


def tables_of(encoding: Encoding, bits: int | None) -> tuple[TableKey, ...]:
    """The look-up tables of the whole file that unpack such a tensor: codes, the fields above, masks."""
    tables: list[TableKey] = []
    if encoding in (Encoding.BITS, Encoding.MASK) and bits in LAYOUTS:
        tables.append(("codes", bits, 0))
        shift = 8
        for width in LAYOUTS[bits].high_fields:
            tables.append(("field", width, shift))
            shift += width
    if encoding is Encoding.MASK:
        tables.append(("mask", 1, 0))
    return tuple(tables)


def opset_needed(encoding: Encoding, tensor: TensorShape) -> int:
    """Version of the default operator set that the nodes need: Expand 8, CumSum 11, DequantizeLinear 10 or 13."""
    if encoding is Encoding.PLAIN:
        return 13 if tensor.num_scales > 1 else 10
    return 11 if encoding is Encoding.MASK else 8


def smallest_encoding(
    tensor: TensorShape, headers: Headers, *, fixed_bytes: int = 0, num_digits: int = 1, plain: bool = False
) -> tuple[Encoding, int]:
    """The encoding with the fewest bytes, and how many those are with headers.

    Args:
        tensor: what is to be stored.
        headers: bytes of headers.
        fixed_bytes: what the layer costs in any encoding.
        num_digits: of the layer's number, which is part of the names.
        plain: choose among the containers that other tools read: DENSE and PLAIN.
    """
    if plain:
        candidates = [Encoding.DENSE if tensor.bits is None else Encoding.PLAIN]
    else:
        candidates = [Encoding.DENSE] if tensor.bits is None else [Encoding.BITS]
        # An asymmetric zero is a code like any other, and differs by channel: a mask cannot stand for it.
        if tensor.num_kept < tensor.num_weights and tensor.symmetric:
            candidates.append(Encoding.MASK)
    sizes = [
        (headers.num_bytes(candidate, tensor, num_digits) + payload_bytes(candidate, tensor), candidate)
        for candidate in candidates
    ]
    size, encoding = min(sizes, key=lambda item: item[0])
    return encoding, size + fixed_bytes


def _long_length(num_bytes: Count) -> Count:
    """Bytes that an array's three length fields take above one each: of its shape, its data, and the tensor.

    Source: Protocol Buffers, encoding of base 128 varints: seven bits a byte.
    """
    longer = num_bytes * 0
    for bits in _VARINT_STEPS:
        longer = longer + (num_bytes >= 1 << bits)
    return 3 * longer
