"""A session for the worker's child that tells what lies on its bench."""

from workbench.session import Session


class SessionThatTells(Session):
    """`open_path` is the path of the model that every verb works on."""

    def open_path(self) -> str:
        return str(self._bench.model.path)
