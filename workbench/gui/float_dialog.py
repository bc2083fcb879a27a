"""Which layers should stay in float: what quantizing each costs, measured, and one button that takes it over."""

from itertools import pairwise

from PySide6.QtCore import Qt, Slot
from PySide6.QtWidgets import QAbstractItemView, QTableWidgetItem, QWidget

from workbench.engine.core.measurement import Figure
from workbench.engine.core.quantization_reports import FloatSuggestion, LayerEffect
from workbench.gui.measured_dialog import MeasuredDialog, figure_table
from workbench.gui.theme import Theme

_TITLES = ("Layer", "Divergence", "Reason")
_EXPLANATION = (
    "Each layer is quantized alone, as the recipe asks, and the outputs are compared with those of the float model "
    "on the open samples. The divergence says how far they move, KL in nats, or the share of noise of outputs that "
    "are no classes: the larger, the more float brings back."
)


class FloatDialog(MeasuredDialog):
    """Stays beside the window. `apply_wished(names)`: these layers shall stay in float."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(theme, "Layers to keep in float", _EXPLANATION, "Keep in float", parent)
        self._suggestion: FloatSuggestion | None = None
        self.resize(680, 520)
        self.table = figure_table(_TITLES, (190, 110), "Layers by their effect", self)
        self.table.setSelectionMode(QAbstractItemView.SelectionMode.NoSelection)
        self.table.setWordWrap(True)
        self.apply.setObjectName("primary")
        self.apply.setDefault(True)
        self._lay_out((self.table, 1))
        for first, second in pairwise((self.table, self.close_button, self.again, self.apply)):
            self.setTabOrder(first, second)
        self.table.itemChanged.connect(self._show_chosen)
        self.apply.clicked.connect(self._on_apply)
        self.begin()

    @property
    def chosen(self) -> tuple[str, ...]:
        """The layers that are ticked."""
        items = (self.table.item(row, 0) for row in range(self.table.rowCount()))
        return tuple(item.text() for item in items if item is not None and item.checkState() is Qt.CheckState.Checked)

    def begin(self) -> None:
        """Measuring has begun."""
        self._suggestion = None
        self.table.setRowCount(0)
        super().begin()

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
        super()._show_state()
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


def _divergence(figure: Figure) -> str:
    """Three digits, however small; below a millionth it is none that matters."""
    number = f"{figure.value:.3g}" if abs(figure.value) >= 1e-6 else "0"
    return f"{number} nat" if figure.unit == "nat" else f"{number} of the signal"
