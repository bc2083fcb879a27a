"""Patterns in which weights become zero: N of every M stay, or whole blocks go. How many, is arithmetic on shapes."""

import math
import re
from dataclasses import dataclass

from workbench.engine.core.layer import Layer
from workbench.engine.core.recipe import Prune


@dataclass(frozen=True, slots=True)
class KeptOfEvery:
    """The `kept` largest of every `size` weights in a row along the input channels stay.

    For each output channel and each place in the kernel by itself, as NVIDIA's sparse tensor cores want 2:4.

    Source: Mishra et al. 2021 (arXiv:2104.08378), section 3; TensorRT developer guide, "Structured Sparsity".
    """

    kept: int
    size: int

    def __str__(self) -> str:
        """The word a recipe uses."""
        return f"{self.kept}:{self.size}"


@dataclass(frozen=True, slots=True)
class Blocks:
    """Whole blocks of weights become zero, those of the smallest L2 norm.

    Args:
        rows: output channels of a block.
        columns: input channels of a block; a block lies at one place of the kernel.
        sparsity: fraction of all weights to be zero, 0…1.
    """

    rows: int
    columns: int
    sparsity: float

    def __str__(self) -> str:
        """The word a recipe uses; the sparsity stands beside it."""
        return f"{self.rows}x{self.columns}"


WeightPattern = KeptOfEvery | Blocks


def parse_pattern(text: str, sparsity: float | None) -> WeightPattern:
    """The pattern that a recipe's words name.

    >>> parse_pattern("2:4", None)
    KeptOfEvery(kept=2, size=4)
    >>> str(parse_pattern("block:4x1", 0.5))
    '4x1'

    Args:
        text: "2:4", or "4x1" for blocks of 4 output channels and 1 input channel, also as "block:4x1".
        sparsity: what stands beside it: needed for blocks, None for N:M, which says itself how many go.

    Raises:
        ValueError: there is no such pattern, or the sparsity is missing or too much.
    """
    every = re.fullmatch(r"(\d{1,4}):(\d{1,4})", text)
    if every is not None and 0 < int(every[1]) <= int(every[2]):
        if sparsity is not None:
            raise ValueError(f"pattern {text} says itself how many weights go; leave sparsity out")
        return KeptOfEvery(int(every[1]), int(every[2]))
    block = re.fullmatch(r"(?:block:)?(\d{1,4})x(\d{1,4})", text)
    if block is not None and int(block[1]) > 0 < int(block[2]):
        if sparsity is None:
            raise ValueError(f"pattern {text} says nothing of how many blocks go; give sparsity")
        return Blocks(int(block[1]), int(block[2]), sparsity)
    raise ValueError(f"pattern cannot be {text!r}")


def pattern_of(prune: Prune) -> WeightPattern | None:
    """The pattern that a pruning asks for, if any. Raises ValueError if it names none."""
    return None if prune.pattern is None else parse_pattern(prune.pattern, prune.sparsity)


def input_axis(layer: Layer) -> int | None:
    """The axis of the weight that lists input channels, whose products are summed; None if there is none.

    Conv weights are (C_out, C_in, …), those of ConvTranspose (C_in, C_out, …), a MatMul's (…, C_in, C_out).
    """
    ndim = len(layer.weight_shape)
    if layer.axis is None or ndim < 2:
        return None
    if layer.op_type == "ConvTranspose":
        return 0
    return layer.axis + 1 if layer.axis + 1 < ndim else layer.axis - 1


def num_zeros(pattern: WeightPattern, layer: Layer) -> int:
    """How many weights of a layer the pattern zeroes; channels that fill no whole run or block stay."""
    _, columns = _channels(layer)
    if not columns:
        return 0
    if isinstance(pattern, KeptOfEvery):
        return layer.num_weights // columns * (columns // pattern.size) * (pattern.size - pattern.kept)
    return num_blocks(pattern, layer) * pattern.rows * pattern.columns


def num_blocks(pattern: Blocks, layer: Layer) -> int:
    """How many blocks of a layer become zero."""
    rows, columns = _channels(layer)
    places = layer.num_weights // max(1, rows * columns)
    whole = places * (rows // pattern.rows) * (columns // pattern.columns)
    return min(whole, round(pattern.sparsity * layer.num_weights / (pattern.rows * pattern.columns)))


def pattern_remainder(pattern: WeightPattern, layer: Layer) -> str:
    """Which weights the pattern leaves alone because they fill no whole run or block, in words; empty if none."""
    rows, columns = _channels(layer)
    width, height = (pattern.size, 1) if isinstance(pattern, KeptOfEvery) else (pattern.columns, pattern.rows)
    left = [
        f"{f'the last {count % size} of' if count > size else 'all'} {count} {kind} channels"
        for count, size, kind in ((rows, height, "output"), (columns, width, "input"))
        if count % size
    ]
    return f"{' and '.join(left)} stay: they do not fill {pattern}" if left else ""


def _channels(layer: Layer) -> tuple[int, int]:
    """Output and input channels as the weight lists them; zeros where it lists none."""
    axis = input_axis(layer)
    if axis is None or layer.axis is None or math.prod(layer.weight_shape) == 0:
        return 0, 0
    if layer.op_type == "ConvTranspose" and layer.weight_shape[1] == 1:
        # It may be depthwise: what lies along its first axis is then not summed.
        return 0, 0
    return layer.weight_shape[layer.axis], layer.weight_shape[axis]
