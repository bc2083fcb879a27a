"""Arrays in an .npz file. Headers are checked against the bytes that are there before memory is taken."""

import math
import zipfile
import zlib
from pathlib import Path

import numpy as np
import numpy.lib.format as npy_format

from workbench.engine.core.digest import digest_of_file
from workbench.engine.core.errors import DataError
from workbench.engine.data.array_source import Array, ArraySource, array_source

# Beyond these an array is a decompression bomb rather than samples: real images shrink a few times.
_SUSPECT_BYTES, _SUSPECT_RATIO = 1 << 30, 200


def open_npz(path: Path) -> ArraySource:
    """The arrays of an .npz: `x` and optionally `y`, or one array for each input of a model; and others beside.

    Raises:
        DataError: it is damaged, or `x` and `y` hold Python objects or do not belong together.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            arrays = {
                item.filename.removesuffix(".npy"): _array(archive, item, path)
                for item in archive.infolist()
                if item.filename.endswith(".npy")
            }
    except (zipfile.BadZipFile, zlib.error, ValueError, EOFError, RuntimeError, NotImplementedError) as error:
        text = " ".join(str(error).split())[:120]
        raise DataError(
            f"{path}: not a readable .npz ({text})", "write it with numpy.savez, without objects"
        ) from error
    return array_source(path, arrays, digest_of_file(path))


def _array(archive: zipfile.ZipFile, item: zipfile.ZipInfo, path: Path) -> Array:
    if item.file_size > _SUSPECT_BYTES and item.file_size > _SUSPECT_RATIO * max(1, item.compress_size):
        raise DataError(
            f"{path}: {item.filename} would unpack from {item.compress_size:,} to {item.file_size:,} bytes",
            "save it anew without compression, if it is meant",
        )
    with archive.open(item) as file:
        version = npy_format.read_magic(file)
        read_header = npy_format.read_array_header_1_0 if version == (1, 0) else npy_format.read_array_header_2_0
        shape, is_fortran, dtype = read_header(file)
        if dtype.hasobject:
            # They are never read: that would run code.
            return np.empty(0, object)
        count = math.prod(shape)
        if count * dtype.itemsize > item.file_size:
            raise ValueError(f"{item.filename} is cut short")
        data = file.read(count * dtype.itemsize)
    array: Array = np.frombuffer(data, dtype, count)
    return array.reshape(shape[::-1]).T if is_fortran else array.reshape(shape)
