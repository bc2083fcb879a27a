"""Where to write, in which encoding, and, when it is written, whether the file is what the preview showed."""

from pathlib import Path

from PySide6.QtCore import Qt, Signal, Slot
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

from workbench.engine.core.format import format_bytes, format_figure, format_fraction, format_metric, format_nan
from workbench.engine.core.recipe import ENCODINGS
from workbench.engine.core.reports import ApplyReport
from workbench.gui.change_text import format_change
from workbench.gui.file_dialogs import Asks
from workbench.gui.theme import SMALL_PIXELS, Theme
from workbench.gui.widgets.banner import Banner
from workbench.gui.widgets.card import make_label
from workbench.gui.widgets.segmented import Segmented

_ENCODING_NOTES = {
    "auto": "The smallest encoding that runs at full speed, in standard ONNX operators.",
    "plain": "Only int4 and int8 containers with DequantizeLinear, for tools that do not fold constants.",
}


class ExportDialog(QDialog):
    """Stays open and usable while the file is written and verified; `export_wished(path, encoding, force)`."""

    export_wished = Signal(object, str, bool)
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

    def show_report(self, report: ApplyReport) -> None:
        """The file is written: what the comparison found."""
        self._end()
        verified = report.verified
        exact = f"{verified.counted}, largest difference {verified.max_abs_difference:.3g}"
        if verified.ok:
            self.banner.set_state("good", "Verified: the file is what you saw", exact)
        else:
            where = f"; first differs in {verified.first_difference}" if verified.first_difference else ""
            self.banner.set_state("bad", "Not written: the file would not be what you saw", exact + where)
        change = report.after.file_bytes / report.before.file_bytes - 1 if report.before.file_bytes else 0.0
        lines = [
            ("File", report.output_path.name if report.is_written else "not written; what was there before stays"),
            (
                "Size",
                f"{format_bytes(report.before.file_bytes)} → {format_bytes(report.after.file_bytes)}"
                f" ({format_change(change)})",
            ),
            ("Preview said", format_bytes(report.preview_bytes)),
            ("Same answers", f"{format_fraction(verified.agreement)} of {verified.counted}"),
            ("Largest difference", f"{verified.max_abs_difference:.3g}"),
        ]
        if verified.num_nan:
            lines.append(("Not numbers", format_nan(verified.num_nan, verified.samples)))
        self.sha256.setText(report.output_sha256)
        self.sha256.setCursorPosition(0)
        self.sha256_line.setVisible(report.is_written)
        if report.after.accuracy is not None:
            lines.insert(3, (format_metric(report.metric), format_figure(report.after.accuracy)))
        style = "padding-right: 14px; white-space: nowrap"
        rows = "".join(f"<tr><td style='{style}'>{name}</td><td><b>{value}</b></td></tr>" for name, value in lines)
        # A label that wraps does not tell the dialog how tall a table is.
        self.outcome.setWordWrap(False)
        self.outcome.setText(f"<table>{rows}</table>")
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
        self.export_wished.emit(path, self.encoding.value, force)

    @Slot()
    def _on_close(self) -> None:
        if self._running:
            self.cancel_wished.emit()
        else:
            self.close()

    @Slot()
    def _on_browse(self) -> None:
        path = self._asks.ask_save(self, "Export", self.path.text(), "ONNX model (*.onnx)")
        if path is not None:
            self.path.setText(str(path))

    @Slot(object)
    def _on_encoding(self, encoding: object) -> None:
        self.note.setText(_ENCODING_NOTES.get(str(encoding), ""))
