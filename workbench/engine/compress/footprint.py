"""Bytes of headers that each encoding of a layer's weight adds, found by building the real nodes once."""

from functools import lru_cache

import numpy as np

from workbench.engine.compress.compressed_layer import compress_weight
from workbench.engine.compress.node_list import NodeList
from workbench.engine.compress.packing import add_weight
from workbench.engine.compress.unpack_nodes import LookUpTables
from workbench.engine.compress.weight_rows import WeightRows
from workbench.engine.core.footprint import Encoding, payload_bytes
from workbench.engine.core.granularity import PerChannel
from workbench.engine.core.layer import Layer
from workbench.engine.core.recipe import WeightSettings
from workbench.engine.core.reports import LayerFootprint

_FLOAT_BYTES = 4
_TAG_BYTES = 2  # a field number and a short length before each node and tensor in the graph
_LENGTH_BYTES = 3  # a payload over 16 kB takes longer length fields than the small one measured here


def layer_footprint(layer: Layer) -> LayerFootprint:
    """What the size preview needs of an editable layer."""
    assert layer.axis is not None
    rows = WeightRows(layer.weight_shape, layer.axis, PerChannel())
    outer, length, inner = rows.view
    header = 12 + len(layer.weight_name.encode()) + 2 * len(layer.weight_shape)
    is_shared = bool(layer.shares_weights_with)
    return LayerFootprint(
        layer=layer.name,
        original_bytes=0 if is_shared else _FLOAT_BYTES * layer.num_weights + header,
        overhead=dict(_overheads(len(layer.weight_shape), layer.axis, len(layer.weight_name.encode()))),
        num_channels=rows.num_scales,
        num_rows=outer * inner,
        row_length=length,
    )


def shared_overhead() -> dict[int, int]:
    """Bytes of the look-up tables that the first layer of a bit width adds, by bits; key 1 for masks."""
    sizes = {}
    for bits in range(2, 8):
        tables = LookUpTables(NodeList("wbt", ()))
        tables.codes(bits)
        sizes[bits] = _size(tables.nodes)
    tables = LookUpTables(NodeList("wbt", ()))
    tables.mask()
    sizes[1] = _size(tables.nodes)
    sizes[8] = 0
    return sizes


@lru_cache(maxsize=4096)
def _overheads(num_dims: int, axis: int, name_bytes: int) -> tuple[tuple[Encoding, int], ...]:
    """Headers by encoding, for weights of this rank: those of a small weight, less its payload."""
    shape = (4,) * num_dims
    weight = np.linspace(-1, 1, 4**num_dims, dtype=np.float32).reshape(shape)
    settings = WeightSettings(bits=4)
    found = []
    for encoding, threshold, quantized in (
        (Encoding.DENSE, None, None),
        (Encoding.BITS, None, settings),
        (Encoding.MASK, 0.5, settings),
        (Encoding.PLAIN, None, WeightSettings(bits=8)),
    ):
        compressed = compress_weight(weight, axis, threshold, quantized)
        nodes = NodeList("wb0_", ())
        tables = LookUpTables(NodeList("wbt", ()))
        output = "w" * name_bytes
        add_weight(nodes, tables, compressed, encoding, opset=13, dtype=1, output=output)
        payload = payload_bytes(encoding, compressed.tensor_shape)
        found.append((encoding, _size(nodes) - payload + _LENGTH_BYTES))
    return tuple(found)


def _size(nodes: NodeList) -> int:
    parts = [*nodes.nodes, *nodes.initializers]
    return sum(part.ByteSize() + _TAG_BYTES for part in parts)
