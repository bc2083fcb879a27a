"""Writing a file whole or not at all: beside the target first, and in its place when it is complete."""

import contextlib
import os
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

from workbench.engine.core.errors import ExportError


def write_whole(path: Path, data: bytes, *, force: bool = False) -> None:
    """Write a file.

    Args:
        path: the target.
        data: its bytes.
        force: overwrite a file that is there.

    Raises:
        ExportError: the target exists, or cannot be written; it is as it was, and nothing is left beside it.
    """
    _check_free(path, force=force)
    with written_beside(path, data) as written:
        put_in_place(written, path, force=force)


@contextlib.contextmanager
def written_beside(path: Path, data: bytes) -> Iterator[Path]:
    """A whole file of these bytes in the target's folder, which is gone afterwards unless it was put in place.

    Raises:
        ExportError: it cannot be written; nothing is left.
    """
    written: Path | None = None
    try:
        with (
            _export_errors(path),
            # Readers may go by the end of a name.
            tempfile.NamedTemporaryFile(
                dir=path.parent, prefix=f".{path.stem}.", suffix=path.suffix, delete=False
            ) as file,
        ):
            written = Path(file.name)
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        yield written
    finally:
        # Not only after an OSError: somebody may have pressed Ctrl-C. After a rename there is nothing to remove.
        if written is not None:
            with contextlib.suppress(OSError):
                written.unlink()


def make_whole(path: Path, make: Callable[[Path], None], *, force: bool = False) -> None:
    """Have somebody else's code make a file: in a folder of its own beside the target, whatever it leaves there.

    Args:
        path: the target.
        make: called with the file to make, which has the target's name.
        force: overwrite a file that is there.

    Raises:
        ExportError: the target exists or cannot be written, or no file was made.
    """
    _check_free(path, force=force)
    with _export_errors(path):
        folder = tempfile.TemporaryDirectory(dir=path.parent, prefix=f".{path.stem}.")
    with folder:
        made = Path(folder.name) / path.name
        make(made)
        if not made.is_file():
            raise ExportError(f"{path}: what should write it has made no file", "look for a newer plugin")
        put_in_place(made, path, force=force)


def put_in_place(written: Path, path: Path, *, force: bool = False) -> None:
    """Give a file that lies beside the target its name.

    Raises:
        ExportError: the target exists and may not be overwritten, or cannot be.
    """
    _check_free(path, force=force)
    with _export_errors(path):
        # A temporary file is its owner's only; what people write is as readable as other documents.
        written.chmod(path.stat().st_mode & 0o777 if path.exists() else 0o644)
        written.replace(path)


def _check_free(path: Path, *, force: bool) -> None:
    if path.exists() and not force:
        raise ExportError(f"{path}: already exists", "choose another name, or overwrite with --force")


@contextlib.contextmanager
def _export_errors(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        reason = error.strerror or str(error)
        raise ExportError(
            f"{path}: cannot be written ({reason})", "check the folder, its permissions and free space"
        ) from error
