"""A dialog beside the window that shows what a job measures: its progress, how it ended, and buttons to go on."""

from collections.abc import Sequence

from PySide6.QtCore import Signal, Slot
from PySide6.QtWidgets import (
    QAbstractItemView,
    QDialog,
    QHBoxLayout,
    QHeaderView,
    QProgressBar,
    QPushButton,
    QTableWidget,
    QVBoxLayout,
    QWidget,
)

from workbench.gui.theme import Theme
from workbench.gui.widgets.banner import Banner
from workbench.gui.widgets.card import make_label


class MeasuredDialog(QDialog):
    """What such dialogs share; a derived one shows the figures and asks by `apply_wished(what)` to take them over.

    Args:
        theme: of the banner.
        title: of the window.
        explanation: what is measured, over everything else.
        apply_text: of the button that takes the figures over.
        parent: the window.
    """

    apply_wished = Signal(object)
    measure_wished = Signal()
    cancel_wished = Signal()
    _end_headline = "Not measured"

    def __init__(
        self, theme: Theme, title: str, explanation: str, apply_text: str, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self._is_running = False
        self.setWindowTitle(title)
        self.setModal(False)
        self._explanation = make_label(explanation, "muted", self)
        self._explanation.setWordWrap(True)
        self.banner = Banner(theme, self)
        self.bar = QProgressBar(self, maximum=1000, textVisible=False)
        self.progress_text = make_label("", "muted", self)
        self.close_button = QPushButton("Close", self)
        self.again = QPushButton("Measure again", self)
        self.apply = QPushButton(apply_text, self)
        self.again.clicked.connect(self.measure_wished)
        self.close_button.clicked.connect(self._on_close)

    def _lay_out(self, *content: tuple[QWidget, int]) -> None:
        """Put the derived dialog's widgets, each with its stretch, between the progress and the buttons."""
        buttons = QHBoxLayout()
        buttons.addStretch(1)
        for button in (self.close_button, self.again, self.apply):
            buttons.addWidget(button)
        column = QVBoxLayout(self)
        column.setContentsMargins(16, 14, 16, 14)
        column.setSpacing(10)
        over = (self._explanation, self.banner, self.bar, self.progress_text)
        for widget, stretch in (*((one, 0) for one in over), *content):
            column.addWidget(widget, stretch)
        column.addLayout(buttons)

    @property
    def is_running(self) -> bool:
        """Whether it is still being measured."""
        return self._is_running

    def begin(self) -> None:
        """Measuring has begun."""
        self._is_running = True
        self.bar.setValue(0)
        self.progress_text.setText("Starting…")
        self._show_state()

    def show_progress(self, fraction: float, text: str) -> None:
        """How far measuring is, 0…1."""
        self.bar.setValue(round(1000 * fraction))
        self.progress_text.setText(text)

    def show_recipe(self, recipe_digest: str) -> None:
        """This recipe lies on the bench; what was measured of another one says so."""
        raise NotImplementedError

    def show_end(self, text: str) -> None:
        """It did not come to its end, and why."""
        self._is_running = False
        self.banner.set_state("bad", self._end_headline, text)
        self._show_state()

    def _show_state(self) -> None:
        self.bar.setVisible(self._is_running)
        self.progress_text.setVisible(self._is_running)
        self.banner.setVisible(not self._is_running)
        self.close_button.setText("Cancel" if self._is_running else "Close")
        self.again.setEnabled(not self._is_running)

    @Slot()
    def _on_close(self) -> None:
        if self._is_running:
            self.cancel_wished.emit()
        else:
            self.close()


def figure_table(titles: Sequence[str], widths: Sequence[int], name: str, parent: QWidget) -> QTableWidget:
    """An empty table that is read, not edited; its last column takes the room that is left."""
    table = QTableWidget(0, len(titles), parent)
    table.setHorizontalHeaderLabels(list(titles))
    table.setAccessibleName(name)
    table.verticalHeader().hide()
    table.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
    table.setShowGrid(False)
    for column, width in enumerate(widths):
        table.setColumnWidth(column, width)
    table.horizontalHeader().setSectionResizeMode(len(titles) - 1, QHeaderView.ResizeMode.Stretch)
    return table
