"""One opening at a time: what lies on the window's bench and on the engine's is then always the same."""

from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import QObject, Signal

from workbench.gui.engine import Engine
from workbench.worker.messages import Failed


class OneOpening(QObject):
    """Asks the engine to open something; whatever else is opened before its answer is refused with a line.

    `began` when the request goes out, `ended` when its answer has been laid on the bench or said;
    `refused(text, details)` for what has to wait, and for an opening that ended without an answer.
    """

    began = Signal()
    ended = Signal()
    refused = Signal(str, str)

    def __init__(self, engine: Engine, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._engine = engine
        self._path: Path | None = None
        self._replaces_model = False

    @property
    def is_running(self) -> bool:
        """Whether an answer is awaited."""
        return self._path is not None

    @property
    def replaces_model(self) -> bool:
        """Whether what is being opened clears the bench, so that an edit made now would be lost."""
        return self.is_running and self._replaces_model

    def may_begin(self, what: str | Path) -> bool:
        """Whether nothing is being opened; says so if something is."""
        if self._path is not None:
            self.refused.emit(f"{what}: wait until {self._path.name} is open, then try again", "")
        return self._path is None

    def ask(
        self,
        path: Path,
        verb: str,
        *args: object,
        on_done: Callable[[object], None],
        on_failed: Callable[[Failed], None],
        on_stopped: Callable[[str], None] | None = None,
        replaces_model: bool = False,
        **kwargs: object,
    ) -> None:
        """Send the request, unless another opening runs.

        Args:
            path: what is opened.
            verb: of the session, with its arguments.
            args: of the verb.
            on_done: called with the answer before `ended` goes out.
            on_failed: called with the failure, likewise.
            on_stopped: with the reason; without it, `refused` says it.
            replaces_model: whether the bench is cleared.
            kwargs: of the verb.
        """
        if not self.may_begin(path):
            return
        self._path, self._replaces_model = path, replaces_model
        self.began.emit()

        def done(value: object) -> None:
            on_done(value)
            self._end()

        def failed(failure: Failed) -> None:
            on_failed(failure)
            self._end()

        def stopped(why: str) -> None:
            if on_stopped is not None:
                on_stopped(why)
            else:
                self.refused.emit(f"{path}: not opened: {why}", "")
            self._end()

        self._engine.request(
            "quick", verb, *args,
            on_done=done, on_partial=None, on_progress=None, on_failed=failed, on_stopped=stopped, **kwargs,
        )  # fmt: skip

    def _end(self) -> None:
        self._path = None
        self.ended.emit()
