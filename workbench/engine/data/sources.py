"""Where samples come from: class folders, archives, arrays and idx files, all read in place."""

import zipfile
from pathlib import Path

from workbench.engine.core.errors import DataError
from workbench.engine.data.array_source import ArraySource
from workbench.engine.data.file_tree import Archive, Folder
from workbench.engine.data.idx_source import is_idx, open_idx
from workbench.engine.data.image_source import ImageSource, open_images
from workbench.engine.data.npz_source import open_npz

Source = ImageSource | ArraySource


def open_source(path: Path) -> Source:
    """The samples at a path, without decoding them.

    Raises:
        DataError: there is nothing at the path, it cannot be read, or it holds no samples.
    """
    if not path.exists():
        raise DataError(f"{path}: there is no such file or folder", "check the path of the data")
    if path.is_dir():
        return open_images(Folder(path), path)
    try:
        if path.suffix.lower() == ".npz":
            return open_npz(path)
        if is_idx(path):
            return open_idx(path)
        if zipfile.is_zipfile(path) or path.suffix.lower() == ".zip":
            return open_images(Archive(path), path)
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror or error})", "check the file") from error
    raise DataError(f"{path}: not a known kind of data", "give a folder, a .zip, an .npz or an idx file")
