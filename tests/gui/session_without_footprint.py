"""A session for the worker's child that reads models, and then cannot tell their bytes."""

from workbench.engine.compress.compressor import Compressor
from workbench.engine.core.errors import ModelError
from workbench.engine.core.reports import ModelFootprint
from workbench.session import Session


class SessionWithoutFootprint(Session):
    """Every footprint fails, as where memory runs out; `open_path` tells what lies on the bench."""

    def __init__(self) -> None:
        super().__init__()
        Compressor.footprint = _fail  # type: ignore[method-assign] # of this process alone

    def open_path(self) -> str:
        return str(self._bench.model.path)


def _fail(compressor: Compressor) -> ModelFootprint:
    raise ModelError("no memory is left", "close other programs")
