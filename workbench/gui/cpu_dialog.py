"""The recipe's accuracy on other processors, as an emulation, and which layers make the difference."""

from collections.abc import Sequence
from itertools import pairwise

from PySide6.QtCore import Qt, Slot
from PySide6.QtWidgets import QAbstractItemView, QTableWidget, QTableWidgetItem, QWidget

from workbench.engine.core.cpu_rules import CpuComparison, CpuRules, EmulatedReport
from workbench.engine.core.cpu_texts import (
    cpu_hint,
    cpu_verdict,
    describe_difference,
    describe_share,
    left_out_text,
)
from workbench.engine.core.format import format_figure, format_interval, format_metric
from workbench.gui.measured_dialog import MeasuredDialog, figure_table
from workbench.gui.theme import Theme
from workbench.gui.widgets.card import make_label

_EXPLANATION = (
    "Processors of x86 without VNNI add pairs of 8-bit products in 16 bits, which saturate; others add them exactly. "
    "The recipe's integer graph is computed by both rules on the same samples. What is not this computer is an "
    "emulation of sums, bit by bit; no such processor was there."
)
_RULES_TITLES = ("Processor", "Accuracy", "Against this computer", "Same answers")
_LAYERS_TITLES = ("Layer", "Outputs with a saturated pair", "Pairs that can")


class CpuDialog(MeasuredDialog):
    """Stays beside the window. `apply_wished(names)`: the weights of these layers shall keep within 7 bits."""

    _end_headline = "Not all of it was computed"

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(theme, "Accuracy on other CPUs", _EXPLANATION, "Reduce range", parent)
        self._comparison: CpuComparison | None = None
        self._is_current = False
        self.resize(920, 580)
        self.rules = _table(_RULES_TITLES, (370, 160, 270), "Accuracy by processor", self)
        self.layers = _table(_LAYERS_TITLES, (370, 250), "Layers that saturate", self)
        self.note = make_label("", "muted", self)
        self.note.setWordWrap(True)
        self.apply.setToolTip("8-bit weights of these layers keep within 7 bits, so that no pair saturates")
        self.apply.clicked.connect(self._on_apply)
        self._lay_out((self.rules, 2), (self.layers, 3), (self.note, 0))
        # Tab goes through what is seen, in that order.
        for first, second in pairwise((self.rules, self.layers, self.close_button, self.again, self.apply)):
            self.setTabOrder(first, second)
        self.begin()

    @property
    def saturating_layers(self) -> tuple[str, ...]:
        """The layers whose pairs can saturate."""
        row = self._comparison.row(CpuRules.SATURATING) if self._comparison is not None else None
        return tuple(layer.layer for layer in row.layers) if row is not None else ()

    def begin(self) -> None:
        """Computing has begun."""
        self._comparison, self._is_current = None, True
        self.rules.setRowCount(0)
        self.layers.setRowCount(0)
        self.note.clear()
        super().begin()

    def show_rows(self, comparison: CpuComparison) -> None:
        """What is known so far; the first row is this computer."""
        self._comparison = comparison
        rows = comparison.rows
        if rows:
            self.rules.setHorizontalHeaderLabels(
                [_RULES_TITLES[0], _metric_title(rows[0].evaluation.metric), *_RULES_TITLES[2:]]
            )
        _fill(self.rules, [_rule_texts(row, comparison.this_saturates) for row in rows])
        saturating = comparison.row(CpuRules.SATURATING)
        seen = [layer for layer in saturating.layers if layer.share] if saturating is not None else []
        _fill(self.layers, [(layer.layer, describe_share(layer.share), f"{layer.num_pairs:,}") for layer in seen])
        hint = cpu_hint(comparison)
        self.note.setText(". ".join(text for text in (hint, left_out_text(rows)) if text))

    def show_comparison(self, comparison: CpuComparison) -> None:
        """All of it is known."""
        self._is_running = False
        self.show_rows(comparison)
        self._show_verdict(comparison)
        self._show_state()

    def _show_verdict(self, comparison: CpuComparison) -> None:
        headline, _, rest = cpu_verdict(comparison).partition("; ")
        n = comparison.rows[0].evaluation.done if comparison.rows else 0
        counted = f"emulated on {n:,} samples in {comparison.seconds:.1f} s"
        tone = "good" if not self.saturating_layers else "accent"
        self.banner.set_state(tone, rest[:1].upper() + rest[1:] if rest else headline, f"{headline}; {counted}")

    def show_recipe(self, recipe_digest: str) -> None:
        """This recipe lies on the bench; figures of another one say so."""
        if self._comparison is None or self._is_running:
            return
        self._is_current = self._comparison.recipe_digest == recipe_digest
        if self._is_current:
            self._show_verdict(self._comparison)
        else:
            self.banner.set_state("accent", "Of an earlier recipe", "measure again for the one on the bench")
        self._show_state()

    def _show_state(self) -> None:
        super()._show_state()
        self.apply.setEnabled(bool(self.saturating_layers) and self._is_current and not self._is_running)

    @Slot()
    def _on_apply(self) -> None:
        self.apply_wished.emit(self.saturating_layers)


def _table(titles: Sequence[str], widths: Sequence[int], name: str, parent: QWidget) -> QTableWidget:
    table = figure_table(titles, widths, name, parent)
    table.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
    table.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
    # Tab goes on to the next table, the arrows move in this one.
    table.setTabKeyNavigation(False)
    return table


def _fill(table: QTableWidget, rows: Sequence[Sequence[str]]) -> None:
    table.setRowCount(len(rows))
    for number, texts in enumerate(rows):
        for column, text in enumerate(texts):
            item = QTableWidgetItem(text)
            item.setToolTip(text)
            if column:
                item.setTextAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
            table.setItem(number, column, item)


def _rule_texts(row: EmulatedReport, this_saturates: bool | None) -> tuple[str, str, str, str]:
    report = row.evaluation
    here: dict[bool | None, str] = {
        True: "measured: this computer, its pairs saturate",
        False: "measured: this computer, its sums are exact",
    }
    label = row.rules.label if row.is_emulated else here.get(this_saturates, "measured: this computer")
    figure = f"{format_figure(report.figure)}  ({format_interval(report.figure)})"
    if not row.is_emulated:
        return label, figure, "–", "–"
    difference = describe_difference(report.difference) if report.difference is not None else "–"
    return label, figure, difference, format_figure(report.agreement) if report.agreement is not None else "–"


def _metric_title(metric: str) -> str:
    """Agreement is with this computer here, not with the original."""
    return "Agreement" if metric == "agreement" else format_metric(metric)
