"""What the engine can write a model as: ONNX from the start, the formats of plugins once it has been asked."""

from PySide6.QtCore import QObject, Signal

from workbench.engine.core.export_formats import ExportFormats
from workbench.gui.engine import Engine
from workbench.worker.messages import Failed


class KnownFormats(QObject):
    """`changed` when the engine has told its formats; `failed(text, details)` when it could not."""

    changed = Signal()
    failed = Signal(str, str)

    def __init__(self, engine: Engine, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._engine = engine
        self.found = ExportFormats()

    def ask(self) -> None:
        """Ask the engine, which loads its plugins at the first time."""
        self._engine.request("quick", "export_formats", on_done=self._on_done, on_failed=self._on_failed)

    def _on_done(self, found: object) -> None:
        assert isinstance(found, ExportFormats)
        if found != self.found:
            self.found = found
            self.changed.emit()

    def _on_failed(self, failure: Failed) -> None:
        self.failed.emit(failure.text, failure.details)
