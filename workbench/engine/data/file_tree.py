"""A folder or a zip archive seen as named files; archives are read in place and never trusted."""

import threading
import zipfile
import zlib
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import Protocol

from workbench.engine.core.digest import digest_of_bytes, digest_of_file, digest_of_json
from workbench.engine.core.errors import DataError

# A sample or a table of labels is smaller; an entry that claims more is a mistake or a decompression bomb.
LARGEST_FILE_BYTES = 256 << 20


class FileTree(Protocol):
    """Named files; the names are relative and use forward slashes."""

    @property
    def names(self) -> tuple[str, ...]:
        """All files, sorted; without hidden ones."""

    def read(self, name: str) -> bytes:
        """A file's bytes. Raises DataError."""

    def digest(self) -> str:
        """SHA-256 of all names and bytes."""


class Folder:
    """The files below a folder. Links are not followed: samples come from the folder alone."""

    def __init__(self, path: Path) -> None:
        self._path = path
        files = (item.relative_to(path) for item in path.rglob("*") if item.is_file() and not item.is_symlink())
        self.names = tuple(sorted(item.as_posix() for item in files if not _is_hidden(item.as_posix())))

    def read(self, name: str) -> bytes:
        """A file's bytes. Raises DataError."""
        try:
            return (self._path / name).read_bytes()
        except OSError as error:
            raise DataError(f"{self._path}: {name} cannot be read ({error.strerror})", "check the file") from error

    def digest(self) -> str:
        """SHA-256 of all names and bytes."""
        return digest_of_json([(name, digest_of_bytes(self.read(name))) for name in self.names])


class Archive:
    """The entries of a zip file.

    Raises:
        DataError: it is damaged, or an entry's name leads out of the archive.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()
        try:
            self._zip = zipfile.ZipFile(path)
        except (zipfile.BadZipFile, ValueError, NotImplementedError) as error:
            raise DataError(f"{path}: the archive is damaged ({error})", "copy it again") from error
        self._entries = {item.filename: item for item in self._zip.infolist() if not item.is_dir()}
        for name in self._entries:
            if _leads_out(name):
                raise DataError(f"{path}: the entry {name!r} leads out of the archive", "make the archive anew")
        self.names = tuple(sorted(name for name in self._entries if not _is_hidden(name)))

    def read(self, name: str) -> bytes:
        """An entry's bytes. Raises DataError."""
        size = self._entries[name].file_size
        if size > LARGEST_FILE_BYTES:
            raise DataError(f"{self._path}: {name} claims {size:,} bytes, too many for a sample", "remove it")
        try:
            # One file position is shared by all readers.
            with self._lock:
                return self._zip.read(name)
        except (zipfile.BadZipFile, zlib.error, OSError, EOFError, RuntimeError, NotImplementedError) as error:
            raise DataError(f"{self._path}: {name} cannot be read ({error})", "make the archive anew") from error

    def digest(self) -> str:
        """SHA-256 of the archive's own bytes."""
        return digest_of_file(self._path)


def _leads_out(name: str) -> bool:
    """Whether a name is absolute, on some system, or climbs up."""
    windows = PureWindowsPath(name)
    return bool(windows.drive or windows.root) or ".." in windows.parts


def _is_hidden(name: str) -> bool:
    """What file managers leave behind: `.DS_Store`, `__MACOSX/._image.jpg`."""
    return any(part.startswith(".") or part == "__MACOSX" for part in PurePosixPath(name).parts)
