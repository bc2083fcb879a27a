"""One operator as a runtime runs it: normalization folded, activation fused, and what it costs follows from that."""

import math
from dataclasses import dataclass
from enum import StrEnum

Shape = tuple[int, ...]


class Kind(StrEnum):
    """Operators that cost alike."""

    CONV = "conv"
    DEPTHWISE = "depthwise"
    GROUPED = "grouped"
    TRANSPOSED = "transposed"
    FULLY_CONNECTED = "fully connected"
    ATTENTION = "attention"
    POOL = "pool"
    GLOBAL_POOL = "global pool"
    ELEMENTWISE = "elementwise"
    MOVE = "move"
    EXPONENTIAL = "exponential"
    NORM = "norm"
    REDUCTION = "reduction"


WEIGHTED = frozenset((Kind.CONV, Kind.DEPTHWISE, Kind.GROUPED, Kind.TRANSPOSED, Kind.FULLY_CONNECTED))


@dataclass(frozen=True, slots=True)
class Operator:
    """One step of a runtime.

    Args:
        name: of the layer or the node's output.
        op_type: of the node.
        kind: what costs alike.
        inputs, outputs: shapes without the batch, channels first.
        kernel: rows and columns; (1, 1) for matrix products.
        stride: of rows and columns.
        groups: of channels.
        macs: multiply-adds at batch 1.
        num_params: weights and biases.
        is_int8: whether it computes on integers.
    """

    name: str
    op_type: str
    kind: Kind
    inputs: tuple[Shape, ...]
    outputs: tuple[Shape, ...]
    kernel: tuple[int, int] = (1, 1)
    stride: tuple[int, int] = (1, 1)
    groups: int = 1
    macs: int = 0
    num_params: int = 0
    is_int8: bool = False

    @property
    def in_size(self) -> int:
        """Numbers that are read, without weights."""
        return sum(math.prod(shape) for shape in self.inputs)

    @property
    def out_size(self) -> int:
        """Numbers that are written."""
        return sum(math.prod(shape) for shape in self.outputs)

    @property
    def in_channels(self) -> int:
        """Channels of the first input; 1 if it has none."""
        return self.inputs[0][0] if self.inputs and self.inputs[0] else 1

    @property
    def out_channels(self) -> int:
        """Channels of the first output."""
        return self.outputs[0][0] if self.outputs[0] else 1

    @property
    def out_positions(self) -> int:
        """Places of the output that share the weights."""
        return math.prod(self.outputs[0][1:])

    @property
    def in_positions(self) -> int:
        """Places of the first input."""
        return math.prod(self.inputs[0][1:])
