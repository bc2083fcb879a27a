"""Which layers should stay in float: what quantizing each costs, measured, and one button that takes it over."""

from PySide6.QtCore import Qt, Signal, Slot
from PySide6.QtWidgets import (
    QAbstractItemView,
    QDialog,
    QHBoxLayout,
    QHeaderView,
    QProgressBar,
    QPushButton,
    QTableWidget,
    QTableWidgetItem,
    QVBoxLayout,
    QWidget,
)

from workbench.engine.core.measurement import Figure
from workbench.engine.core.quantization_reports import FloatSuggestion, LayerEffect
from workbench.gui.theme import Theme
from workbench.gui.widgets.banner import Banner
from workbench.gui.widgets.card import make_label

_TITLES = ("Layer", "Divergence", "Reason")
_EXPLANATION = (
    "Each layer is quantized alone, as the recipe asks, and the outputs are compared with those of the float model "
    "on the open samples. The divergence says how far they move, KL in nats, or the share of noise of outputs that "
    "are no classes: the larger, the more float brings back."
)


class FloatDialog(QDialog):
    """Stays beside the window. `apply_wished(names)`: these layers shall stay in float."""

    apply_wished = Signal(object)
    measure_wished = Signal()
    cancel_wished = Signal()

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._suggestion: FloatSuggestion | None = None
        self._is_running = False
        self.setWindowTitle("Layers to keep in float")
        self.setModal(False)
        self.resize(680, 520)
        self.banner = Banner(theme, self)
        self.bar = QProgressBar(self, maximum=1000, textVisible=False)
        self.progress_text = make_label("", "muted", self)
        self.table = QTableWidget(0, len(_TITLES), self)
        self.table.setHorizontalHeaderLabels(list(_TITLES))
        self.table.setAccessibleName("Layers by their effect")
        self.table.verticalHeader().hide()
        self.table.setSelectionMode(QAbstractItemView.SelectionMode.NoSelection)
        self.table.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.table.setShowGrid(False)
        self.table.setWordWrap(True)
        header = self.table.horizontalHeader()
        for column, width in enumerate((190, 110)):
            self.table.setColumnWidth(column, width)
        header.setSectionResizeMode(len(_TITLES) - 1, QHeaderView.ResizeMode.Stretch)
        self.close_button = QPushButton("Close", self)
        self.again = QPushButton("Measure again", self)
        self.apply = QPushButton("Keep in float", self)
        self.apply.setObjectName("primary")
        self.apply.setDefault(True)
        self._lay_out()
        self.table.itemChanged.connect(self._show_chosen)
        self.apply.clicked.connect(self._on_apply)
        self.again.clicked.connect(self.measure_wished)
        self.close_button.clicked.connect(self._on_close)
        self.begin()

    def _lay_out(self) -> None:
        explanation = make_label(_EXPLANATION, "muted", self)
        explanation.setWordWrap(True)
        buttons = QHBoxLayout()
        buttons.addStretch(1)
        for button in (self.close_button, self.again, self.apply):
            buttons.addWidget(button)
        column = QVBoxLayout(self)
        column.setContentsMargins(16, 14, 16, 14)
        column.setSpacing(10)
        for widget in (explanation, self.banner, self.bar, self.progress_text):
            column.addWidget(widget)
        column.addWidget(self.table, 1)
        column.addLayout(buttons)

    @property
    def chosen(self) -> tuple[str, ...]:
        """The layers that are ticked."""
        items = (self.table.item(row, 0) for row in range(self.table.rowCount()))
        return tuple(item.text() for item in items if item is not None and item.checkState() is Qt.CheckState.Checked)

    @property
    def is_running(self) -> bool:
        """Whether it is still being measured."""
        return self._is_running

    def begin(self) -> None:
        """Measuring has begun."""
        self._suggestion, self._is_running = None, True
        self.table.setRowCount(0)
        self.bar.setValue(0)
        self.progress_text.setText("Starting…")
        self._show_state()

    def show_progress(self, fraction: float, text: str) -> None:
        """How far measuring is, 0…1."""
        self.bar.setValue(round(1000 * fraction))
        self.progress_text.setText(text)

    def show_suggestion(self, suggestion: FloatSuggestion) -> None:
        """What was found: the suggested layers are ticked."""
        self._suggestion, self._is_running = suggestion, False
        self.table.blockSignals(True)
        self.table.setRowCount(len(suggestion.effects))
        for row, effect in enumerate(suggestion.effects):
            self._fill_row(row, effect, is_suggested=effect.layer in suggestion.layers)
        self.table.blockSignals(False)
        self.table.resizeRowsToContents()
        self._show_verdict(suggestion)
        self._show_state()

    def _show_verdict(self, suggestion: FloatSuggestion) -> None:
        before, after = _divergence(suggestion.before), _divergence(suggestion.after)
        if suggestion.layers:
            count = len(suggestion.layers)
            text = f"Divergence {before} → {after} with {count} of {len(suggestion.effects)} layers in float"
            self.banner.set_state("good", text, f"measured on {suggestion.before.n} samples")
        else:
            self.banner.set_state("accent", f"No layer stands out: divergence {before}", "nothing is suggested")

    def show_end(self, text: str) -> None:
        """There is no suggestion, and why."""
        self._is_running = False
        self.banner.set_state("bad", "Not measured", text)
        self._show_state()

    def show_recipe(self, recipe_digest: str) -> None:
        """This recipe lies on the bench; what was measured of another one cannot be taken over."""
        if self._suggestion is not None and self._suggestion.recipe_digest != recipe_digest:
            self.banner.set_state("accent", "Of an earlier recipe", "measure again to take a suggestion over")
            self.apply.setEnabled(False)
        elif self._suggestion is not None:
            self._show_verdict(self._suggestion)
            self._show_chosen()

    def _fill_row(self, row: int, effect: LayerEffect, *, is_suggested: bool) -> None:
        name = QTableWidgetItem(effect.layer)
        name.setFlags(Qt.ItemFlag.ItemIsUserCheckable | Qt.ItemFlag.ItemIsEnabled | Qt.ItemFlag.ItemIsSelectable)
        name.setCheckState(Qt.CheckState.Checked if is_suggested else Qt.CheckState.Unchecked)
        value = QTableWidgetItem(_divergence(effect.divergence))
        value.setTextAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        reason = QTableWidgetItem(effect.reason or "–")
        reason.setToolTip(effect.reason)
        for column, item in enumerate((name, value, reason)):
            self.table.setItem(row, column, item)

    def _show_state(self) -> None:
        self.bar.setVisible(self._is_running)
        self.progress_text.setVisible(self._is_running)
        self.banner.setVisible(not self._is_running)
        self.close_button.setText("Cancel" if self._is_running else "Close")
        self.again.setEnabled(not self._is_running)
        self._show_chosen()

    @Slot()
    def _show_chosen(self) -> None:
        count = len(self.chosen)
        self.apply.setText(f"Keep {count} in float" if count else "Keep in float")
        self.apply.setEnabled(bool(count) and not self._is_running)

    @Slot()
    def _on_apply(self) -> None:
        self.apply_wished.emit(self.chosen)
        self.close()

    @Slot()
    def _on_close(self) -> None:
        if self._is_running:
            self.cancel_wished.emit()
        else:
            self.close()


def _divergence(figure: Figure) -> str:
    """Three digits, however small; below a millionth it is none that matters."""
    number = f"{figure.value:.3g}" if abs(figure.value) >= 1e-6 else "0"
    return f"{number} nat" if figure.unit == "nat" else f"{number} of the signal"
