"""Long runs: one row each, with progress, time left and Cancel."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtWidgets import QGridLayout, QProgressBar, QPushButton, QScrollArea, QVBoxLayout, QWidget

from workbench.gui.theme import Theme
from workbench.gui.widgets.card import make_label
from workbench.gui.widgets.elided_label import ElidedLabel

_KEPT_DONE = 8
_LEAST_NAME, _LEAST_RESULT = 80, 120
_LEFT, _BUTTON = 3, 4


@dataclass(slots=True)
class _Row:
    """The widgets of one job; the window's own state, not a value that is passed on."""

    name: ElidedLabel
    text: ElidedLabel
    bar: QProgressBar
    left: ElidedLabel
    button: QPushButton
    started: float
    fraction: float = 0.0
    running: bool = True
    tone: str = "accent"


class JobsPanel(QWidget):
    """Rows by job id, newest at the top; finished ones stay until eight newer ones have finished.

    Args:
        clock: seconds; replaced in tests.
    """

    cancel_wished = Signal(int)

    def __init__(
        self, theme: Theme, parent: QWidget | None = None, clock: Callable[[], float] = time.monotonic
    ) -> None:
        super().__init__(parent)
        self._theme = theme
        self._clock = clock
        self._rows: dict[int, _Row] = {}
        inside = QWidget(self)
        self._grid = QGridLayout()
        self._grid.setColumnMinimumWidth(0, _LEAST_NAME)
        for place, stretch in ((1, 3), (2, 2), (_LEFT, 4)):
            self._grid.setColumnStretch(place, stretch)
        self._grid.setHorizontalSpacing(10)
        self.empty = make_label("Nothing is running. Evaluations, measurements and exports appear here.", "muted", self)
        self.empty.setWordWrap(True)
        column = QVBoxLayout(inside)
        column.addWidget(self.empty)
        column.addLayout(self._grid)
        column.addStretch(1)
        scroll = QScrollArea(self, widgetResizable=True)
        # What does not fit is cut in its place: nobody scrolls sideways for a result.
        scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        scroll.setWidget(inside)
        scroll.viewport().setAutoFillBackground(False)
        inside.setAutoFillBackground(False)
        outer = QVBoxLayout(self)
        outer.setContentsMargins(2, 0, 2, 0)
        outer.addWidget(scroll)
        self._tick = QTimer(self, interval=500)
        theme.changed.connect(self._dress)
        self._tick.timeout.connect(self._show_time_left)

    @property
    def num_running(self) -> int:
        """How many jobs have not ended."""
        return sum(row.running for row in self._rows.values())

    def row_texts(self, job: int) -> tuple[str, str, str]:
        """Name, text and state of a job's row. Raises KeyError if there is none."""
        row = self._rows[job]
        return row.name.text(), row.text.text(), row.left.text()

    def start(self, job: int, name: str) -> None:
        """A job has begun; one that is known begins again in its row."""
        if job in self._rows:
            self._begin_again(self._rows[job])
            return
        self.empty.hide()
        bar = QProgressBar(self, maximum=1000, textVisible=False)
        bar.setMinimumWidth(40)
        button = QPushButton("Cancel", self)
        button.setAccessibleName(f"Cancel {name}")
        button.setProperty("job", job)
        # Its place stays when there is nothing left to cancel: rows that jump about are hard to read.
        self._grid.setColumnMinimumWidth(_BUTTON, button.sizeHint().width())
        button.clicked.connect(self._on_cancel)
        row = _Row(
            ElidedLabel(name, "strong", self, least=_LEAST_NAME),
            ElidedLabel("", "muted", self),
            bar,
            ElidedLabel("", "", self, least=_LEAST_RESULT),
            button,
            self._clock(),
        )
        self._rows[job] = row
        self._arrange()
        self._dress()
        self._tick.start()

    def _begin_again(self, row: _Row) -> None:
        row.running, row.fraction, row.started, row.tone = True, 0.0, self._clock(), "accent"
        row.bar.setValue(0)
        row.left.setText("")
        row.button.setEnabled(True)
        row.button.setText("Cancel")
        row.button.show()
        self._arrange()
        self._dress()
        self._tick.start()

    def progress(self, job: int, fraction: float, text: str) -> None:
        """A job is this far, 0…1."""
        row = self._rows.get(job)
        if row is not None and row.running:
            row.fraction = fraction
            row.bar.setValue(round(1000 * fraction))
            row.text.setText(text)
            row.text.setToolTip(text)

    def finish(self, job: int, text: str, tone: str = "good") -> None:
        """A job has ended; the text says how, in the colour of a token."""
        row = self._rows.get(job)
        if row is None or not row.running:
            return
        row.running = False
        if tone in ("good", "warn"):
            row.bar.setValue(1000)
        row.left.setText(text)
        row.left.setToolTip(text)
        row.tone = tone
        self._dress()
        row.button.hide()
        self._grid.removeWidget(row.button)
        self._forget_old()
        self._arrange()
        if not self.num_running:
            self._tick.stop()

    def forget_done(self) -> None:
        """Take away the rows of jobs that have ended: what they tell is of a model that is no longer open."""
        self._forget([job for job, row in self._rows.items() if not row.running])
        self.empty.setVisible(not self._rows)

    def _dress(self) -> None:
        for row in self._rows.values():
            weight = 400 if row.running else 600
            row.left.setStyleSheet(f"color: {getattr(self._theme.tokens, row.tone)}; font-weight: {weight};")

    def _arrange(self) -> None:
        for number, row in enumerate(reversed(self._rows.values())):
            for column, widget in enumerate((row.name, row.text, row.bar)):
                self._grid.addWidget(widget, number, column)
            # Rows keep their place as well where a button goes.
            self._grid.setRowMinimumHeight(number, row.button.sizeHint().height())
            # A result has the button's room.
            self._grid.addWidget(row.left, number, _LEFT, 1, 1 if row.running else 2)
            if row.running:
                self._grid.addWidget(row.button, number, _BUTTON)

    def _forget_old(self) -> None:
        done = [job for job, row in self._rows.items() if not row.running]
        self._forget(done[:-_KEPT_DONE])

    def _forget(self, jobs: Sequence[int]) -> None:
        for job in jobs:
            row = self._rows.pop(job)
            for widget in (row.name, row.text, row.bar, row.left, row.button):
                self._grid.removeWidget(widget)
                widget.deleteLater()

    def _show_time_left(self) -> None:
        for row in self._rows.values():
            passed = self._clock() - row.started
            # Below two seconds or two hundredths the guess jumps about.
            if row.running and passed > 2 and row.fraction > 0.02:
                seconds = round(passed * (1 - row.fraction) / row.fraction)
                row.left.setText(f"{seconds // 60}:{seconds % 60:02d} left")

    def _on_cancel(self) -> None:
        button = self.sender()
        assert isinstance(button, QPushButton)
        button.setEnabled(False)
        button.setText("Stopping…")
        self.cancel_wished.emit(button.property("job"))
