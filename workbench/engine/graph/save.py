"""Writing a model: the same bytes each time, and either the whole file or none."""

import contextlib
import os
import tempfile
from collections.abc import Iterable
from pathlib import Path

import onnx

from workbench.engine.core.errors import ExportError, ModelError

_LARGEST_BYTES = 2**31 - 1


def serialize(proto: onnx.ModelProto) -> bytes:
    """The model's bytes. Raises ModelError for a model of 2 GiB or more, which one file cannot hold."""
    if proto.ByteSize() > _LARGEST_BYTES:
        raise ModelError("the model is larger than 2 GiB, more than one ONNX file can hold", "compress it further")
    return bytes(proto.SerializeToString(deterministic=True))


def check_target(path: Path, *, force: bool = False, inputs: Iterable[Path] = ()) -> None:
    """Look ahead whether a file can be written there, so that nobody waits for a result that cannot be kept.

    Args:
        path: the target.
        force: a file that is there may be overwritten.
        inputs: files that are read and so must not be overwritten, not even with force.

    Raises:
        ExportError: the target is an input, exists, is a folder, or lies in no folder that can be written to.
    """
    if path.is_dir():
        raise ExportError(f"{path}: is a folder", "give the name of a file")
    if path.exists():
        for other in inputs:
            if other.exists() and path.samefile(other):
                raise ExportError(f"{path}: is one of the files that are read", "choose another name")
        if not force:
            raise ExportError(f"{path}: already exists", "choose another name, or overwrite with --force")
    if not path.parent.is_dir():
        raise ExportError(f"{path}: there is no folder {path.parent}", "make the folder, or choose another")
    if not os.access(path.parent, os.W_OK):
        raise ExportError(f"{path}: its folder cannot be written to", "check its permissions, or choose another")


def write_atomically(path: Path, data: bytes, *, force: bool = False) -> None:
    """Write a file whole: beside the target first, then renamed.

    Args:
        path: the target.
        data: its bytes.
        force: overwrite a file that is there.

    Raises:
        ExportError: the target exists, or cannot be written; nothing is left behind.
    """
    if path.exists() and not force:
        raise ExportError(f"{path}: already exists", "choose another name, or overwrite with --force")
    temporary = ""
    try:
        with tempfile.NamedTemporaryFile(dir=path.parent, prefix=f".{path.name}.", delete=False) as file:
            temporary = file.name
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        Path(temporary).chmod(0o644)
        Path(temporary).replace(path)
        temporary = ""
    except OSError as error:
        reason = error.strerror or str(error)
        raise ExportError(
            f"{path}: cannot be written ({reason})", "check the folder, its permissions and free space"
        ) from error
    finally:
        # Not only after an OSError: somebody may have pressed Ctrl-C.
        if temporary:
            with contextlib.suppress(OSError):
                Path(temporary).unlink()
