"""Which storage of each weight tensor makes the smallest file, shared look-up tables included.

A table pays for itself only where enough tensors read it. So tensors are decided one by one first, and then it
is tried whether the file gets smaller when the readers of a table do without it.
"""

from collections.abc import Iterator, Mapping, Set
from dataclasses import replace
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from workbench.engine.core.bit_layout import HALF_BYTE, LAYOUTS, TWO_BYTES, WHOLE_BYTE
from workbench.engine.core.footprint import (
    Containers,
    Encoding,
    Headers,
    Storage,
    TableKey,
    TensorShape,
    payload_bytes,
    tables_of,
    values_bytes,
)

# A size that no sum of sizes reaches: the tensor cannot be stored so.
NEVER = np.iinfo(np.int64).max // 4

# Where two take the same bytes, the earlier one is chosen: it takes fewer steps to unpack.
STORAGES: tuple[Storage, ...] = (
    Storage(Encoding.DENSE),
    Storage(Encoding.PLAIN, HALF_BYTE),
    Storage(Encoding.PLAIN, WHOLE_BYTE),
    Storage(Encoding.BITS, WHOLE_BYTE),
    Storage(Encoding.BITS, TWO_BYTES),
    *(Storage(Encoding.BITS, bits) for bits in LAYOUTS),
    Storage(Encoding.MASK),
    Storage(Encoding.MASK, WHOLE_BYTE),
    Storage(Encoding.MASK, TWO_BYTES),
    *(Storage(Encoding.MASK, bits) for bits in LAYOUTS),
)
ROW_OF: Mapping[Storage, int] = {storage: row for row, storage in enumerate(STORAGES)}
_TABLES = tuple(frozenset(tables_of(storage)) for storage in STORAGES)

_MASK_ROWS = tuple(row for row, storage in enumerate(STORAGES) if storage.encoding is Encoding.MASK)

Sizes = npt.NDArray[np.int64]


def possible_storages(
    tensor: TensorShape, *, containers: Containers = Containers.ANY, as_codes: bool = False
) -> Iterator[Storage]:
    """Every way to store the tensor that gives back the very same weights.

    Args:
        tensor: what is to be stored.
        containers: what codes may be kept in.
        as_codes: the codes themselves are read, so floats cannot stand for them.
    """
    if containers is not Containers.ANY:
        yield _plain_storage(tensor.bits, containers)
        return
    widths: list[int | None] = [] if as_codes else [None]
    if tensor.bits is not None:
        # More bits than needed may be fewer bytes: no padding, or a table that is there anyway.
        widths += range(tensor.bits, WHOLE_BYTE + 1) if tensor.bits <= WHOLE_BYTE else [TWO_BYTES]
    for bits in widths:
        yield Storage(Encoding.DENSE if bits is None else Encoding.BITS, bits)
        # An asymmetric zero is a code like any other, and differs by channel: a mask cannot stand for it.
        if tensor.num_kept < tensor.num_weights and (bits is None or tensor.symmetric):
            yield Storage(Encoding.MASK, bits)


def _plain_storage(bits: int | None, containers: Containers) -> Storage:
    if bits is None:
        return Storage(Encoding.DENSE)
    is_small = bits <= HALF_BYTE and containers is Containers.STANDARD
    return Storage(Encoding.PLAIN, HALF_BYTE if is_small else WHOLE_BYTE)


def size_column(sizes: Mapping[Storage, int]) -> Sizes:
    """The sizes of one tensor, one for each of `STORAGES`; `NEVER` where it cannot be stored so."""
    column = np.full(len(STORAGES), NEVER, np.int64)
    for storage, num_bytes in sizes.items():
        column[ROW_OF[storage]] = num_bytes
    return column


# Layers repeat their shapes, and all ask the same again at each edit.
@lru_cache(maxsize=4096)
def settled_sizes(
    headers: Headers, num_digits: int, tensor: TensorShape, *, containers: Containers, as_codes: bool
) -> Sizes:
    """Bytes of a tensor by storage as far as they do not depend on pruning: masks without the values behind them.

    Args:
        headers: of the layer.
        num_digits: of the layer's number.
        tensor: whole, nothing pruned.
        containers: what codes may be kept in.
        as_codes: the codes themselves are read, so floats cannot stand for them.
    """
    # Nothing kept, so that masks are among what is possible; the shape of one weight alone is not sparse.
    sparse = replace(tensor, num_kept=0)
    payloads = _payloads(sparse, containers=containers, as_codes=as_codes)
    sizes = {storage: headers.num_bytes(storage, sparse, num_digits) + payload for storage, payload in payloads}
    column = size_column(sizes)
    column.setflags(write=False)
    return column


# Layers that differ in their names alone share them.
@lru_cache(maxsize=4096)
def _payloads(tensor: TensorShape, *, containers: Containers, as_codes: bool) -> tuple[tuple[Storage, int], ...]:
    storages = possible_storages(tensor, containers=containers, as_codes=as_codes)
    return tuple((storage, payload_bytes(storage, tensor)) for storage in storages)


@lru_cache(maxsize=4096)
def old_slice_sizes(headers: Headers, num_digits: int, tensor: TensorShape) -> Sizes:
    """How many bytes less than `settled_sizes` the storages take up to opset `BEFORE_SLICE_INPUTS`."""
    sizes = [
        headers.old_slice_bytes(storage, tensor, num_digits) if tensor.bits is not None else 0 for storage in STORAGES
    ]
    return np.array(sizes, np.int64)


def pruned_sizes(
    settled: Sizes,
    num_weights: npt.NDArray[np.int64],
    num_kept: npt.NDArray[np.int64],
    float_bytes: npt.NDArray[np.int64],
) -> Sizes:
    """Bytes of tensors by storage, shape (storages, tensors), once it is known how many weights are kept.

    Args:
        settled: a column of `settled_sizes` a tensor.
        num_weights: of each tensor.
        num_kept: of those, what pruning leaves.
        float_bytes: of each weight that is stored as a float.
    """
    sizes = settled.copy()
    is_sparse = num_kept < num_weights
    for row in _MASK_ROWS:
        may = is_sparse & (settled[row] < NEVER)
        if may.any():
            sizes[row, may] += values_bytes(num_kept[may], STORAGES[row].bits, float_bytes[may])
        sizes[row, ~may] = NEVER
    return sizes


def unprofitable_tables(sizes: Sizes, overhead: Mapping[TableKey, int]) -> frozenset[TableKey]:
    """The look-up tables that the file is smaller without.

    Args:
        sizes: of each tensor that is written, shape (storages, tensors), bytes.
        overhead: bytes of each table.
    """
    banned: frozenset[TableKey] = frozenset()
    total, used = _total(sizes, banned, overhead)
    while used:
        # One table may pay only because of another that is there for the same tensors: try all together, too.
        trials = [banned | {table} for table in sorted(used)] + [banned | used]
        best = min(trials, key=lambda trial: _total(sizes, trial, overhead)[0])
        smaller, used_then = _total(sizes, best, overhead)
        if smaller >= total:
            break
        banned, total, used = best, smaller, used_then
    return banned


def smallest_rows(sizes: Sizes, banned: Set[TableKey]) -> npt.NDArray[np.int64]:
    """The row of the smallest storage of each tensor that needs none of these tables, shape (tensors,)."""
    allowed = np.array([row for row, tables in enumerate(_TABLES) if not tables & banned])
    rows: npt.NDArray[np.int64] = allowed[sizes[allowed].argmin(axis=0)]
    return rows


def tables_read(rows: npt.NDArray[np.int64]) -> frozenset[TableKey]:
    """The look-up tables that tensors of these rows read."""
    return frozenset().union(*(_TABLES[row] for row in set(rows.tolist())))


def _total(sizes: Sizes, banned: Set[TableKey], overhead: Mapping[TableKey, int]) -> tuple[int, frozenset[TableKey]]:
    """Bytes of all tensors with the tables that they read, and which those are."""
    rows = smallest_rows(sizes, banned)
    tables = tables_read(rows)
    weights = int(np.take_along_axis(sizes, rows[None], axis=0).sum())
    return weights + sum(overhead.get(table, 0) for table in tables), tables
