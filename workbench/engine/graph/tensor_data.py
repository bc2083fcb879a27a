"""Where a model's tensors lie, and reading them without copies: in the file, beside it, or inline."""

import math
import mmap
from pathlib import Path

import ml_dtypes
import numpy as np
import numpy.typing as npt
from onnx import TensorProto, helper, numpy_helper

from workbench.engine.core.errors import ModelError

_FLOAT_TYPES = (TensorProto.FLOAT, TensorProto.FLOAT16, TensorProto.DOUBLE, TensorProto.BFLOAT16)
_COMPLEX_TYPES = (TensorProto.COMPLEX64, TensorProto.COMPLEX128)
# Types that store several values in one number.
_PACKED_TYPES = tuple(
    number for name, number in TensorProto.DataType.items() if name in ("INT2", "UINT2", "INT4", "UINT4", "FLOAT4E2M1")
)


class TensorData:
    """Reads the initializers of one model file; big ones stay memory-mapped.

    Args:
        path: the model file.
        mapped: the file, mapped or in memory.
        places: where data left out of the skeleton lies in it, by name. A Constant node's value goes by
            the name of the node's output, which callers pass as `key`.
    """

    def __init__(self, path: Path, mapped: mmap.mmap | bytes, places: dict[str, tuple[int, int]]) -> None:
        self._path = path
        self._mapped = mapped
        self._places = places
        self._external: dict[Path, mmap.mmap] = {}

    def array(self, tensor: TensorProto, key: str | None = None) -> npt.NDArray[np.generic]:
        """The tensor's values, a view where possible. Raises ModelError."""
        if tensor.data_location == TensorProto.EXTERNAL:
            buffer: mmap.mmap | bytes
            buffer, offset, length = self._external_place(tensor)
        elif (place := self._place(tensor, key)) is not None:
            buffer = self._mapped
            offset, length = place
        else:
            return _inline(tensor, self._path)
        dtype = np.dtype(helper.tensor_dtype_to_np_dtype(tensor.data_type))
        count = math.prod(tensor.dims)
        if dtype.itemsize * count != length:
            raise self._wrong_size(tensor, f"{dtype.itemsize * count:,} bytes", f"{length:,}")
        return np.frombuffer(buffer, dtype, count, offset).reshape(tuple(tensor.dims))

    def raw(self, tensor: TensorProto, key: str | None = None) -> memoryview | None:
        """The bytes that the skeleton lacks, or None if the tensor is complete. Raises ModelError."""
        if tensor.data_location == TensorProto.EXTERNAL:
            buffer, offset, length = self._external_place(tensor)
            return memoryview(buffer)[offset : offset + length]
        if (place := self._place(tensor, key)) is not None:
            offset, length = place
            return memoryview(self._mapped)[offset : offset + length]
        return None

    def check(self, tensor: TensorProto, key: str | None = None) -> None:
        """Raise ModelError if dimensions and data disagree, or the type is none."""
        if any(size < 0 for size in tensor.dims):
            raise ModelError(f"{self._path}: tensor {tensor.name!r} has a negative dimension", "export the model again")
        if tensor.data_type not in TensorProto.DataType.values() or tensor.data_type == TensorProto.UNDEFINED:
            raise ModelError(f"{self._path}: tensor {tensor.name!r} has no element type", "export the model again")
        if tensor.data_location == TensorProto.EXTERNAL:
            length = self._external_place(tensor)[2]
        elif (place := self._place(tensor, key)) is not None:
            length = place[1]
        elif tensor.HasField("raw_data"):
            length = len(tensor.raw_data)
        else:
            self._check_numbers(tensor)
            return
        needed = _stored_bytes(tensor)
        if needed is not None and needed != length:
            raise self._wrong_size(tensor, f"{needed:,} bytes", f"{length:,}")

    def _place(self, tensor: TensorProto, key: str | None) -> tuple[int, int] | None:
        """Where the data that the skeleton lacks lies; None if the tensor has its own."""
        return None if tensor.HasField("raw_data") else self._places.get(key if key is not None else tensor.name)

    def _check_numbers(self, tensor: TensorProto) -> None:
        """Data that is stored as a list of numbers has as many as the dimensions say."""
        try:
            stored = len(getattr(tensor, helper.tensor_dtype_to_field(tensor.data_type)))
        except KeyError:
            return
        needed = math.prod(tensor.dims) * (2 if tensor.data_type in _COMPLEX_TYPES else 1)
        if tensor.data_type not in _PACKED_TYPES and stored != needed:
            raise self._wrong_size(tensor, f"{needed:,} numbers", f"{stored:,}")

    def external_paths(self) -> tuple[Path, ...]:
        """The external files that were touched, sorted."""
        return tuple(sorted(self._external))

    def _wrong_size(self, tensor: TensorProto, needed: str, has: str) -> ModelError:
        return ModelError(
            f"{self._path}: tensor {tensor.name!r} of shape {list(tensor.dims)} needs {needed}, has {has}",
            "the file is damaged; copy or export it again",
        )

    def _external_place(self, tensor: TensorProto) -> tuple[mmap.mmap, int, int]:
        entries = {entry.key: entry.value for entry in tensor.external_data}
        path = self._inside_folder(entries.get("location", ""), tensor.name)
        if path not in self._external:
            self._external[path] = map_file(path)
        mapped = self._external[path]
        try:
            offset = int(entries.get("offset", "0"))
            length = int(entries["length"]) if "length" in entries else (_stored_bytes(tensor) or 0)
        except ValueError as error:
            raise ModelError(
                f"{self._path}: tensor {tensor.name!r} has a malformed external offset or length"
            ) from error
        if offset < 0 or length < 0 or offset + length > len(mapped):
            raise ModelError(
                f"{self._path}: tensor {tensor.name!r} lies beyond the end of {path.name}",
                "the external data is cut off; copy it again",
            )
        return mapped, offset, length

    def _inside_folder(self, location: str, name: str) -> Path:
        folder = self._path.parent.resolve()
        try:
            path = (folder / location).resolve()
        except (OSError, ValueError, RuntimeError) as error:
            raise ModelError(
                f"{self._path}: tensor {name!r} names a place for its data that is none", "export the model again"
            ) from error
        if not location or Path(location).is_absolute() or not path.is_relative_to(folder):
            raise ModelError(
                f"{self._path}: tensor {name!r} asks for data outside the model's folder ({location!r})",
                "models may only read files beside them; put the data there and export again",
            )
        if not path.is_file():
            raise ModelError(
                f"{self._path}: the external data file {location!r} is missing", "put it beside the model file"
            )
        return path


def map_file(path: Path) -> mmap.mmap:
    """The file, mapped for reading. Raises ModelError."""
    try:
        with path.open("rb") as file:
            return mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    except (OSError, ValueError) as error:
        raise ModelError(f"{path}: cannot be read ({error})", "check the file and its permissions") from error


def is_float(data_type: int) -> bool:
    """Whether an ONNX element type is a floating point number that weights can have."""
    return data_type in _FLOAT_TYPES


def _inline(tensor: TensorProto, path: Path) -> npt.NDArray[np.generic]:
    try:
        return np.asarray(numpy_helper.to_array(tensor))
    except (ValueError, TypeError, KeyError) as error:
        raise ModelError(
            f"{path}: tensor {tensor.name!r} cannot be read ({error})", "export the model again"
        ) from error


def _stored_bytes(tensor: TensorProto) -> int | None:
    """Bytes that raw data of these dimensions takes; None for types without a fixed whole-byte size."""
    four_bits = (TensorProto.INT4, TensorProto.UINT4, TensorProto.FLOAT4E2M1)
    if tensor.data_type in four_bits:
        return int(-(-math.prod(tensor.dims) // 2))
    try:
        dtype = np.dtype(helper.tensor_dtype_to_np_dtype(tensor.data_type))
    except KeyError:
        return None
    if tensor.data_type == TensorProto.STRING or dtype in (np.dtype(ml_dtypes.int2), np.dtype(ml_dtypes.uint2)):
        return None
    num_bytes: int = dtype.itemsize * math.prod(tensor.dims)
    return num_bytes
