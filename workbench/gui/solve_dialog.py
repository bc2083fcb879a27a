"""The recipe that a search has found within the budgets: what it costs and keeps, and what it changes by layers."""

from itertools import pairwise

from PySide6.QtWidgets import QAbstractItemView, QTableWidgetItem, QWidget

from workbench.engine.core.format import format_bytes, format_figure, format_interval, format_metric, format_ms
from workbench.engine.core.layer import ModelInfo
from workbench.engine.core.recipe import Recipe
from workbench.engine.core.search_result import ParetoPoint, SearchResult
from workbench.gui.measured_dialog import MeasuredDialog, figure_table
from workbench.gui.recipe_diff import recipe_diff
from workbench.gui.refusal_text import refusal_lines
from workbench.gui.search_remarks import search_remarks
from workbench.gui.theme import Theme
from workbench.gui.widgets.card import make_label

_TITLES = ("Layer", "Before", "After")


class SolveDialog(MeasuredDialog):
    """Stays beside the window. `apply_wished(recipe)`: the recipe that was found shall be taken."""

    _end_headline = "Nothing found"

    def __init__(self, theme: Theme, explanation: str, parent: QWidget | None = None) -> None:
        super().__init__(theme, "Auto-compress", explanation, "Take it", parent)
        self._found: ParetoPoint | None = None
        self.resize(640, 560)
        self.again.setText("Search again")
        self.remarks = make_label("", "muted", self)
        self.remarks.setWordWrap(True)
        self.table = figure_table(_TITLES, (200, 170), "What changes, by layers", self)
        self.table.setSelectionMode(QAbstractItemView.SelectionMode.NoSelection)
        self.apply.setObjectName("primary")
        self.apply.setDefault(True)
        self._lay_out((self.remarks, 0), (self.table, 1))
        for first, second in pairwise((self.table, self.close_button, self.again, self.apply)):
            self.setTabOrder(first, second)
        self.apply.clicked.connect(self._on_apply)
        self.begin()

    @property
    def found(self) -> ParetoPoint | None:
        """The best recipe so far."""
        return self._found

    def explain(self, text: str) -> None:
        """Say what is searched."""
        self._explanation.setText(text)

    def begin(self) -> None:
        """The search has begun."""
        self._found = None
        self.table.setRowCount(0)
        self._remark("")
        super().begin()

    def show_result(self, result: SearchResult, model: ModelInfo, now: Recipe) -> None:
        """Show the best recipe so far; the last result says whether there is one.

        Args:
            result: of the search.
            model: what is on the bench.
            now: the recipe that it is held against.
        """
        self._found = result.best
        if result.is_final:
            self._is_running = False
        if result.best is not None:
            self._show_changes(result.best, model, now)
        remarks = search_remarks(result)
        if result.best is None and result.is_final:
            refusal = refusal_lines(result)
            self.show_end(refusal[0])
            # The banner has one line, and a refusal says what would be in reach.
            self._remark("\n".join(filter(None, (*refusal, remarks))))
            return
        self._remark(remarks)
        if result.best is not None:
            self.banner.set_state("good", _headline(result.best), _detail(result, result.best))
        self._show_state()

    def _remark(self, text: str) -> None:
        self.remarks.setText(text)
        self.remarks.setVisible(bool(text))

    def _show_changes(self, best: ParetoPoint, model: ModelInfo, now: Recipe) -> None:
        changes = recipe_diff(model, now, best.recipe)
        self.table.setRowCount(len(changes))
        for row, change in enumerate(changes):
            for column, text in enumerate((change.layer, change.before, change.after)):
                self.table.setItem(row, column, QTableWidgetItem(text))

    def _show_state(self) -> None:
        super()._show_state()
        # What is found so far can be looked at while the search goes on, and taken when it has ended.
        self.banner.setVisible(not self._is_running or self._found is not None)
        self.apply.setEnabled(self._found is not None and not self._is_running)

    def show_recipe(self, recipe_digest: str) -> None:
        """Whatever lies on the bench, what was found can be taken: it replaces all of it."""
        is_there = self._found is not None and self._found.recipe.digest == recipe_digest
        self.apply.setText("Taken" if is_there else "Take it")
        self.apply.setEnabled(self._found is not None and not self._is_running and not is_there)

    def _on_apply(self) -> None:
        if self._found is not None:
            self.apply_wished.emit(self._found.recipe)
            self.close()


def _headline(best: ParetoPoint) -> str:
    if best.measured is None:
        return format_bytes(best.file_bytes)
    accuracy = f"{format_metric(best.measured.metric)} {format_figure(best.measured.figure)}"
    return f"{format_bytes(best.file_bytes)}, {accuracy}"


def _detail(result: SearchResult, best: ParetoPoint) -> str:
    report, latency = best.measured, _latency(result, best)
    if report is None:
        return " · ".join(filter(None, (latency, "not measured yet")))
    parts = [f"measured, n = {report.figure.n:,}"]
    if report.difference is not None:
        interval = format_interval(report.difference, difference=True)
        parts.insert(0, f"{format_figure(report.difference, difference=True)} ({interval})")
    if latency:
        parts.append(latency)
    parts.append(f"best of {result.num_measured} measured in {result.seconds:.1f} s")
    return " · ".join(parts)


def _latency(result: SearchResult, best: ParetoPoint) -> str:
    """What it takes on the device of the budgets; the band is the estimate's, which holds four of five measurements."""
    if best.latency is None:
        return ""
    band = format_interval(best.latency)
    said = f"{format_ms(best.latency.value)} estimated" + (f" ({band}, {best.latency.level} %)" if band else "")
    return f"{said} on {result.budgets.device}" if result.budgets.device else said
