"""What a file or folder that was dropped, or given on the command line, is."""

from enum import Enum
from pathlib import Path

_SUFFIXES = {".onnx": "MODEL", ".ort": "MODEL", ".yaml": "RECIPE", ".yml": "RECIPE", ".wbproj": "PROJECT"}


class Kind(Enum):
    """What a path is opened as."""

    MODEL = "model"
    DATA = "data"
    RECIPE = "recipe"
    PROJECT = "project"


def kind_of(path: Path) -> Kind:
    """The kind by the name's end; folders, archives and all the rest are samples.

    >>> kind_of(Path("net.onnx"))
    <Kind.MODEL: 'model'>
    """
    if path.is_dir():
        return Kind.DATA
    return Kind[_SUFFIXES.get(path.suffix.lower(), "DATA")]


def in_opening_order(paths: list[Path]) -> list[Path]:
    """The paths so that each finds what it needs open: project, model, data, recipe."""
    order = (Kind.PROJECT, Kind.MODEL, Kind.DATA, Kind.RECIPE)
    return sorted(paths, key=lambda path: order.index(kind_of(path)))
