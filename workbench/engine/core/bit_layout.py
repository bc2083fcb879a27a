"""How codes of 2 to 7 bits are laid out in whole bytes.

A few codes together form one index: its low eight bits go to one array, the bits above to arrays of
four and of two bits. Standard operators then unpack it by look-ups: bytes → index → codes. A layout by
single bit planes takes as many bytes, but unpacking needs a full-size tensor for each plane.
"""

from dataclasses import dataclass
from typing import TypeVar

import numpy as np
import numpy.typing as npt

# Codes of more bits than the layouts pack are whole numbers of one byte or two.
HALF_BYTE, WHOLE_BYTE, TWO_BYTES = 4, 8, 16

Count = TypeVar("Count", int, npt.NDArray[np.int64])


@dataclass(frozen=True, slots=True)
class BitLayout:
    """The layout of one bit width.

    Args:
        codes_per_index: codes that share an index; the first one is its most significant digit.
        high_fields: widths of the fields above the low byte, from low to high.
    """

    codes_per_index: int
    high_fields: tuple[int, ...] = ()

    @property
    def index_multiple(self) -> int:
        """The number of indices is padded to a multiple of this, so that every field fills its bytes."""
        return max((8 // field for field in self.high_fields), default=1)

    def num_indices(self, count: Count) -> Count:
        """How many indices `count` codes take, with padding."""
        needed = -(-count // self.codes_per_index)
        return -(-needed // self.index_multiple) * self.index_multiple


LAYOUTS = {
    2: BitLayout(4),
    3: BitLayout(4, (4,)),
    4: BitLayout(2),
    5: BitLayout(2, (2,)),
    6: BitLayout(2, (4,)),
    7: BitLayout(2, (4, 2)),
}


def packed_arrays(count: Count, bits: int) -> tuple[Count, ...]:
    """Bytes of each array that `count` codes of `bits` bits take; from 8 bits on they are stored as they are.

    Args:
        count: of one tensor, or of many at once.
        bits: of each code.

    >>> packed_arrays(1024, 3)
    (256, 128)
    """
    if bits >= WHOLE_BYTE:
        return (count * (-(-bits // 8)),)
    layout = LAYOUTS[bits]
    indices = layout.num_indices(count)
    arrays = [indices]
    for field in layout.high_fields:
        arrays.append(indices * field // 8)
    return tuple(arrays)
