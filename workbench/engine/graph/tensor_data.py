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


class TensorData:
    """Reads the initializers of one model file; big ones stay memory-mapped.

    Args:
        path: the model file.
        mapped: the file, mapped.
        places: where data left out of the skeleton lies in it.
    """

    def __init__(self, path: Path, mapped: mmap.mmap, places: dict[str, tuple[int, int]]) -> None:
        self._path = path
        self._mapped = mapped
        self._places = places
        self._external: dict[Path, mmap.mmap] = {}

    def array(self, tensor: TensorProto) -> npt.NDArray[np.generic]:
        """The tensor's values, a view where possible. Raises ModelError."""
        if tensor.data_location == TensorProto.EXTERNAL:
            buffer, offset, length = self._external_place(tensor)
        elif tensor.name in self._places and not tensor.HasField("raw_data"):
            buffer = self._mapped
            offset, length = self._places[tensor.name]
        else:
            return _inline(tensor, self._path)
        dtype = np.dtype(helper.tensor_dtype_to_np_dtype(tensor.data_type))
        count = math.prod(tensor.dims)
        if dtype.itemsize * count != length:
            raise self._wrong_size(tensor, dtype.itemsize * count, length)
        return np.frombuffer(buffer, dtype, count, offset).reshape(tuple(tensor.dims))

    def raw(self, tensor: TensorProto) -> bytes | memoryview | None:
        """The bytes that the skeleton lacks, or None if the tensor is complete. Raises ModelError."""
        if tensor.data_location == TensorProto.EXTERNAL:
            buffer, offset, length = self._external_place(tensor)
            return memoryview(buffer)[offset : offset + length]
        if tensor.name in self._places and not tensor.HasField("raw_data"):
            offset, length = self._places[tensor.name]
            return memoryview(self._mapped)[offset : offset + length]
        return None

    def check(self, tensor: TensorProto) -> None:
        """Raise ModelError if dimensions and data disagree, or the type is none."""
        if any(size < 0 for size in tensor.dims):
            raise ModelError(f"{self._path}: tensor {tensor.name!r} has a negative dimension", "export the model again")
        if tensor.data_type not in TensorProto.DataType.values() or tensor.data_type == TensorProto.UNDEFINED:
            raise ModelError(f"{self._path}: tensor {tensor.name!r} has no element type", "export the model again")
        has_own_raw = tensor.HasField("raw_data")
        if tensor.data_location == TensorProto.EXTERNAL:
            length = self._external_place(tensor)[2]
        elif tensor.name in self._places and not has_own_raw:
            length = self._places[tensor.name][1]
        elif has_own_raw:
            length = len(tensor.raw_data)
        else:
            return
        needed = _stored_bytes(tensor)
        if needed is not None and needed != length:
            raise self._wrong_size(tensor, needed, length)

    def external_paths(self) -> tuple[Path, ...]:
        """The external files that were touched, sorted."""
        return tuple(sorted(self._external))

    def _wrong_size(self, tensor: TensorProto, needed: int, length: int) -> ModelError:
        return ModelError(
            f"{self._path}: tensor {tensor.name!r} of shape {list(tensor.dims)} needs {needed:,} bytes, has {length:,}",
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
        path = (folder / location).resolve()
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
