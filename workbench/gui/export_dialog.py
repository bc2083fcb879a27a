"""Where to write, in which format and encoding; when it is written, whether the file is what the preview showed."""

from dataclasses import dataclass
from html import escape
from pathlib import Path

from PySide6.QtCore import QSignalBlocker, Qt, Signal, Slot
from PySide6.QtWidgets import (
    QDialog,
    QFormLayout,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QProgressBar,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from workbench.engine.core.export_formats import ONNX_FORMAT, ExportFormat, ExportFormats
from workbench.engine.core.recipe import ENCODINGS
from workbench.engine.core.reports import ApplyReport, FormatReport
from workbench.gui.export_outcome import outcome_of
from workbench.gui.file_dialogs import Asks
from workbench.gui.theme import SMALL_PIXELS, Theme
from workbench.gui.widgets.banner import Banner
from workbench.gui.widgets.card import make_label
from workbench.gui.widgets.combo import Combo
from workbench.gui.widgets.segmented import Segmented

_ENCODING_NOTES = {
    "auto": "The smallest encoding that runs at full speed, in standard ONNX operators.",
    "plain": "Only int4 and int8 containers with DequantizeLinear, for tools that do not fold constants.",
}


@dataclass(frozen=True, slots=True)
class ExportWish:
    """What the user wants written.

    Args:
        format_name: of the format; "onnx" for the built-in one.
        encoding: "auto" or "plain".
        force: whether a file that is there may be replaced.
    """

    path: Path
    format_name: str
    encoding: str
    force: bool


class ExportDialog(QDialog):
    """Stays open and usable while the file is written and verified; `export_wished(ExportWish)`."""

    export_wished = Signal(object)
    cancel_wished = Signal()

    def __init__(self, theme: Theme, asks: Asks, suggested: Path, encoding: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._asks = asks
        self._running = False
        self.setWindowTitle("Export")
        self.setMinimumWidth(560)
        self.setModal(False)
        self.path = QLineEdit(str(suggested), self)
        self.path.setAccessibleName("File to write")
        self.format = Combo(theme, self)
        self.format.setAccessibleName("Format")
        self.format_note = make_label("", "muted", self)
        self.format_note.setWordWrap(True)
        self.problems = make_label("", "muted", self)
        self.problems.setWordWrap(True)
        self.problems.hide()
        self.encoding = Segmented(theme, "Encoding", tuple((name, name.capitalize()) for name in ENCODINGS), self)
        self.note = make_label("", "muted", self)
        self.note.setWordWrap(True)
        self.banner = Banner(theme, self)
        self.bar = QProgressBar(self, maximum=1000, textVisible=False)
        self.progress_text = make_label("", "muted", self)
        self.outcome = QLabel(self)
        self.outcome.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.outcome.setWordWrap(True)
        # A line scrolls where it is too long for the dialog, and is copied in one piece.
        self.sha256 = QLineEdit(self, readOnly=True)
        self.sha256.setFont(theme.font(SMALL_PIXELS))
        self.sha256.setAccessibleName("SHA-256 of the written file")
        self.sha256_line = QWidget(self)
        self.close_button = QPushButton("Close", self)
        self.start = QPushButton("Export", self)
        self.start.setObjectName("primary")
        self.start.setDefault(True)
        self._lay_out()
        self.encoding.chosen.connect(self._on_encoding)
        self.start.clicked.connect(self._on_start)
        self.close_button.clicked.connect(self._on_close)
        self.encoding.set_value(encoding)
        self._on_encoding(encoding)
        self.show_formats(ExportFormats())
        self.format.currentIndexChanged.connect(self._on_format)
        for widget in (self.banner, self.bar, self.progress_text, self.outcome, self.sha256_line):
            widget.hide()

    def _lay_out(self) -> None:
        browse = QPushButton("Browse…", self)
        browse.setAutoDefault(False)
        browse.clicked.connect(self._on_browse)
        line = QHBoxLayout()
        line.addWidget(self.path, 1)
        line.addWidget(browse)
        form = QFormLayout()
        form.addRow("Format", self.format)
        form.addRow("", self.format_note)
        form.addRow("", self.problems)
        form.addRow("File", line)
        form.addRow("Encoding", self.encoding)
        form.addRow("", self.note)
        digest = QHBoxLayout(self.sha256_line)
        digest.setContentsMargins(0, 0, 0, 0)
        digest.addWidget(QLabel("SHA-256", self.sha256_line))
        digest.addWidget(self.sha256, 1)
        buttons = QHBoxLayout()
        buttons.addStretch(1)
        buttons.addWidget(self.close_button)
        buttons.addWidget(self.start)
        column = QVBoxLayout(self)
        column.setContentsMargins(16, 16, 16, 14)
        column.setSpacing(10)
        column.addLayout(form)
        for widget in (self.banner, self.bar, self.progress_text, self.outcome, self.sha256_line):
            column.addWidget(widget)
        column.addStretch(1)
        column.addLayout(buttons)

    @property
    def is_running(self) -> bool:
        """Whether a file is being written or verified."""
        return self._running

    def show_progress(self, fraction: float, text: str) -> None:
        """How far writing and verifying are, 0…1."""
        self.bar.setValue(round(1000 * fraction))
        self.progress_text.setText(text)

    def show_formats(self, found: ExportFormats) -> None:
        """Offer these formats; the one that is chosen stays."""
        chosen = self.format.currentData()
        with QSignalBlocker(self.format):
            self.format.clear()
            for entry in found.formats:
                self.format.addItem(f"{entry.name.upper()} ({entry.suffix})", entry)
            row = next((row for row, entry in enumerate(found.formats) if entry == chosen), 0)
            self.format.setCurrentIndex(row)
        self.problems.setText("\n".join(found.problems))
        self.problems.setVisible(bool(found.problems))
        self._on_format()

    def show_report(self, report: ApplyReport | FormatReport) -> None:
        """The file is written: what the comparison found, where there was one."""
        self._end()
        outcome = outcome_of(report)
        self.banner.set_state(outcome.tone, outcome.headline, outcome.detail)
        self.sha256.setText(outcome.sha256)
        self.sha256.setCursorPosition(0)
        self.sha256_line.setVisible(bool(outcome.sha256))
        style = "padding-right: 14px; white-space: nowrap"
        texts = ((escape(name), escape(value)) for name, value in outcome.lines)
        lines = (f"<tr><td style='{style}'>{name}</td><td><b>{value}</b></td></tr>" for name, value in texts)
        # A label that wraps does not tell the dialog how tall a table is.
        self.outcome.setWordWrap(False)
        self.outcome.setText(f"<table>{''.join(lines)}</table>")
        self.outcome.setVisible(True)
        self.adjustSize()

    def show_failure(self, text: str) -> None:
        """Nothing was written: why."""
        self._end()
        self.banner.set_state("bad", "Export failed", "nothing was written")
        self.outcome.setWordWrap(True)
        self.outcome.setText(text)
        self.outcome.setVisible(True)
        # Only now is it known how tall the text is: without the room, the lines above would be squeezed.
        self.adjustSize()

    def show_stopped(self) -> None:
        """The user has stopped it, which is no failure."""
        self._end()
        self.banner.set_state("accent", "Export stopped", "nothing was written; what was there before stays")
        self.adjustSize()

    def _end(self) -> None:
        self._running = False
        self.bar.hide()
        self.progress_text.hide()
        self.banner.show()
        self.start.setEnabled(True)
        self.start.setText("Export again")
        self.close_button.setText("Close")
        self.adjustSize()

    @Slot()
    def _on_start(self) -> None:
        path = Path(self.path.text()).expanduser()
        if not self.path.text().strip():
            self.show_failure("No file name; type where to write")
            return
        force = path.exists()
        if force and not self._asks.ask_overwrite(self, path):
            return
        self._running = True
        for widget in (self.banner, self.outcome, self.sha256_line):
            widget.hide()
        self.bar.setValue(0)
        self.bar.show()
        self.progress_text.setText("Starting…")
        self.progress_text.show()
        self.start.setEnabled(False)
        self.close_button.setText("Cancel")
        self.export_wished.emit(ExportWish(path, self._chosen().name, str(self.encoding.value), force))

    @Slot()
    def _on_close(self) -> None:
        if self._running:
            self.cancel_wished.emit()
        else:
            self.close()

    @Slot()
    def _on_browse(self) -> None:
        chosen = self._chosen()
        file_filter = f"{chosen.name.upper()} model (*{chosen.suffix})"
        path = self._asks.ask_save(self, "Export", self.path.text(), file_filter)
        if path is not None:
            self.path.setText(str(path))

    def _chosen(self) -> ExportFormat:
        return self.format.currentData() or ONNX_FORMAT

    @Slot()
    def _on_format(self) -> None:
        """The file's name ends as the format's files do; a name of the user's own is left to them."""
        chosen, name = self._chosen(), self.path.text()
        endings = (self.format.itemData(row).suffix for row in range(self.format.count()))
        old = next((ending for ending in endings if name.endswith(ending)), None)
        if old is not None:
            self.path.setText(name.removesuffix(old) + chosen.suffix)
        self.format_note.setText(chosen.summary)

    @Slot(object)
    def _on_encoding(self, encoding: object) -> None:
        self.note.setText(_ENCODING_NOTES.get(str(encoding), ""))
