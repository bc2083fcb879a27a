"""Images in a folder or an archive, labelled by class folders or by a table."""

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import numpy as np
import numpy.typing as npt

from workbench.engine.core.errors import DataError
from workbench.engine.data.file_tree import FileTree

_IMAGE_SUFFIXES = (".jpg", ".jpeg", ".png", ".bmp", ".webp", ".gif", ".ppm", ".pgm", ".tif", ".tiff")


@dataclass(frozen=True, slots=True, eq=False)
class ImageSource:
    """Encoded images, read one at a time.

    Args:
        names: of the samples' files, in order.
        labels: of each sample, shape (N,); None if there are none.
        digest: SHA-256 of everything in the folder or archive.
    """

    path: Path
    files: FileTree
    names: tuple[str, ...]
    labels: npt.NDArray[np.int64] | None
    digest: str


def open_images(files: FileTree, path: Path) -> ImageSource:
    """The images of a folder or an archive, in the order of the table or sorted by name.

    Raises:
        DataError: there are no images, or the labels are not clear.
    """
    names = tuple(name for name in files.names if name.lower().endswith(_IMAGE_SUFFIXES))
    if not names:
        raise DataError(f"{path}: holds no images", "give class folders, or images with a labels.csv")
    tables = [name for name in files.names if PurePosixPath(name).name == "labels.csv"]
    if len(tables) > 1:
        raise DataError(f"{path}: holds {len(tables)} files labels.csv ({tables[0]}, {tables[1]})", "keep one")
    labels: npt.NDArray[np.int64] | None
    if tables:
        names, labels = _from_table(files, path, tables[0], frozenset(names))
    else:
        labels = _from_folders(path, names)
    return ImageSource(path, files, names, labels, files.digest())


def _from_table(
    files: FileTree, path: Path, table: str, names: frozenset[str]
) -> tuple[tuple[str, ...], npt.NDArray[np.int64]]:
    rows = _table_rows(files, path, table)
    folder = PurePosixPath(table).parent
    found = []
    for file, _ in rows:
        places = [str(folder / file), str(folder / "images" / file)]
        name = next((place for place in places if place in names), None)
        if name is None:
            raise DataError(f"{path}: {table} names {file!r}, which is not there", "correct the table")
        found.append(name)
    return tuple(found), np.array([label for _, label in rows], np.int64)


def _table_rows(files: FileTree, path: Path, table: str) -> list[tuple[str, int]]:
    try:
        reader = csv.DictReader(io.StringIO(files.read(table).decode("utf-8-sig")))
        if not {"file", "label"} <= set(reader.fieldnames or ()):
            raise DataError(f"{path}: {table} needs the columns file and label", "write `file,label` on its first line")
        rows = []
        for row in reader:
            label = (row["label"] or "").strip()
            # The 64-bit range itself is far beyond any network's outputs.
            if not label.lstrip("-").isdecimal() or len(label) > 18:
                raise DataError(f"{path}: {table}, line {reader.line_num}: {label!r} is no label", "use whole numbers")
            rows.append((row["file"], int(label)))
    except (UnicodeDecodeError, csv.Error) as error:
        raise DataError(f"{path}: {table} is no readable table ({error})", "save it as UTF-8") from error
    if not rows:
        raise DataError(f"{path}: {table} has no lines below its first", "add `file,label` lines")
    return rows


def _from_folders(path: Path, names: Sequence[str]) -> npt.NDArray[np.int64] | None:
    """Labels from `<label>_<name>` folders, or by sorted names; None where folders tell nothing."""
    folders = [PurePosixPath(name).parent.name for name in names]
    distinct = sorted(set(folders))
    heads = {name: name.split("_", 1)[0] for name in distinct}
    if all(head.isdecimal() for head in heads.values()):
        return np.array([int(heads[name]) for name in folders], np.int64)
    if len(distinct) == 1:
        return None
    if "" in distinct:
        stray = next(name for name, folder in zip(names, folders, strict=True) if not folder)
        raise DataError(f"{path}: {stray} is in no class folder, others are", "move it, or write a labels.csv")
    number = {name: index for index, name in enumerate(distinct)}
    return np.array([number[name] for name in folders], np.int64)
