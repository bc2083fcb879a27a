"""Codes of 2 to 7 bits into whole bytes, by the layouts of `core.bit_layout`."""

import numpy as np
import numpy.typing as npt

from workbench.engine.core.bit_layout import LAYOUTS


def pack_codes(codes: npt.NDArray[np.int32], bits: int) -> tuple[npt.NDArray[np.uint8], ...]:
    """The byte arrays that hold the codes: low bytes of the indices, then one array per high field.

    Args:
        codes: shape (count,), 0 … 2^bits − 1.
        bits: 2 to 7.

    Returns:
        uint8 arrays of shapes (indices,), (indices · field / 8,), …; padded with code 0.
    """
    layout = LAYOUTS[bits]
    num_indices = layout.num_indices(codes.size)
    padded = np.zeros(num_indices * layout.codes_per_index, np.uint16)
    padded[: codes.size] = codes
    digits = padded.reshape(num_indices, layout.codes_per_index)
    index = np.zeros(num_indices, np.uint16)
    for column in range(layout.codes_per_index):
        index = np.bitwise_or(np.left_shift(index, np.uint16(bits)), digits[:, column])
    arrays = [(index & 0xFF).astype(np.uint8)]
    shift = 8
    for field in layout.high_fields:
        values = (index >> shift) & ((1 << field) - 1)
        arrays.append(_pack_field(values.astype(np.uint8), field))
        shift += field
    return tuple(arrays)


def pack_nibbles(codes: npt.NDArray[np.int32]) -> npt.NDArray[np.uint8]:
    """Two codes a byte, the first in the lower half, as the standard's four-bit element types lie.

    Args:
        codes: any shape, −8 … 7 or 0 … 15.

    Returns:
        Shape (ceil(count / 2),); the upper half of the last byte is 0 where it is not needed.

    Source: ONNX TensorProto, INT4 and UINT4 in `raw_data`.
    """
    digits = np.zeros(-(-codes.size // 2) * 2, np.uint8)
    digits[: codes.size] = (codes.reshape(-1) & 0xF).astype(np.uint8)
    return np.bitwise_or(digits[::2], np.left_shift(digits[1::2], np.uint8(4)))


def pack_mask(mask: npt.NDArray[np.bool_]) -> npt.NDArray[np.uint8]:
    """One bit a weight, the first weight in the highest bit. Shape (ceil(count / 8),)."""
    return np.packbits(mask.reshape(-1))


def signed_levels(bits: int) -> npt.NDArray[np.int8]:
    """What each code stands for, shape (2^bits,): codes from 2^(bits−1) on are negative."""
    codes = np.arange(1 << bits)
    return np.where(codes < 1 << (bits - 1), codes, codes - (1 << bits)).astype(np.int8)


def _pack_field(values: npt.NDArray[np.uint8], field: int) -> npt.NDArray[np.uint8]:
    """Values of 2 or 4 bits into bytes, the first value in the highest bits."""
    digits = values.reshape(-1, 8 // field)
    packed = np.zeros(len(digits), np.uint8)
    for column in range(digits.shape[1]):
        packed = np.bitwise_or(np.left_shift(packed, np.uint8(field)), digits[:, column])
    return packed
