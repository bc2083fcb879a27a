"""Bytes of headers that each encoding of a layer's weight adds, found by building the real nodes once."""

import contextlib
import math
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import lru_cache

import numpy as np
import onnx
from onnx import TensorProto, helper

from workbench.engine.compress.storage.node_list import NodeList
from workbench.engine.compress.storage.packing import add_weight
from workbench.engine.compress.storage.replaced_weights import count_reads, drop_unread_constants
from workbench.engine.compress.storage.unpack_nodes import LookUpTables, add_codes, add_scattered
from workbench.engine.compress.weights.compressed_layer import compress_weight
from workbench.engine.compress.weights.compressed_weight import CompressedWeight
from workbench.engine.compress.weights.weight_rows import layer_rows
from workbench.engine.core.bit_layout import LAYOUTS
from workbench.engine.core.errors import ModelError
from workbench.engine.core.footprint import (
    BEFORE_SLICE_INPUTS,
    BLOCKS_OPSET,
    CHANNELS_OPSET,
    CONTAINER_OPSET,
    Encoding,
    FloatFormat,
    HeaderKey,
    Headers,
    HeaderSize,
    ScaleLayout,
    Storage,
    TableKey,
    has_padded_codes,
    has_padded_mask,
    header_keys,
    payload_bytes,
    tables_of,
)
from workbench.engine.core.granularity import PerChannel
from workbench.engine.core.layer import Layer
from workbench.engine.core.recipe import WeightSettings
from workbench.engine.core.reports import LayerFootprint, ModelFootprint
from workbench.engine.graph.model import Model, item_bytes
from workbench.engine.graph.opset import opset_of, raised
from workbench.engine.graph.save import serialize

_GRANULARITY = {
    ScaleLayout.TENSOR: "per_tensor",
    ScaleLayout.CHANNEL: "per_channel",
    # Rows of 4 or 16 weights: groups of two divide them, groups of three do not.
    ScaleLayout.GROUP: "per_group_2",
    ScaleLayout.RAGGED: "per_group_3",
}
# Those that `opset_needed` gives, each a step from the one before.
_OPSETS = (8, CONTAINER_OPSET, 11, CHANNELS_OPSET, BLOCKS_OPSET)
_PREFIX = "wb0_"
_LONG_AXES = 3
_LEAST_BLOCK_AXES = 2
_MANY = 2
_NAME = "weight"


def model_footprint(model: Model) -> ModelFootprint:
    """What size previews need of a model. Takes writing the model in memory twice."""
    proto = model.to_proto()
    unchanged = len(serialize(proto))
    rewritten: dict[int, int] = {}
    goes_away: Mapping[str, int] = {}
    for opset in _OPSETS:
        # Writing any compressed weight also drops what nothing reads, and makes initializers constant.
        # What cannot be raised cannot be written either: the build says so.
        with contextlib.suppress(ModelError):
            proto = raised(proto, opset)
            drop_unread_constants(proto.graph)
        rewritten[opset] = int(proto.ByteSize())
        if opset == CHANNELS_OPSET:
            goes_away = _bytes_of_roots(proto.graph, model)
    goes_away_raised = _bytes_of_roots(proto.graph, model)
    layers = []
    for number, layer in enumerate(model.info.layers):
        chain = model.found[layer.name].chain
        if layer.editable and chain is not None:
            types = model.weight_dtype(layer.name), model.stored_dtype(layer.name)
            entry = _layer_footprint(layer, number, goes_away.get(chain.root, 0), *types)
            layers.append(replace(entry, raised_bytes=goes_away_raised.get(chain.root, 0)))
    return ModelFootprint(
        unchanged, rewritten, tuple(layers), _shared_overhead(), model.info.opset, largest_opset=opset_of(proto)
    )


def _layer_footprint(layer: Layer, number: int, original_bytes: int, dtype: int, stored: int) -> LayerFootprint:
    rows = layer_rows(layer, PerChannel())
    outer, length, inner = rows.view
    return LayerFootprint(
        layer=layer.name,
        number=number,
        original_bytes=original_bytes,
        # What is cast may be stored in fewer bytes than the layer has now.
        headers=_headers(
            len(layer.weight_shape),
            dtype,
            stored if stored != dtype else TensorProto.FLOAT16,
            num_stacks=min(_MANY, math.prod(layer.weight_shape[: layer.axis])) if layer.is_stacked else 0,
        ),
        fixed_bytes=len(layer.weight_name.encode()),
        num_channels=rows.num_scales,
        num_rows=outer * inner,
        row_length=length,
        stored_floats=FloatFormat(item_bytes(stored), is_cast=stored != dtype),
        read_floats=FloatFormat(item_bytes(dtype)),
    )


def _bytes_of_roots(graph: onnx.GraphProto, model: Model) -> Mapping[str, int]:
    """What goes away with each stored weight that only editable layers read, by its name."""
    reads = count_reads(graph)
    stored = {tensor.name: _size(tensor) for tensor in graph.initializer}
    stored |= {node.output[0]: _size(node) for node in graph.node if node.op_type == "Constant" and node.output}
    described = {info.name: _size(info) for info in graph.value_info}
    readers: dict[str, set[tuple[str, int]]] = {}
    parts: dict[str, dict[str, int]] = {}
    for layer in model.info.layers:
        chain = model.found[layer.name].chain
        if not layer.editable or chain is None:
            continue
        reader = (chain.nodes[0].output[0], 0) if chain.nodes else (layer.node_output, layer.place)
        readers.setdefault(chain.root, set()).add(reader)
        of_root = parts.setdefault(chain.root, {chain.root: stored.get(chain.root, 0)})
        of_root[f"description of {layer.weight_name}"] = described.get(layer.weight_name, 0)
        for node in chain.nodes:
            of_root[node.output[0]] = _size(node)
            # The shape that a Reshape asks for.
            of_root |= {name: stored.get(name, 0) for name in node.input[1:] if reads[name] == 1}
    return {root: sum(parts[root].values()) for root, found in readers.items() if reads[root] <= len(found)}


def _shared_overhead() -> dict[TableKey, int]:
    """Bytes of each look-up table that layers share."""
    makers: dict[TableKey, Callable[[LookUpTables], str]] = {("mask", 1, 0): LookUpTables.mask}
    for bits in LAYOUTS:
        for key in tables_of(Storage(Encoding.BITS, bits)):
            makers[key] = _maker(key)
    sizes = {}
    for key, make in makers.items():
        nodes = NodeList("wbt", ())
        make(LookUpTables(nodes))
        sizes[key] = _total(nodes)
    return sizes


def _maker(key: TableKey) -> Callable[[LookUpTables], str]:
    kind, width, shift = key
    if kind == "codes":
        return lambda tables: tables.codes(width)
    return lambda tables: tables.high_field(width, shift)


@lru_cache(maxsize=16)
def _headers(num_dims: int, dtype: int, cast_from: int, *, num_stacks: int = 0) -> Headers:
    """Headers of weights with so many axes: those of a small weight, less what it holds.

    Args:
        num_dims: number of axes.
        dtype: ONNX element type that the layer reads.
        cast_from: that of floats which are stored in another one.
        num_stacks: directions of a recurrent node, two for any more; 0 for other weights.
    """
    codes_trim = _difference(_built_codes(15), _built_codes(16))
    mask_trim = _difference(_built_mask(15), _built_mask(16))
    untrimmed = Headers({}, codes_trim, mask_trim)
    sizes = {
        key: _measured(
            key, _small_weight(key, num_dims, cast_from if key.is_cast else dtype, num_stacks), dtype, untrimmed
        )
        for key in header_keys()
    }
    old_slice = _difference(_built_codes(15), _built_codes(15, opset=BEFORE_SLICE_INPUTS))
    return Headers(sizes, codes_trim, mask_trim, old_slice)


def _small_weight(key: HeaderKey, num_dims: int, stored: int, num_stacks: int) -> CompressedWeight:
    # No longer with more axes: a stranger's model may have many.
    shape = tuple(4 if axis < _LONG_AXES else 1 for axis in range(num_dims))
    is_stacked = num_stacks > 0
    if is_stacked:
        shape = (num_stacks, *shape[1:])
    weight = np.linspace(-1, 1, math.prod(shape), dtype=np.float32).reshape(shape)
    kept = np.abs(weight) >= 0.5 if key.encoding is Encoding.MASK else None
    if key.bits is None:
        return compress_weight(weight.astype(helper.tensor_dtype_to_np_dtype(stored)), 0, kept, None)
    # A vector has no rows that a standard container could lay out in blocks: no plan asks for that.
    has_no_blocks = key.encoding is Encoding.PLAIN and num_dims < _LEAST_BLOCK_AXES
    scales = ScaleLayout.TENSOR if has_no_blocks and key.scales is ScaleLayout.GROUP else key.scales
    axis = 1 if is_stacked else 0
    settings = WeightSettings(key.bits, granularity=_GRANULARITY[scales], symmetric=key.symmetric)
    return compress_weight(weight, axis, kept, settings, is_stacked=is_stacked)


def _measured(key: HeaderKey, weight: CompressedWeight, dtype: int, trims: Headers) -> HeaderSize:
    nodes, storage = NodeList(_PREFIX, ()), Storage(key.encoding, key.bits)
    tables = LookUpTables(NodeList("wbt", ()))
    add_weight(nodes, tables, weight, storage, opset=13, dtype=dtype, output=_NAME)
    found, tensor = _header_size(nodes), weight.tensor_shape
    num_bytes = found.num_bytes - len(_NAME) - payload_bytes(storage, tensor)
    num_names = found.num_names
    for is_there, trim in (
        (has_padded_codes(storage, tensor), trims.codes_trim),
        (has_padded_mask(storage, tensor), trims.mask_trim),
    ):
        if is_there:
            num_bytes, num_names = num_bytes - trim.num_bytes, num_names - trim.num_names
    return HeaderSize(num_bytes, num_names)


def _built_codes(count: int, *, opset: int = 13) -> HeaderSize:
    """Of nodes for so many codes of four bits."""
    nodes = NodeList(_PREFIX, ())
    add_codes(nodes, LookUpTables(NodeList("wbt", ())), np.zeros(count, np.int32), 4, opset=opset)
    return _header_size(nodes)


def _built_mask(count: int) -> HeaderSize:
    nodes = NodeList(_PREFIX, ())
    mask = np.ones(count, np.bool_)
    add_scattered(nodes, LookUpTables(NodeList("wbt", ())), "w", mask, TensorProto.INT8, opset=13)
    return _header_size(nodes)


def _header_size(nodes: NodeList) -> HeaderSize:
    names = [tensor.name for tensor in nodes.initializers]
    for node in nodes.nodes:
        names += [*node.input, *node.output]
    counted = Counter(name.startswith(_PREFIX) for name in names)
    return HeaderSize(_total(nodes), counted[True])


def _difference(longer: HeaderSize, shorter: HeaderSize) -> HeaderSize:
    return HeaderSize(longer.num_bytes - shorter.num_bytes, longer.num_names - shorter.num_names)


def _total(nodes: NodeList) -> int:
    return sum(_size(part) for part in [*nodes.nodes, *nodes.initializers])


def _size(part: onnx.NodeProto | onnx.TensorProto | onnx.ValueInfoProto) -> int:
    """Bytes in the graph: the part, its field number, and its length as a varint."""
    size = int(part.ByteSize())
    return size + 1 + max(1, -(-size.bit_length() // 7))
