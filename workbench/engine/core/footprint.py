"""How many bytes a weight tensor takes on disk in each encoding.

The packer chooses by this arithmetic and the window previews by it, so both say the same. The part
that does not depend on the settings' payload (node and tensor headers) is given, per layer, by whoever
can build the real nodes.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from workbench.engine.core.bit_layout import packed_bytes


class Encoding(StrEnum):
    """How a weight tensor is written.

    DENSE: float values as they are. BITS: b bits a weight. MASK: one bit a weight, and the values
    that are not zero, in b bits or as floats. PLAIN: the standard int8 container and DequantizeLinear.
    """

    DENSE = "dense"
    BITS = "bits"
    MASK = "mask"
    PLAIN = "plain"


@dataclass(frozen=True, slots=True)
class TensorShape:
    """What the size of an encoded tensor depends on.

    Args:
        num_weights: number of weights.
        num_kept: weights that pruning left; at least 1.
        bits: 2 to 8; None for float.
        num_scales: float32 scales; 0 for float.
        symmetric: without zero points, which take one byte a scale.
    """

    num_weights: int
    num_kept: int
    bits: int | None
    num_scales: int = 0
    symmetric: bool = True


def payload_bytes(encoding: Encoding, tensor: TensorShape) -> int:
    """Bytes of weights, mask, scales and zero points, without headers.

    >>> payload_bytes(Encoding.BITS, TensorShape(num_weights=1000, num_kept=1000, bits=3, num_scales=10))
    415
    """
    scales = tensor.num_scales * (4 if tensor.symmetric else 5)
    if encoding is Encoding.DENSE:
        return 4 * tensor.num_weights
    if encoding is Encoding.PLAIN:
        return tensor.num_weights + scales
    if encoding is Encoding.BITS:
        return packed_bytes(tensor.num_weights, tensor.bits or 32) + scales
    values = packed_bytes(tensor.num_kept, tensor.bits) if tensor.bits else 4 * tensor.num_kept
    return -(-tensor.num_weights // 8) + values + scales


def smallest_encoding(
    tensor: TensorShape, overhead: Mapping[Encoding, int], *, plain: bool = False
) -> tuple[Encoding, int]:
    """The encoding with the fewest bytes, and how many those are with headers.

    Args:
        tensor: what is to be stored.
        overhead: bytes of headers by encoding; an encoding that is missing cannot be used.
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
        (overhead[candidate] + payload_bytes(candidate, tensor), candidate)
        for candidate in candidates
        if candidate in overhead
    ]
    size, encoding = min(sizes, key=lambda item: item[0])
    return encoding, size
