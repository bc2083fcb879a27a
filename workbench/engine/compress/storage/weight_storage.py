"""Which tensors a plan writes in place of weights, how each is stored, and what the file takes then."""

from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from workbench.engine.compress.weights.weight_rows import layer_rows
from workbench.engine.core.footprint import (
    BEFORE_SLICE_INPUTS,
    CAST_FLOAT16,
    Containers,
    Storage,
    TensorShape,
    opset_needed,
    resized_file,
)
from workbench.engine.core.granularity import parse_granularity
from workbench.engine.core.layer import Layer, ModelInfo
from workbench.engine.core.plain_containers import bytes_of
from workbench.engine.core.plan import LayerPlan
from workbench.engine.core.reports import LayerFootprint, ModelFootprint
from workbench.engine.core.storage_choice import (
    STORAGES,
    pruned_sizes,
    smallest_rows,
    tables_read,
    unprofitable_tables,
)


@dataclass(frozen=True, slots=True, eq=False)
class WrittenTensor:
    """One tensor for a layer's weights, or for those of several layers that read the same and are treated alike."""

    layers: tuple[Layer, ...]
    entry: LayerPlan

    @property
    def num_kept(self) -> int:
        """How many weights are stored at least, behind a mask."""
        return max(1, self.entry.num_kept) if self.entry.is_pruned else self.layers[0].num_weights

    def whole_shape(self, footprint: LayerFootprint) -> TensorShape:
        """What its size depends on where nothing is pruned.

        Args:
            footprint: of the first layer.
        """
        layer, weights = self.layers[0], self.entry.weights
        if weights is None or weights.floating:
            floats = footprint.stored_floats if weights is None else CAST_FLOAT16
            return TensorShape(layer.num_weights, layer.num_weights, bits=None, dims=layer.weight_shape, floats=floats)
        rows = layer_rows(layer, parse_granularity(weights.granularity))
        return TensorShape(
            layer.num_weights,
            layer.num_weights,
            weights.bits,
            rows.num_scales,
            symmetric=weights.symmetric,
            scales=rows.scale_layout,
            dims=layer.weight_shape,
            floats=footprint.read_floats,
            blocks=rows.blocks,
        )

    def containers(self, allowed: Containers) -> Containers:
        """What its codes may be kept in: ranges at run time go with MatMulInteger, which reads int8 codes alone."""
        activations = self.entry.activations
        reads_bytes = self.entry.runs_on_integers and activations is not None and activations.is_dynamic
        return bytes_of(allowed) if reads_bytes else allowed


@dataclass(frozen=True, slots=True)
class StoredTensor:
    """How one tensor is stored, the bytes of that without shared tables, and the opset that it needs."""

    storage: Storage
    num_bytes: int
    opset: int


def written_tensors(
    info: ModelInfo, entries: Iterable[LayerPlan], apart: Mapping[str, Hashable] | None = None
) -> list[WrittenTensor]:
    """One tensor for all layers that read the same weights and are treated alike, in the plan's order.

    Args:
        info: of the model that is written.
        entries: of the layers whose weights are written.
        apart: layers that differ in this are not alike, by their names; what samples decided, say.
    """
    together: dict[tuple[object, ...], list[Layer]] = {}
    first: dict[tuple[object, ...], LayerPlan] = {}
    for entry in entries:
        layer = info.layer(entry.layer)
        own = entry.layer if entry.weights is not None and entry.weights.needs_samples else ""
        key = (
            layer.weight_name,
            entry.threshold,
            entry.pattern,
            entry.weights,
            layer.channel_axes,
            entry.activations,
            own,
            (apart or {}).get(entry.layer),
        )
        together.setdefault(key, []).append(layer)
        first.setdefault(key, entry)
    return [WrittenTensor(tuple(layers), first[key]) for key, layers in together.items()]


def stored_smallest(
    tensors: Sequence[WrittenTensor], footprint: ModelFootprint, *, containers: Containers = Containers.ANY
) -> list[StoredTensor]:
    """How each tensor is stored for the smallest file.

    Args:
        tensors: all that are written.
        footprint: of the model.
        containers: what codes may be kept in.
    """
    if not tensors:
        return []
    entries = {entry.layer: entry for entry in footprint.layers}
    settled, shapes = [], []
    for tensor in tensors:
        entry, as_codes = entries[tensor.layers[0].name], tensor.entry.runs_on_integers
        shapes.append(tensor.whole_shape(entry))
        settled.append(entry.settled_sizes(shapes[-1], containers=tensor.containers(containers), as_codes=as_codes))
    num_weights = np.array([shape.num_weights for shape in shapes], np.int64)
    num_kept = np.array([tensor.num_kept for tensor in tensors], np.int64)
    float_bytes = np.array([shape.floats.num_bytes for shape in shapes], np.int64)
    sizes = pruned_sizes(np.stack(settled, axis=1), num_weights, num_kept, float_bytes)
    rows = smallest_rows(sizes, unprofitable_tables(sizes, footprint.shared_overhead))
    stored = [
        StoredTensor(STORAGES[row], int(sizes[row, place]), opset_needed(STORAGES[row], shapes[place]))
        for place, row in enumerate(rows.tolist())
    ]
    if max(footprint.opset, *(one.opset for one in stored)) > BEFORE_SLICE_INPUTS:
        return stored
    old_slices = [
        entries[tensor.layers[0].name].old_slice_sizes(shape) for tensor, shape in zip(tensors, shapes, strict=True)
    ]
    return [
        replace(one, num_bytes=one.num_bytes - int(less[row]))
        for one, less, row in zip(stored, old_slices, rows.tolist(), strict=True)
    ]


def planned_bytes(tensors: Sequence[WrittenTensor], stored: Sequence[StoredTensor], footprint: ModelFootprint) -> int:
    """The size of the file in which the tensors are stored so, by arithmetic; activations stay float."""
    if not tensors:
        return footprint.file_bytes
    opset = max(one.opset for one in stored)
    tables = tables_read(np.array([STORAGES.index(one.storage) for one in stored]))
    total = footprint.rewritten_bytes[opset] + sum(footprint.shared_overhead[table] for table in tables)
    total += sum(one.num_bytes for one in stored) - _replaced_bytes(tensors, footprint.layers, opset)
    return resized_file(footprint.rewritten_bytes[opset], total)


def _replaced_bytes(tensors: Sequence[WrittenTensor], entries: Sequence[LayerFootprint], opset: int) -> int:
    """Bytes of the original weights that no layer reads any more."""
    known = {entry.layer: entry for entry in entries}
    written = {layer.name: layer for tensor in tensors for layer in tensor.layers}
    readers = {frozenset((layer.name, *layer.shares_weights_with)).intersection(known) for layer in written.values()}
    gone = [names for names in readers if names <= written.keys()]
    return sum(known[min(names)].replaced_bytes(opset) for names in gone)
