"""MNIST's idx files, gzip-compressed or not, with the labels found beside the images."""

import gzip
import math
import struct
import zlib
from pathlib import Path
from typing import BinaryIO, cast

import numpy as np
import numpy.typing as npt

from workbench.engine.core.digest import digest_of_file, digest_of_json
from workbench.engine.core.errors import DataError
from workbench.engine.data.array_source import ArraySource, array_source

_GZIP_MAGIC = b"\x1f\x8b"
_UNSIGNED_BYTE = 8
# Deflate cannot shrink further than 1032 : 1 (zlib's technical notes), so a larger claim is false.
_LARGEST_RATIO = 1032


def is_idx(path: Path) -> bool:
    """Whether a file is named or begins like an idx file."""
    with path.open("rb") as file:
        start = file.read(4)
    looks_so = len(start) == 4 and start[:3] == bytes((0, 0, _UNSIGNED_BYTE)) and 1 <= start[3] <= 4
    return looks_so or "idx" in path.name


def open_idx(path: Path) -> ArraySource:
    """Images of shape (N, H, W), or features (N, F), with labels from `…labels-idx1…` beside them.

    Raises:
        DataError: a file is damaged, or the labels are not as many as the images.
    """
    images = _read(path)
    if images.ndim == 1:
        raise DataError(f"{path}: holds labels, no images", "give the file of the images")
    label_path = path.with_name(path.name.replace("images", "labels").replace("idx3", "idx1"))
    arrays: dict[str, npt.NDArray[np.generic]] = {"x": images}
    digests = [digest_of_file(path)]
    if label_path != path and label_path.is_file():
        arrays["y"] = _read(label_path)
        digests.append(digest_of_file(label_path))
    return array_source(path, arrays, digest_of_json(digests))


def _read(path: Path) -> npt.NDArray[np.uint8]:
    """Source: the format's description by LeCun, Cortes and Burges, "The MNIST database"."""
    try:
        with path.open("rb") as raw:
            is_gzip = raw.read(2) == _GZIP_MAGIC
            raw.seek(0)
            file = cast("BinaryIO", gzip.GzipFile(fileobj=raw)) if is_gzip else raw
            zeros, kind, num_dims = struct.unpack(">HBB", file.read(4))
            if zeros != 0 or kind != _UNSIGNED_BYTE or num_dims == 0:
                raise DataError(f"{path}: not an idx file of bytes", "give MNIST's idx3-ubyte file")
            shape = struct.unpack(f">{num_dims}I", file.read(4 * num_dims))
            count = math.prod(shape)
            is_too_much = count > path.stat().st_size * (_LARGEST_RATIO if is_gzip else 1)
            data = b"" if is_too_much else file.read(count)
            if len(data) < count or count == 0:
                sizes = "×".join(map(str, shape))
                raise DataError(f"{path}: is cut short: {sizes} bytes are announced", "copy it again")
            return np.frombuffer(data, np.uint8).reshape(shape)
    except (OSError, EOFError, struct.error, zlib.error, ValueError) as error:
        raise DataError(f"{path}: not a readable idx file ({error})", "copy it again") from error
