"""Which neighbouring weights can saturate: VPMADDUBSW adds two products of u8 and s8 in 16 bits.

Source: Intel 64 and IA-32 Architectures Software Developer's Manual, volume 2, PMADDUBSW; ONNX Runtime's MLAS, whose
u8·s8 kernels for AVX2 and AVX-512 without VNNI multiply k and k + 1, for even k, in one such instruction and add its
results in 32 bits (QgemmU8X8KernelAvx2 and ConvSymKernelAvx2). A convolution's k counts positions of the kernel, and
the channels of its group within a position. Depthwise convolutions have kernels without such pairs.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

LOWEST_SUM, HIGHEST_SUM = -(2**15), 2**15 - 1
_LARGEST_CODE = 255


@dataclass(frozen=True, slots=True, eq=False)
class SaturatingPairs:
    """The pairs of one weight matrix whose sum of products may not fit into 16 bits.

    Args:
        first: the row k of the pair's first weight, shape (P,); the second is that of k + 1.
        column: the output that the pair is summed into, shape (P,).
        weights: both codes, shape (P, 2), int32; of one sign.
    """

    first: npt.NDArray[np.int64]
    column: npt.NDArray[np.int64]
    weights: npt.NDArray[np.int32]

    def __len__(self) -> int:
        return len(self.first)


def saturating_pairs(codes: npt.NDArray[np.int8]) -> SaturatingPairs:
    """The pairs that can saturate with activations of 0 to 255, in the order of their columns.

    Two products of different signs always fit: 255 · 127 = 32,385 and 255 · −128 = −32,640.

    Args:
        codes: shape (K, N); a last row without a partner is added alone and fits.

    >>> found = saturating_pairs(np.array([[100, 64], [30, 64], [-128, 127], [-1, -128]], np.int8))
    >>> found.first.tolist(), found.column.tolist(), found.weights.tolist()
    ([0, 2], [0, 0], [[100, 30], [-128, -1]])
    """
    wide = codes[: len(codes) // 2 * 2].astype(np.int32)
    first, second = wide[::2], wide[1::2]
    highest = _LARGEST_CODE * (np.maximum(first, 0) + np.maximum(second, 0))
    lowest = _LARGEST_CODE * (np.minimum(first, 0) + np.minimum(second, 0))
    column, pair = np.nonzero(((highest > HIGHEST_SUM) | (lowest < LOWEST_SUM)).T)
    return SaturatingPairs(2 * pair, column, np.stack([first[pair, column], second[pair, column]], axis=1))
