"""Before a model is written: its bytes, the same each time, and whether the target can take them."""

import os
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


def check_onnx_name(path: Path, hint: str = "give the file the ending .onnx") -> None:
    """Look ahead whether a name says what will be in the file. Raises ExportError for another ending than .onnx."""
    check_ending(path, ".onnx", "an ONNX model", hint)


def check_ending(path: Path, suffix: str, what: str, hint: str = "") -> None:
    """Look ahead whether a name says what will be in the file.

    Args:
        path: the target.
        suffix: the ending that it should have, with its dot.
        what: what is written, such as "an ONNX model".
        hint: what to do; to give it that ending if not given.

    Raises:
        ExportError: the name has another ending.
    """
    # Not Path.suffix, which is .gz of a .tar.gz.
    if not path.name.lower().endswith(suffix.lower()) or len(path.name) == len(suffix):
        hint = hint or f"give the file the ending {suffix}"
        raise ExportError(f"{path}: what is written is {what}, which the ending would deny", hint)
