"""Which program gives a figure: a measurement of other code is not taken for one of this code."""

import importlib.metadata
from functools import lru_cache
from pathlib import Path

import workbench
from workbench.engine.core.digest import digest_of_bytes
from workbench.project.criterion_plugins import criterion_plugins

_PACKAGE = Path(__file__).parents[1]
_RUNTIMES = ("onnx", "onnxruntime")


@lru_cache(maxsize=1)
def tool_version() -> str:
    """Versions of this program, of what runs the models and of what chooses channels, as measurements record them."""
    versions = [f"workbench {workbench.__version__}"]
    if source := source_digest(_PACKAGE):
        versions.append(f"engine {source[:12]}")
    for name in _RUNTIMES:
        try:
            versions.append(f"{name} {importlib.metadata.version(name)}")
        except importlib.metadata.PackageNotFoundError:
            continue
    return ", ".join((*versions, *criterion_plugins()))


def source_digest(package: Path) -> str:
    """Names the source that measures, "" where none lies there: a checkout has one version through many changes.

    That is the engine, what drives it, and the verbs; what asks and what shows it has no say in a figure.

    Args:
        package: the folder of the program's modules.
    """
    sources = [*package.glob("*.py"), *(package / "engine").rglob("*.py"), *(package / "session").rglob("*.py")]
    return digest_of_bytes(*(path.read_bytes() for path in sorted(sources))) if sources else ""
