"""An ONNX file without its big tensors: the bytes that parse to a small model, and where the rest lies.

Parsing a whole file would hold every weight in memory twice. This walks the protobuf fields of the
mapped file, leaves the data of big initializers out, and remembers where they are.

Source: the protobuf encoding guide; field numbers from onnx.proto: ModelProto.graph 7,
GraphProto.initializer 5, TensorProto.raw_data 9 and name 8.
"""

import mmap
from dataclasses import dataclass

from workbench.engine.core.errors import ModelError

SMALLEST_SKIPPED_BYTES = 4096
_GRAPH, _INITIALIZER, _NAME, _RAW_DATA = 7, 5, 8, 9
_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5


@dataclass(frozen=True, slots=True)
class Skeleton:
    """A model file's bytes without big initializers' data.

    Args:
        data: what is left; a valid ModelProto.
        places: (offset, length) in the file of the data that was left out, by initializer name.
    """

    data: bytes
    places: dict[str, tuple[int, int]]


def skeleton(mapped: mmap.mmap, path: str) -> Skeleton:
    """The file without big initializers' data. Cost grows with the number of nodes and tensors.

    Raises:
        ModelError: the file is cut off or no protobuf.
    """
    places: dict[str, tuple[int, int]] = {}
    view = memoryview(mapped)
    try:
        data = _copied(view, 0, len(view), (_GRAPH, _INITIALIZER), places)
    except (IndexError, ValueError) as error:
        raise ModelError(
            f"{path}: not an ONNX model, or cut off or damaged", "copy or export the file again"
        ) from error
    finally:
        view.release()
    return Skeleton(data, places)


def _copied(view: memoryview, start: int, end: int, path: tuple[int, ...], places: dict[str, tuple[int, int]]) -> bytes:
    """The message in `[start, end)`, with the messages along `path` rewritten."""
    out = bytearray()
    position = start
    while position < end:
        field_start = position
        number, kind, position = _tag(view, position)
        after_tag = position
        value_start, value_end = _value(view, position, kind, end)
        if kind == _BYTES and path and number == path[0]:
            inner = (
                _copied(view, value_start, value_end, path[1:], places)
                if len(path) > 1
                else _tensor(view, value_start, value_end, places)
            )
            out += view[field_start:after_tag]
            out += _varint(len(inner))
            out += inner
        else:
            out += view[field_start:value_end]
        position = value_end
    return bytes(out)


def _tensor(view: memoryview, start: int, end: int, places: dict[str, tuple[int, int]]) -> bytes:
    """A TensorProto, without its raw data if that is big."""
    if end - start < SMALLEST_SKIPPED_BYTES:
        return bytes(view[start:end])
    out = bytearray()
    name, place = "", None
    position = start
    while position < end:
        field_start = position
        number, kind, position = _tag(view, position)
        value_start, value_end = _value(view, position, kind, end)
        if number == _RAW_DATA and kind == _BYTES and value_end - value_start >= SMALLEST_SKIPPED_BYTES:
            place = (value_start, value_end - value_start)
        else:
            if number == _NAME and kind == _BYTES:
                name = bytes(view[value_start:value_end]).decode("utf-8")
            out += view[field_start:value_end]
        position = value_end
    if place is None or not name or name in places:
        return bytes(view[start:end])
    places[name] = place
    return bytes(out)


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
