"""The nodes that write one compressed weight tensor in the fewest bytes."""

import numpy as np
import numpy.typing as npt
from onnx import TensorProto, helper

from workbench.engine.compress.storage.node_list import NodeList
from workbench.engine.compress.storage.unpack_nodes import LookUpTables, add_codes, add_dequantized, add_scattered
from workbench.engine.compress.weights.compressed_weight import CompressedWeight
from workbench.engine.compress.weights.weight_rows import WeightRows
from workbench.engine.core.bit_layout import HALF_BYTE, WHOLE_BYTE
from workbench.engine.core.footprint import Encoding, Storage
from workbench.engine.core.granularity import PerChannel, PerGroup

# Those that all versions of onnxruntime have a kernel of Where for.
_SCATTERED_TYPES = (TensorProto.FLOAT, TensorProto.DOUBLE)
# No integer kernel reads four-bit codes, so nothing is gained by other ones than the standard's.
_INT4 = Storage(Encoding.PLAIN, HALF_BYTE)
# One int8 code a weight needs no unpacking.
_AS_THEY_ARE = (Storage(Encoding.BITS, WHOLE_BYTE), Storage(Encoding.PLAIN, WHOLE_BYTE))


def add_weight(
    nodes: NodeList,
    tables: LookUpTables,
    weight: CompressedWeight,
    storage: Storage,
    *,
    opset: int,
    dtype: int,
    output: str,
    as_codes: bool = False,
) -> None:
    """Add the nodes and initializers that give the weight, named `output`.

    Args:
        nodes: where they are added.
        tables: the model's shared tables.
        weight: what is to be stored.
        storage: one of its `possible_storages`.
        opset: of the model.
        dtype: ONNX element type that the weight's reader expects.
        output: name of the tensor that the weight's reader reads.
        as_codes: end in 8-bit codes and DequantizeLinear, which onnxruntime makes integer kernels of, instead of
            in floats.
    """
    if as_codes and storage != _INT4:
        _add_integer(nodes, tables, weight, storage, opset, output)
        return
    if storage.bits is None:
        _add_floats(nodes, tables, weight, storage, opset=opset, dtype=dtype, output=output)
        return
    last = output if dtype == TensorProto.FLOAT else ""
    if storage.encoding is Encoding.PLAIN:
        assert storage.bits is not None
        made = _add_plain(nodes, weight, storage.bits, last)
    else:
        made = _add_packed(nodes, tables, weight, storage, opset, last)
    if not last:
        nodes.add("Cast", made, to=dtype, output=output)


def _add_floats(
    nodes: NodeList,
    tables: LookUpTables,
    weight: CompressedWeight,
    storage: Storage,
    *,
    opset: int,
    dtype: int,
    output: str,
) -> None:
    """All values, or a mask and the values that it leaves; cast where they are read in another element type."""
    values = _stored_values(weight, dtype)
    stored = int(helper.np_dtype_to_tensor_dtype(values.dtype))
    if storage.encoding is Encoding.DENSE:
        made = nodes.constant(values, name=output if stored == dtype else "")
        if stored != dtype:
            nodes.add("Cast", made, to=dtype, output=output)
        return
    mask = _stored_mask(weight)
    kept = nodes.constant(values.reshape(-1)[mask])
    if stored not in _SCATTERED_TYPES:
        kept, stored = nodes.add("Cast", kept, to=TensorProto.FLOAT), TensorProto.FLOAT
    scattered = add_scattered(nodes, tables, kept, mask, stored, opset=opset)
    last = output if stored == dtype else ""
    made = nodes.add("Reshape", scattered, nodes.shape(*weight.rows.shape), output=last)
    if not last:
        nodes.add("Cast", made, to=dtype, output=output)


def _stored_values(weight: CompressedWeight, dtype: int) -> npt.NDArray[np.floating]:
    """The values in their own element type, or in that of the reader where it takes fewer bytes."""
    values = weight.dense() if weight.values is None else weight.values
    read = np.dtype(helper.tensor_dtype_to_np_dtype(dtype))
    return values.astype(read) if read.itemsize < values.dtype.itemsize else values


def _add_packed(
    nodes: NodeList, tables: LookUpTables, weight: CompressedWeight, storage: Storage, opset: int, output: str
) -> str:
    assert weight.params is not None
    codes = _add_levels(nodes, tables, weight, storage, opset)
    return add_dequantized(nodes, codes, weight.params, weight.rows, opset=opset, output=output)


def _add_levels(nodes: NodeList, tables: LookUpTables, weight: CompressedWeight, storage: Storage, opset: int) -> str:
    """The codes as signed levels, flat or with a first axis more."""
    assert storage.bits is not None
    if storage.encoding is Encoding.BITS:
        return add_codes(nodes, tables, weight.levels, storage.bits, opset=opset)
    mask = _stored_mask(weight)
    kept = add_codes(nodes, tables, weight.levels[mask], storage.bits, opset=opset, trimmed=False)
    if storage.bits <= WHOLE_BYTE:
        return add_scattered(nodes, tables, kept, mask, TensorProto.INT8, opset=opset)
    # onnxruntime has no kernel of Where for int16; float32 holds such numbers exactly.
    kept = nodes.add("Cast", kept, to=TensorProto.FLOAT)
    return add_scattered(nodes, tables, kept, mask, TensorProto.FLOAT, opset=opset)


def _add_integer(
    nodes: NodeList, tables: LookUpTables, weight: CompressedWeight, storage: Storage, opset: int, output: str
) -> None:
    """Codes that are unpacked to int8 when the file is opened, and the scales that make them weights."""
    assert weight.params is not None
    shape, bits = weight.rows.shape, weight.params.num_bits
    if storage in _AS_THEY_ARE:
        codes = nodes.constant(weight.levels.astype(np.int8).reshape(shape))
    else:
        codes = nodes.add("Reshape", _add_levels(nodes, tables, weight, storage, opset), nodes.shape(*shape))
    # Levels are codes less half their number, and so are the zero points.
    offset = 0 if weight.params.signed else 1 << (bits - 1)
    zero = (weight.params.zero_point - offset).astype(np.int8)
    one_scale = weight.rows.num_scales == 1 and not weight.rows.scale_shape
    layout: tuple[int, ...] = () if one_scale else (-1,)
    attributes = {} if one_scale else {"axis": weight.rows.axis}
    scale = nodes.constant(weight.params.scale.reshape(layout))
    nodes.add("DequantizeLinear", codes, scale, nodes.constant(zero.reshape(layout)), output=output, **attributes)


def _stored_mask(weight: CompressedWeight) -> npt.NDArray[np.bool_]:
    """The mask that is written: flat, with one weight at least, since tensors without elements are fragile."""
    assert weight.kept is not None
    mask = weight.kept.reshape(-1)
    if not mask.any():
        mask = mask.copy()
        mask[0] = True
    return mask


def _add_plain(nodes: NodeList, weight: CompressedWeight, bits: int, output: str) -> str:
    """A standard container and DequantizeLinear, which other tools read."""
    assert weight.codes is not None
    assert weight.params is not None
    signed, rows = weight.params.signed, weight.rows
    shape, attributes = _plain_scales(rows)
    # DequantizeLinear has scales along one axis: channels that two axes list are listed by one meanwhile.
    is_by_channel = isinstance(rows.granularity, PerChannel)
    has_two_axes = is_by_channel and len(rows.channel_axes) > 1 and rows.num_scales > rows.shape[rows.axis]
    codes = _add_container(
        nodes, weight.codes.reshape(rows.num_scales, -1) if has_two_axes else weight.codes, bits, signed=signed
    )
    scale = nodes.constant(weight.params.scale.reshape(shape))
    zero = _add_container(nodes, weight.params.zero_point.reshape(shape), bits, signed=signed)
    if not has_two_axes:
        return nodes.add("DequantizeLinear", codes, scale, zero, output=output, **attributes)
    real = nodes.add("DequantizeLinear", codes, scale, zero, axis=0)
    return nodes.add("Reshape", real, nodes.shape(*rows.shape), output=output)


def _add_container(nodes: NodeList, codes: npt.NDArray[np.int32], bits: int, *, signed: bool) -> str:
    if bits == HALF_BYTE:
        return nodes.nibbles(codes, signed=signed)
    return nodes.constant(codes.astype(np.int8 if signed else np.uint8))


def _plain_scales(rows: WeightRows) -> tuple[tuple[int, ...], dict[str, object]]:
    """The shape in which DequantizeLinear takes the scales, and the attributes that say so."""
    if rows.num_scales == 1:
        return (), {}
    if not isinstance(rows.granularity, PerGroup):
        return (-1,), {"axis": rows.axis}
    # The plan leaves alone what has none.
    assert rows.blocks is not None
    return rows.blocks.shape, {"axis": rows.blocks.axis, "block_size": rows.blocks.size}
