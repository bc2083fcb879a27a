"""What takes long, as the window shows it: rows of jobs, and the export dialog."""

from PySide6.QtCore import QObject, Signal, Slot
from PySide6.QtWidgets import QWidget

from workbench.engine.core.reports import ApplyReport, FormatReport
from workbench.gui.document import Document
from workbench.gui.export_dialog import ExportDialog, ExportWish
from workbench.gui.file_dialogs import Asks
from workbench.gui.panels.jobs import JobsPanel
from workbench.gui.script_text import output_path
from workbench.gui.theme import Theme
from workbench.jobs import Progress


class WindowJobs(QObject):
    """The window's slots for jobs. `logged(text)` is a line for the log; `began` when somebody has asked for a job."""

    logged = Signal(str)
    began = Signal()

    def __init__(self, document: Document, panel: JobsPanel, theme: Theme, asks: Asks, window: QWidget) -> None:
        super().__init__(window)
        self._document = document
        self._panel = panel
        self._theme = theme
        self._asks = asks
        self._window = window
        self._titles: dict[int, str] = {}
        self.export_dialog: ExportDialog | None = None
        document.jobs.started.connect(self._on_started)
        document.jobs.progressed.connect(self._on_progressed)
        document.jobs.finished.connect(self._on_finished)
        document.formats.changed.connect(self._on_formats)
        document.awaited.exported.connect(self._on_exported)
        document.awaited.export_failed.connect(self._on_export_failed)
        document.awaited.export_stopped.connect(self._on_export_stopped)
        document.model_changed.connect(panel.forget_done)
        panel.cancel_wished.connect(document.awaited.cancel)

    @Slot()
    def evaluate(self) -> None:
        """Measure the accuracy on all samples."""
        self.began.emit()
        self._document.awaited.evaluate(self._document.recipe)

    @Slot()
    def measure_latency(self) -> None:
        """Time the model on this computer."""
        self.began.emit()
        self._document.awaited.measure_latency(self._document.recipe)

    @Slot()
    def measure_sqnr(self) -> None:
        """Measure the SQNR of every layer."""
        self.began.emit()
        self._document.awaited.measure_sqnr(self._document.recipe)

    @Slot()
    def export(self) -> None:
        """Open the export dialog."""
        model = self._document.model
        if model is None:
            return
        if self.export_dialog is None:
            encoding = self._document.recipe.encoding
            dialog = ExportDialog(self._theme, self._asks, output_path(model.path), encoding, self._window)
            dialog.show_formats(self._document.formats.found)
            dialog.export_wished.connect(self._on_export_wished)
            dialog.cancel_wished.connect(self._document.awaited.cancel_export)
            dialog.finished.connect(self._on_export_closed)
            self.export_dialog = dialog
            self._document.formats.ask()
        self.export_dialog.show()
        self.export_dialog.raise_()

    @Slot()
    def _on_formats(self) -> None:
        if self.export_dialog is not None:
            self.export_dialog.show_formats(self._document.formats.found)

    @Slot(object)
    def _on_export_wished(self, wish: ExportWish) -> None:
        document = self._document
        document.set_encoding(wish.encoding)
        document.awaited.export(document.recipe, wish.path, force=wish.force, format_name=wish.format_name)

    @Slot()
    def _on_export_closed(self) -> None:
        if self.export_dialog is not None:
            self.export_dialog.deleteLater()
            self.export_dialog = None

    @Slot(object)
    def _on_exported(self, report: ApplyReport | FormatReport) -> None:
        if isinstance(report, FormatReport) or report.is_written:
            self.logged.emit(f"wrote {report.output_path}, SHA-256 {report.output_sha256}")
        if self.export_dialog is not None:
            self.export_dialog.show_report(report)

    @Slot(str, str)
    def _on_export_failed(self, text: str, details: str) -> None:
        if self.export_dialog is not None:
            self.export_dialog.show_failure(text)

    @Slot()
    def _on_export_stopped(self) -> None:
        if self.export_dialog is not None:
            self.export_dialog.show_stopped()

    @Slot(int, str)
    def _on_started(self, job: int, title: str) -> None:
        self._titles[job] = title
        self._panel.start(job, title)

    @Slot(int, object)
    def _on_progressed(self, job: int, progress: Progress) -> None:
        self._panel.progress(job, progress.fraction, progress.text)
        if (
            job == self._document.awaited.export_job
            and self.export_dialog is not None
            and self.export_dialog.is_running
        ):
            self.export_dialog.show_progress(progress.fraction, progress.text)

    @Slot(int, str, str)
    def _on_finished(self, job: int, text: str, tone: str) -> None:
        self._panel.finish(job, text, tone)
        # What an edit has cut short is no event.
        if tone != "muted":
            self.logged.emit(f"{self._titles.get(job, 'job')}: {text}")
