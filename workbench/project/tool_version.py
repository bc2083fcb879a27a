"""Which program gives a figure: a measurement of other code is not taken for one of this code."""

import importlib.metadata
from functools import lru_cache
from pathlib import Path

import workbench
from workbench.engine.core.digest import digest_of_bytes

_ENGINE = Path(__file__).parents[1] / "engine"
_RUNTIMES = ("onnx", "onnxruntime")


@lru_cache(maxsize=1)
def tool_version() -> str:
    """Versions of this program and of what runs the models, as measurements record them.

    A checkout has the same version through many changes, so the engine's own source counts too.
    """
    versions = [f"workbench {workbench.__version__}"]
    sources = sorted(_ENGINE.rglob("*.py"))
    if sources:
        versions.append(f"engine {digest_of_bytes(*(path.read_bytes() for path in sources))[:12]}")
    for name in _RUNTIMES:
        try:
            versions.append(f"{name} {importlib.metadata.version(name)}")
        except importlib.metadata.PackageNotFoundError:
            continue
    return ", ".join(versions)
