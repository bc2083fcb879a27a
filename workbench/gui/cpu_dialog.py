"""The recipe's accuracy on other processors, as an emulation, and which layers make the difference."""

from collections.abc import Sequence

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

from workbench.engine.core.cpu_rules import CpuComparison, CpuRules, EmulatedReport
from workbench.engine.core.cpu_texts import (
    cpu_hint,
    cpu_verdict,
    describe_difference,
    describe_share,
    left_out_text,
)
from workbench.engine.core.format import format_figure, format_interval, format_metric
from workbench.gui.theme import Theme
from workbench.gui.widgets.banner import Banner
from workbench.gui.widgets.card import make_label

_EXPLANATION = (
    "Processors of x86 without VNNI add pairs of 8-bit products in 16 bits, which saturate; others add them exactly. "
    "The recipe's integer graph is computed by both rules on the same samples. What is not this computer is an "
    "emulation of sums, bit by bit; no such processor was there."
)
_RULES_TITLES = ("Processor", "Accuracy", "Against this computer", "Same answers")
_LAYERS_TITLES = ("Layer", "Outputs with a saturated pair", "Pairs that can")


class CpuDialog(QDialog):
    """Stays beside the window. `reduce_wished(names)`: the weights of these layers shall keep within 7 bits."""

    reduce_wished = Signal(object)
    measure_wished = Signal()
    cancel_wished = Signal()

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._comparison: CpuComparison | None = None
        self._is_running = self._is_current = False
        self.setWindowTitle("Accuracy on other CPUs")
        self.setModal(False)
        self.resize(920, 580)
        self.banner = Banner(theme, self)
        self.bar = QProgressBar(self, maximum=1000, textVisible=False)
        self.progress_text = make_label("", "muted", self)
        self.rules = _table(_RULES_TITLES, (370, 160, 270), "Accuracy by processor", self)
        self.layers = _table(_LAYERS_TITLES, (370, 250), "Layers that saturate", self)
        self.note = make_label("", "muted", self)
        self.note.setWordWrap(True)
        self.close_button = QPushButton("Close", self)
        self.again = QPushButton("Measure again", self)
        self.reduce = QPushButton("Reduce range", self)
        self.reduce.setToolTip("8-bit weights of these layers keep within 7 bits, so that no pair saturates")
        self._lay_out()
        self.again.clicked.connect(self.measure_wished)
        self.reduce.clicked.connect(self._on_reduce)
        self.close_button.clicked.connect(self._on_close)
        self.begin()

    def _lay_out(self) -> None:
        explanation = make_label(_EXPLANATION, "muted", self)
        explanation.setWordWrap(True)
        buttons = QHBoxLayout()
        buttons.addStretch(1)
        for button in (self.close_button, self.again, self.reduce):
            buttons.addWidget(button)
        column = QVBoxLayout(self)
        column.setContentsMargins(16, 14, 16, 14)
        column.setSpacing(10)
        for widget in (explanation, self.banner, self.bar, self.progress_text):
            column.addWidget(widget)
        column.addWidget(self.rules, 2)
        column.addWidget(self.layers, 3)
        column.addWidget(self.note)
        column.addLayout(buttons)

    @property
    def is_running(self) -> bool:
        """Whether it is still being computed."""
        return self._is_running

    @property
    def saturating_layers(self) -> tuple[str, ...]:
        """The layers whose pairs can saturate."""
        row = self._comparison.row(CpuRules.SATURATING) if self._comparison is not None else None
        return tuple(layer.layer for layer in row.layers) if row is not None else ()

    def begin(self) -> None:
        """Computing has begun."""
        self._comparison, self._is_running, self._is_current = None, True, True
        self.rules.setRowCount(0)
        self.layers.setRowCount(0)
        self.note.clear()
        self.bar.setValue(0)
        self.progress_text.setText("Starting…")
        self._show_state()

    def show_progress(self, fraction: float, text: str) -> None:
        """How far computing is, 0…1."""
        self.bar.setValue(round(1000 * fraction))
        self.progress_text.setText(text)

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

    def show_end(self, text: str) -> None:
        """It did not come to its end, and why; the rows so far stay."""
        self._is_running = False
        self.banner.set_state("bad", "Not all of it was computed", text)
        self._show_state()

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
        self.bar.setVisible(self._is_running)
        self.progress_text.setVisible(self._is_running)
        self.banner.setVisible(not self._is_running)
        self.close_button.setText("Cancel" if self._is_running else "Close")
        self.again.setEnabled(not self._is_running)
        can_reduce = bool(self.saturating_layers) and self._is_current and not self._is_running
        self.reduce.setEnabled(can_reduce)

    @Slot()
    def _on_reduce(self) -> None:
        self.reduce_wished.emit(self.saturating_layers)

    @Slot()
    def _on_close(self) -> None:
        if self._is_running:
            self.cancel_wished.emit()
        else:
            self.close()


def _table(titles: Sequence[str], widths: Sequence[int], name: str, parent: QWidget) -> QTableWidget:
    table = QTableWidget(0, len(titles), parent)
    table.setHorizontalHeaderLabels(list(titles))
    table.setAccessibleName(name)
    table.verticalHeader().hide()
    table.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
    table.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
    table.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
    # Tab goes on to the next table, the arrows move in this one.
    table.setTabKeyNavigation(False)
    table.setShowGrid(False)
    for column, width in enumerate(widths):
        table.setColumnWidth(column, width)
    table.horizontalHeader().setSectionResizeMode(len(titles) - 1, QHeaderView.ResizeMode.Stretch)
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
