"""Where samples come from: class folders, archives, arrays and idx files, all read in place."""

import csv
import gzip
import io
import struct
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Protocol

import numpy as np
import numpy.typing as npt
from PIL import Image

from workbench.engine.core.digest import digest_of_bytes, digest_of_file
from workbench.engine.core.errors import DataError

_IMAGE_SUFFIXES = (".jpg", ".jpeg", ".png", ".bmp", ".webp", ".gif", ".ppm", ".pgm", ".tif", ".tiff")
_LARGEST_PIXELS = 64_000_000


class Source(Protocol):
    """Samples as they are stored."""

    @property
    def labels(self) -> npt.NDArray[np.int64] | None:
        """The label of each sample; None if there are none."""

    @property
    def names(self) -> Sequence[str]:
        """What each sample is called."""

    @property
    def sample_shape(self) -> tuple[int, ...]:
        """Shape of the first sample as stored."""

    @property
    def digest(self) -> str:
        """SHA-256 of the stored samples."""

    def image(self, index: int) -> Image.Image | None:
        """The sample as an image; None if it is an array."""

    def array(self, index: int) -> npt.NDArray[np.generic]:
        """The sample as an array."""


def open_source(path: Path) -> Source:
    """The samples at a path. Raises DataError."""
    if not path.exists():
        raise DataError(f"{path}: there is no such file or folder", "check the path of the data")
    if path.is_dir():
        return _images(_Folder(path), path)
    if zipfile.is_zipfile(path) and path.suffix != ".npz":
        return _images(_Archive(path), path)
    if path.suffix == ".npz":
        return _npz(path)
    if "idx" in path.name:
        return _idx(path)
    raise DataError(f"{path}: not a known kind of data", "give a folder, a .zip, an .npz or an idx file")


class _Folder:
    def __init__(self, path: Path) -> None:
        self._path = path
        self.names = sorted(
            item.relative_to(path).as_posix() for item in path.rglob("*") if item.is_file() and not item.is_symlink()
        )

    def read(self, name: str) -> bytes:
        return (self._path / name).read_bytes()

    def digest(self) -> str:
        return digest_of_bytes(*(part for name in self.names for part in (name.encode(), self.read(name))))


class _Archive:
    def __init__(self, path: Path) -> None:
        self._path = path
        try:
            self._zip = zipfile.ZipFile(path)
        except (zipfile.BadZipFile, OSError) as error:
            raise DataError(f"{path}: the archive is damaged ({error})", "copy it again") from error
        self.names = sorted(item.filename for item in self._zip.infolist() if not item.is_dir())

    def read(self, name: str) -> bytes:
        return self._zip.read(name)

    def digest(self) -> str:
        return digest_of_file(self._path)


@dataclass
class _Images:
    """Encoded images, decoded one at a time."""

    files: "_Folder | _Archive"
    path: Path
    names: Sequence[str]
    labels: npt.NDArray[np.int64] | None
    sample_shape: tuple[int, ...] = ()
    digest: str = ""

    def image(self, index: int) -> Image.Image:
        name = self.names[index]
        try:
            image = Image.open(io.BytesIO(self.files.read(name)))
            if image.width * image.height > _LARGEST_PIXELS:
                raise DataError(f"{self.path}: {name} has {image.width}×{image.height} pixels, too many to be a sample")
            return image.convert("L" if image.mode in ("1", "L", "I", "I;16") else "RGB")
        except (OSError, zipfile.BadZipFile, Image.DecompressionBombError, SyntaxError, ValueError) as error:
            raise DataError(f"{self.path}: {name} is no readable image", "remove or replace it") from error

    def array(self, index: int) -> npt.NDArray[np.generic]:
        array = np.asarray(self.image(index))
        return array[..., None] if array.ndim == 2 else array


@dataclass
class _Arrays:
    """Samples that are arrays already."""

    x: npt.NDArray[np.generic]
    labels: npt.NDArray[np.int64] | None
    digest: str

    @property
    def names(self) -> Sequence[str]:
        return [str(index) for index in range(len(self.x))]

    @property
    def sample_shape(self) -> tuple[int, ...]:
        return tuple(self.x.shape[1:])

    def image(self, index: int) -> Image.Image | None:
        sample = self.x[index]
        if sample.ndim != 3 or sample.dtype != np.uint8:
            return None
        return Image.fromarray(sample[..., 0] if sample.shape[2] == 1 else sample)

    def array(self, index: int) -> npt.NDArray[np.generic]:
        sample: npt.NDArray[np.generic] = self.x[index]
        return sample


def _images(files: "_Folder | _Archive", path: Path) -> Source:
    tables = [name for name in files.names if PurePosixPath(name).name == "labels.csv"]
    names = [name for name in files.names if name.lower().endswith(_IMAGE_SUFFIXES)]
    if not names:
        raise DataError(f"{path}: holds no images", "give class folders, or images with a labels.csv")
    labels: npt.NDArray[np.int64] | None
    if tables:
        names, labels = _labelled(files, path, tables[0], set(names))
    else:
        folders = [PurePosixPath(name).parent.name for name in names]
        labels = _folder_labels(folders)
    source = _Images(files, path, names, labels, digest=files.digest())
    source.sample_shape = tuple(source.array(0).shape)
    return source


def _labelled(
    files: "_Folder | _Archive", path: Path, table: str, names: set[str]
) -> tuple[list[str], npt.NDArray[np.int64]]:
    try:
        rows = list(csv.DictReader(io.StringIO(files.read(table).decode("utf-8-sig"))))
        pairs = [(row["file"], int(row["label"])) for row in rows]
    except (KeyError, ValueError, UnicodeDecodeError) as error:
        raise DataError(f"{path}: labels.csv needs the columns file and label, with whole numbers") from error
    folder = PurePosixPath(table).parent
    found = []
    for file, _ in pairs:
        places = [str(folder / file), str(folder / "images" / file)]
        name = next((place for place in places if place in names), None)
        if name is None:
            raise DataError(f"{path}: labels.csv names {file!r}, which is not there", "correct the table")
        found.append(name)
    return found, np.array([label for _, label in pairs], np.int64)


def _folder_labels(folders: Sequence[str]) -> npt.NDArray[np.int64] | None:
    """Labels from `<label>_<name>` folders, or by sorted names; None without folders."""
    distinct = sorted(set(folders))
    if distinct in ([""], ["images"]):
        return None
    heads = {name: name.split("_", 1)[0] for name in distinct}
    if all(head.isdigit() for head in heads.values()):
        return np.array([int(heads[name]) for name in folders], np.int64)
    number = {name: index for index, name in enumerate(distinct)}
    return np.array([number[name] for name in folders], np.int64)


def _npz(path: Path) -> Source:
    try:
        with np.load(path, allow_pickle=False) as file:
            arrays = {name: file[name] for name in file.files}
    except (OSError, ValueError, zipfile.BadZipFile) as error:
        raise DataError(
            f"{path}: not a readable .npz ({error})", "write it with numpy.savez, without objects"
        ) from error
    if "x" not in arrays:
        raise DataError(f"{path}: has no array `x`", "name the samples x and the labels y")
    x, y = arrays["x"], arrays.get("y")
    if y is not None and (y.ndim != 1 or len(y) != len(x) or y.dtype.kind not in "iu"):
        raise DataError(f"{path}: `y` must be {len(x)} whole numbers, one for each sample")
    if x.ndim == 3 and x.dtype == np.uint8:
        x = x[..., None]
    elif x.ndim == 4 and x.dtype == np.uint8 and x.shape[1] in (1, 3) and x.shape[3] not in (1, 3):
        x = np.ascontiguousarray(x.transpose(0, 2, 3, 1))
    return _Arrays(x, None if y is None else y.astype(np.int64), digest_of_file(path))


def _idx(path: Path) -> Source:
    images = _read_idx(path)
    label_path = path.with_name(path.name.replace("images", "labels").replace("idx3", "idx1"))
    labels = _read_idx(label_path) if label_path != path and label_path.exists() else None
    if labels is not None and len(labels) != len(images):
        raise DataError(f"{label_path}: {len(labels)} labels for {len(images)} images")
    x = images[..., None] if images.ndim == 3 else images
    return _Arrays(x, None if labels is None else labels.astype(np.int64), digest_of_file(path))


def _read_idx(path: Path) -> npt.NDArray[np.uint8]:
    """An idx file, gzip-compressed or not. Source: the format's description on the MNIST page."""
    try:
        data = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
        zeros, kind, num_dims = struct.unpack(">HBB", data[:4])
        shape = struct.unpack(f">{num_dims}I", data[4 : 4 + 4 * num_dims])
        if zeros != 0 or kind != 8:
            raise DataError(f"{path}: not an idx file of bytes", "give MNIST's idx3-ubyte file")
        return np.frombuffer(data, np.uint8, offset=4 + 4 * num_dims).reshape(shape)
    except (OSError, EOFError, struct.error, ValueError) as error:
        raise DataError(f"{path}: not a readable idx file ({error})", "copy it again") from error
