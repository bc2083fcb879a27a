"""Standard ONNX operators that turn packed bytes back into weights when the file is opened.

Everything depends on constants only, so ONNX Runtime folds it all at load and then runs the dense float
graph. ONNX Runtime keeps every folded intermediate until the pass is over, so they are kept few and
narrow: indices for several codes at once, codes in int8, floats only for the last two steps.

Needs opset 8 (Expand), with masks opset 11 (CumSum). Look-ups are by Gather; no bit operators.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
from onnx import TensorProto, helper

from workbench.engine.compress.storage.bit_fields import pack_codes, pack_mask, signed_levels
from workbench.engine.compress.storage.node_list import NodeList
from workbench.engine.compress.weights.affine import QuantParams
from workbench.engine.compress.weights.weight_rows import WeightRows
from workbench.engine.core.bit_layout import LAYOUTS, WHOLE_BYTE
from workbench.engine.core.footprint import BEFORE_SLICE_INPUTS
from workbench.engine.core.granularity import PerGroup

MASK_BITS = 1


@dataclass
class LookUpTables:
    """The tables that layers share: built once per model and bit width, in the model itself.

    Args:
        nodes: where the tables' nodes go; they come before every layer's.
    """

    nodes: NodeList
    _names: dict[tuple[int, int], str] = field(default_factory=dict)

    def codes(self, bits: int) -> str:
        """Index → its codes as signed levels: int8, shape (2^(bits · codes), codes)."""
        return self._made((bits, 0), lambda: self._code_table(bits))

    def mask(self) -> str:
        """Byte → its eight bits: bool, shape (256, 8)."""
        nibbles = np.unpackbits(np.arange(16, dtype=np.uint8)[:, None], axis=1)[:, 4:].astype(np.bool_)
        return self._made((MASK_BITS, 0), lambda: self._pairs(nibbles))

    def high_field(self, width: int, shift: int) -> str:
        """Byte → its fields of `width` bits, shifted to their place: int32, shape (256, 8 / width)."""
        if width == 4:
            return self._made((width, shift), lambda: self._pairs(np.arange(16, dtype=np.int32)[:, None] << shift))
        twos = np.stack([np.arange(16) >> 2, np.arange(16) & 3], axis=1).astype(np.int32)
        return self._made((width, shift), lambda: self._pairs(twos << shift))

    def _code_table(self, bits: int) -> str:
        levels = signed_levels(bits)
        if LAYOUTS[bits].codes_per_index == 2:
            return self._pairs(levels[:, None])
        first, second = np.meshgrid(levels, levels, indexing="ij")
        return self._pairs(np.stack([first.reshape(-1), second.reshape(-1)], axis=1))

    def _made(self, key: tuple[int, int], make: Callable[[], str]) -> str:
        if key not in self._names:
            self._names[key] = make()
        return self._names[key]

    def _pairs(self, table: npt.NDArray[np.generic]) -> str:
        """Every pair of rows, one after the other: (m, k) → (m², 2k). A table of 16 kB from 128 bytes."""
        count, width = table.shape
        nodes = self.nodes
        first = nodes.add("Expand", nodes.constant(table[:, None]), nodes.shape(count, count, width))
        second = nodes.add("Transpose", first, perm=[1, 0, 2])
        pairs = nodes.add("Concat", first, second, axis=2)
        return nodes.add("Reshape", pairs, nodes.shape(count * count, 2 * width))


def add_codes(
    nodes: NodeList, tables: LookUpTables, codes: npt.NDArray[np.int32], bits: int, *, opset: int, trimmed: bool = True
) -> str:
    """Nodes that give the codes back as signed levels, int8, flat or with a first axis more.

    Args:
        nodes: where they are added.
        tables: the model's tables.
        codes: flat, as signed levels −2^(bits−1) … 2^(bits−1)−1.
        bits: 2 to 8, or 16.
        opset: of the model.
        trimmed: cut off what fills the last index.

    Returns:
        Name of an int8 tensor with `codes.size` elements, or a few more; int16 for 16 bits.
    """
    if bits not in LAYOUTS:
        return nodes.constant(codes.astype(container(bits)))
    layout = LAYOUTS[bits]
    low, *high = pack_codes(codes & ((1 << bits) - 1), bits)
    index = nodes.add("Cast", nodes.constant(low), to=TensorProto.INT32)
    shift = 8
    for width, array in zip(layout.high_fields, high, strict=True):
        field_index = nodes.add("Cast", nodes.constant(array), to=TensorProto.INT32)
        parts = nodes.add("Gather", tables.high_field(width, shift), field_index, axis=0)
        index = nodes.add("Add", index, nodes.add("Reshape", parts, nodes.shape(-1)))
        shift += width
    unpacked = nodes.add("Gather", tables.codes(bits), index, axis=0)
    if not trimmed or low.size * layout.codes_per_index == codes.size:
        return unpacked
    return _first(nodes, nodes.add("Reshape", unpacked, nodes.shape(-1)), codes.size, opset, axis=0)


def add_scattered(
    nodes: NodeList, tables: LookUpTables, values: str, mask: npt.NDArray[np.bool_], dtype: int, *, opset: int
) -> str:
    """Nodes that put the values where the mask is set, and zeros elsewhere.

    Args:
        nodes: where they are added.
        tables: the model's tables.
        values: name of the tensor of kept values, in order; what follows them is not read.
        mask: flat; which weights are kept.
        dtype: ONNX element type of the values.
        opset: of the model.

    Returns:
        Name of a flat tensor with exactly `mask.size` elements.
    """
    byte_index = nodes.add("Cast", nodes.constant(pack_mask(mask)), to=TensorProto.INT32)
    bits = nodes.add("Reshape", nodes.add("Gather", tables.mask(), byte_index, axis=0), nodes.shape(-1))
    # The running count of kept weights is, where a weight is kept, one more than its place among the values.
    count = nodes.add("CumSum", nodes.add("Cast", bits, to=TensorProto.INT32), nodes.constant(np.array(0, np.int32)))
    zero = nodes.add("ConstantOfShape", nodes.shape(1), value=helper.make_tensor("", dtype, [1], [0]))
    row = nodes.add("Concat", zero, nodes.add("Reshape", values, nodes.shape(-1)), axis=0)
    spread = nodes.add("Where", bits, nodes.add("Gather", row, count, axis=0), zero)
    return spread if mask.size % 8 == 0 else _first(nodes, spread, mask.size, opset, axis=0)


def add_dequantized(
    nodes: NodeList, levels: str, params: QuantParams, rows: WeightRows, *, opset: int, output: str
) -> str:
    """Nodes for (level − zero point) · scale, in the weight's shape; named `output`."""
    grouped = isinstance(rows.granularity, PerGroup)
    ragged = grouped and rows.num_groups * rows.group_size != rows.view[1]
    if grouped and not ragged:
        outer, _, inner = rows.view
        shape: tuple[int, ...] = (outer, rows.num_groups, rows.group_size, inner)
    else:
        shape = rows.shape
    real = nodes.add("Cast", nodes.add("Reshape", levels, nodes.shape(*shape)), to=TensorProto.FLOAT)
    if not params.signed:
        # Levels are codes − 2^(b−1), and so are the zero points: both fit as signed, their difference is the same.
        shifted = (params.zero_point - (1 << (params.num_bits - 1))).astype(container(params.num_bits))
        zero_point = nodes.add("Cast", _per_weight(nodes, shifted, rows, ragged, opset), to=TensorProto.FLOAT)
        real = nodes.add("Sub", real, zero_point)
    scale = _per_weight(nodes, params.scale, rows, ragged, opset)
    if shape == rows.shape:
        return nodes.add("Mul", real, scale, output=output)
    return nodes.add("Reshape", nodes.add("Mul", real, scale), nodes.shape(*rows.shape), output=output)


def container(bits: int) -> type[np.signedinteger]:
    """The smallest whole signed type that holds levels of so many bits."""
    return np.int8 if bits <= WHOLE_BYTE else np.int16


def _per_weight(nodes: NodeList, per_scale: npt.NDArray[np.generic], rows: WeightRows, ragged: bool, opset: int) -> str:
    """One value a scale, in a shape that broadcasts against the weights."""
    if not isinstance(rows.granularity, PerGroup):
        return nodes.constant(per_scale.reshape(rows.scale_shape))
    outer, length, inner = rows.view
    grouped = nodes.constant(per_scale.reshape(outer, rows.num_groups, 1, inner))
    if not ragged:
        return grouped
    full = rows.num_groups * rows.group_size
    spread = nodes.add("Expand", grouped, nodes.shape(outer, rows.num_groups, rows.group_size, inner))
    flat = nodes.add("Reshape", spread, nodes.shape(outer, full, inner))
    return nodes.add("Reshape", _first(nodes, flat, length, opset, axis=1), nodes.shape(*rows.shape))


def _first(nodes: NodeList, tensor: str, count: int, opset: int, *, axis: int) -> str:
    """The first `count` elements along an axis."""
    if opset <= BEFORE_SLICE_INPUTS:
        return nodes.add("Slice", tensor, starts=[0], ends=[count], axes=[axis])
    return nodes.add("Slice", tensor, nodes.shape(0), nodes.shape(count), nodes.shape(axis))
