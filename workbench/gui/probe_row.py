"""A row among the jobs for what is measured at once, where that turns out to take long."""

from PySide6.QtCore import QObject, QTimer, Signal, Slot

from workbench.gui.running_jobs import RunningJobs
from workbench.jobs import Progress

_TITLE = "Preview"
# A probe takes a fifth of a second; what is still under way by then calibrates or learns.
_LONG_MS = 500


class ProbeRow(QObject):
    """Says nothing of probes that are quick. `said(text)` is what the others are doing."""

    said = Signal(str)

    def __init__(self, jobs: RunningJobs, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._jobs = jobs
        self.number = jobs.new_number()
        self.is_shown = False
        self._last: Progress | None = None
        self._long = QTimer(self, interval=_LONG_MS, singleShot=True)
        self._long.timeout.connect(self._show)

    def begin(self) -> None:
        """A probe has begun; the one before, if it still ran, was given up for it."""
        self._last = None
        if not self.is_shown:
            self._long.start()

    def progress(self, progress: Progress) -> None:
        """The probe is this far."""
        self._last = progress
        if self.is_shown:
            self._say(progress)

    def end(self, text: str, tone: str) -> None:
        """The probe has ended: how, and in which tone."""
        self._long.stop()
        if self.is_shown:
            self.is_shown = False
            self._jobs.finished.emit(self.number, text, tone)

    @Slot()
    def _show(self) -> None:
        self.is_shown = True
        self._jobs.started.emit(self.number, _TITLE)
        if self._last is not None:
            self._say(self._last)

    def _say(self, progress: Progress) -> None:
        self._jobs.progressed.emit(self.number, progress)
        self.said.emit(progress.text)
