"""The samples that set ranges and rounding, where they are not the ones that are evaluated on."""

from collections.abc import Mapping
from pathlib import Path

from PySide6.QtCore import QObject, Signal

from workbench.engine.core.reports import DataInfo
from workbench.gui.one_opening import OneOpening
from workbench.worker.messages import Failed


class CalibrationData(QObject):
    """What the engine has open for calibration. `changed` when it is something else; `failed` when it stays."""

    changed = Signal()
    failed = Signal(str, str)

    def __init__(self, one: OneOpening, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._one = one
        self.info: DataInfo | None = None
        self.overrides: dict[str, object] = {}

    @property
    def digest(self) -> str:
        """Of the samples and their settings; "" where the open data is used."""
        return self.info.digest if self.info is not None else ""

    def open(self, path: str | Path, overrides: Mapping[str, object] | None = None) -> None:
        """Read samples; what is open stays until they are known to fit."""
        values = dict(overrides or {})

        def on_done(info: object) -> None:
            assert isinstance(info, DataInfo)
            self.take(info, values)

        self._one.ask(Path(path), "open_calibration", str(path), values, on_done=on_done, on_failed=self._on_failed)

    def close(self) -> None:
        """Calibrate on the open data again."""
        if self.info is not None:
            self._one.ask(
                Path(self.info.path), "close_calibration",
                on_done=lambda _: self.take(None, {}), on_failed=self._on_failed,
            )  # fmt: skip

    def take(self, info: DataInfo | None, overrides: Mapping[str, object]) -> None:
        """The engine has these open; None for no samples of their own."""
        is_other = info != self.info
        self.info, self.overrides = info, dict(overrides)
        if is_other:
            self.changed.emit()

    def _on_failed(self, failure: Failed) -> None:
        self.failed.emit(failure.text, failure.details)
