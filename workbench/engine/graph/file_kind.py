"""What a file that should be an ONNX model really is, told from its first bytes."""

from pathlib import Path

from workbench.engine.core.errors import ModelError

_EXPORT_HINT = "export the model to ONNX and open the .onnx file"
_STARTS = (
    (b"version https://git-lfs", "is a Git LFS pointer, not the model", "run `git lfs pull` to fetch the model"),
    (b"PK\x03\x04", "is a zip archive (a PyTorch checkpoint is one too)", _EXPORT_HINT),
    (b"\x1f\x8b", "is gzip-compressed", "unpack it first"),
    (b"\x89HDF", "is an HDF5 file", _EXPORT_HINT),
    (b"<", "is a web page or XML, not a model", "download the model file itself"),
    (b"\x80\x02", "is a pickle, which could run code and is never opened", _EXPORT_HINT),
    (b"\x80\x04", "is a pickle, which could run code and is never opened", _EXPORT_HINT),
)


def check_file_kind(path: Path) -> None:
    """Raise ModelError if the file is missing, empty, or plainly something other than ONNX."""
    if not path.exists():
        raise ModelError(f"{path}: there is no such file", "check the path")
    if not path.is_file():
        raise ModelError(f"{path}: not a file", "give the path of an .onnx file")
    try:
        with path.open("rb") as file:
            start = file.read(64)
    except OSError as error:
        raise ModelError(f"{path}: cannot be read ({error.strerror})", "check the file's permissions") from error
    if not start:
        raise ModelError(f"{path}: the file is empty", "copy or export it again")
    if start[4:8] == b"TFL3":
        raise ModelError(f"{path}: is a TensorFlow Lite model", _EXPORT_HINT)
    for prefix, what, hint in _STARTS:
        if start.lstrip().startswith(prefix):
            raise ModelError(f"{path}: {what}", hint)
    if not start.strip(b"\0"):
        raise ModelError(f"{path}: holds nothing but zeros", "copy or export it again")
