"""An ONNX file without its big tensors: the bytes that parse to a small model, and where the rest lies.

Parsing a whole file would hold every weight in memory twice. This walks the protobuf fields of the
mapped file, leaves the data of big initializers out, and remembers where they are.

Source: the protobuf encoding guide; field numbers from onnx.proto: ModelProto.graph 7; GraphProto.node 1,
initializer 5; NodeProto.output 2, op_type 4, attribute 5; AttributeProto.t 5; TensorProto.name 8, raw_data 9.
"""

import mmap
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from workbench.engine.core.errors import ModelError

SMALLEST_SKIPPED_BYTES = 4096
_GRAPH, _NODE, _INITIALIZER = 7, 1, 5
_NODE_OUTPUT, _NODE_OP_TYPE, _NODE_ATTRIBUTE, _ATTRIBUTE_TENSOR = 2, 4, 5, 5
_NAME, _RAW_DATA = 8, 9
_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5

# Gives the new bytes of a message in [start, end).
_Rewrite = Callable[[memoryview, int, int], bytes]


@dataclass(frozen=True, slots=True)
class Skeleton:
    """A model file's bytes without big initializers' data.

    Args:
        data: what is left; a valid ModelProto.
        places: (offset, length) in the file of the data that was left out, by name of the initializer or
            of the Constant node's output.
    """

    data: bytes
    places: dict[str, tuple[int, int]]


def skeleton(mapped: mmap.mmap | bytes, path: str) -> Skeleton:
    """The file without big initializers' data. Cost grows with the number of nodes and tensors.

    Raises:
        ModelError: the file is cut off or no protobuf.
    """
    places: dict[str, tuple[int, int]] = {}
    view = memoryview(mapped)
    try:
        data = _skeleton_of_model(view, places)
    except (IndexError, ValueError) as error:
        raise ModelError(
            f"{path}: not an ONNX model, or cut off or damaged", "copy or export the file again"
        ) from error
    finally:
        view.release()
    return Skeleton(data, places)


def _skeleton_of_model(view: memoryview, places: dict[str, tuple[int, int]]) -> bytes:
    def initializer(view: memoryview, start: int, end: int) -> bytes:
        return _tensor(view, start, end, places, None)

    def node(view: memoryview, start: int, end: int) -> bytes:
        return _node(view, start, end, places)

    def graph(view: memoryview, start: int, end: int) -> bytes:
        return _rewritten(view, start, end, {_INITIALIZER: initializer, _NODE: node})

    return _rewritten(view, 0, len(view), {_GRAPH: graph})


def _rewritten(view: memoryview, start: int, end: int, rewrites: Mapping[int, _Rewrite]) -> bytes:
    """The message in `[start, end)`, with the messages of some field numbers rewritten."""
    out = bytearray()
    for number, kind, field_start, value_start, value_end in _fields(view, start, end):
        rewrite = rewrites.get(number)
        if kind == _BYTES and rewrite is not None:
            inner = rewrite(view, value_start, value_end)
            out += _varint(number << 3 | _BYTES)
            out += _varint(len(inner))
            out += inner
        else:
            out += view[field_start:value_end]
    return bytes(out)


def _node(view: memoryview, start: int, end: int, places: dict[str, tuple[int, int]]) -> bytes:
    """A NodeProto; if it is a Constant with a big value, without that value's data."""
    if end - start < SMALLEST_SKIPPED_BYTES:
        return bytes(view[start:end])
    op_type, output = b"", b""
    for number, kind, _, value_start, value_end in _fields(view, start, end):
        if kind == _BYTES and number == _NODE_OP_TYPE:
            op_type = bytes(view[value_start:value_end])
        elif kind == _BYTES and number == _NODE_OUTPUT:
            output = output or bytes(view[value_start:value_end])
    if op_type != b"Constant" or not output:
        return bytes(view[start:end])

    def tensor(view: memoryview, start: int, end: int) -> bytes:
        return _tensor(view, start, end, places, output.decode("utf-8"))

    def attribute(view: memoryview, start: int, end: int) -> bytes:
        return _rewritten(view, start, end, {_ATTRIBUTE_TENSOR: tensor})

    return _rewritten(view, start, end, {_NODE_ATTRIBUTE: attribute})


def _tensor(view: memoryview, start: int, end: int, places: dict[str, tuple[int, int]], key: str | None) -> bytes:
    """A TensorProto, without its raw data if that is big. It is remembered by `key`, or by its own name."""
    if end - start < SMALLEST_SKIPPED_BYTES:
        return bytes(view[start:end])
    out = bytearray()
    name, place = key or "", None
    for number, kind, field_start, value_start, value_end in _fields(view, start, end):
        if number == _RAW_DATA and kind == _BYTES and value_end - value_start >= SMALLEST_SKIPPED_BYTES:
            place = (value_start, value_end - value_start)
            continue
        if number == _NAME and kind == _BYTES and key is None:
            name = bytes(view[value_start:value_end]).decode("utf-8")
        out += view[field_start:value_end]
    if place is None or not name or name in places:
        return bytes(view[start:end])
    places[name] = place
    return bytes(out)


def _fields(view: memoryview, start: int, end: int) -> Iterator[tuple[int, int, int, int, int]]:
    """Field number, wire type, start of the field, and start and end of its value, in order."""
    position = start
    while position < end:
        field_start = position
        number, kind, position = _tag(view, position)
        value_start, position = _value(view, position, kind, end)
        yield number, kind, field_start, value_start, position


def _tag(view: memoryview, position: int) -> tuple[int, int, int]:
    value, position = _read_varint(view, position)
    if value >> 3 == 0:
        raise ValueError("field number 0")
    return value >> 3, value & 7, position


def _value(view: memoryview, position: int, kind: int, end: int) -> tuple[int, int]:
    """Where a field's value starts and ends; a length is not part of it."""
    if kind == _VARINT:
        start, position = position, _read_varint(view, position)[1]
    elif kind == _BYTES:
        length, start = _read_varint(view, position)
        position = start + length
    elif kind in (_FIXED32, _FIXED64):
        start, position = position, position + (4 if kind == _FIXED32 else 8)
    else:
        raise ValueError(f"wire type {kind}")
    if position > end:
        raise ValueError("a field runs past the end")
    return start, position


def _read_varint(view: memoryview, position: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = view[position]
        position += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, position
        shift += 7
        if shift > 63:
            raise ValueError("a number of more than 64 bits")


def _varint(value: int) -> bytes:
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)
