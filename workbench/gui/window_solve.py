"""Auto-compress: from the budgets of the cards to the recipe that keeps them, in one step of undo."""

import math
from dataclasses import replace

from PySide6.QtCore import Signal, Slot
from PySide6.QtWidgets import QWidget

from workbench.engine.core.format import format_figure
from workbench.engine.core.measurement import Figure
from workbench.engine.core.recipe import Recipe
from workbench.engine.core.search_result import SearchBudgets, SearchResult
from workbench.engine.core.sensitivity import SensitivityScan
from workbench.gui.dialog_of_job import DialogOfJob
from workbench.gui.document import Document
from workbench.gui.measured_dialog import MeasuredDialog
from workbench.gui.solve_dialog import SolveDialog
from workbench.gui.theme import Theme
from workbench.gui.trade_off import is_of_bench
from workbench.project.budgets import Budgets

NO_BUDGET = (
    "Set a budget first: drag the mark on the bar of accuracy, of size or of the latency on a device, or a line of "
    "the trade-off"
)
_EXPLANATION = (
    "Searches bits and zeros of each layer for the best recipe with {budgets}, from the sensitivity scan, and measures "
    "what it finds. The rules of the recipe on the bench are replaced, in one step that can be undone."
)
_ON_DEVICE = " On the device, fewer channels and 8-bit activations save time, as far as they were scanned."
_NO_LATENCY = (
    " The latency budget of this computer is not searched for: how long a recipe takes here is measured when it is "
    "taken."
)
_NO_DEVICE = " The latency budget of {device} is left out: there is no figure of the recipe on the bench there."
_TOO_HIGH = "The original itself has {has}, less than the accuracy floor of {floor}: lower the floor first"
_NO_ORIGINAL = (
    "The accuracy floor cannot be held against the original, whose accuracy is not known yet: wait until it is "
    "measured, or remove the floor"
)
_POINTS, _HUNDREDTHS, _ROUNDING = 100, 100, 1e-6


class WindowSolve(DialogOfJob):
    """The window's slots for the search. A scan that is missing is measured first.

    Signals:
        refused(text): nothing can be searched.
    """

    refused = Signal(str)

    def __init__(self, document: Document, theme: Theme, window: QWidget) -> None:
        super().__init__(document, theme, window)
        # Waits for the scan.
        self._wished: SearchBudgets | None = None
        document.searching.found.connect(self._on_found)
        document.searching.search_ended.connect(self._on_search_end)
        document.searching.scan_ended.connect(self._on_scan_end)
        document.scans.completed.connect(self._on_scanned)
        document.dataset_changed.connect(self._close)

    @Slot()
    def solve(self) -> None:
        """Search the best recipe within the budgets of the cards."""
        if why_not := self._why_not():
            self.refused.emit(why_not)
            return
        self._open()

    def _new_dialog(self) -> MeasuredDialog:
        return SolveDialog(self._theme, self._explain(), self._window)

    def _explain(self) -> str:
        budgets, original = self._budgets(), self._document.figures.original
        unit = "fraction" if original is None else original.figure.unit
        text = _EXPLANATION.format(budgets=budgets.text(unit)) + (_ON_DEVICE if budgets.device else "")
        return text + (_NO_LATENCY if self._document.budgets.latency_ms is not None else "") + self._left_out()

    def _why_not(self) -> str:
        """Why nothing can be searched; "" if it can."""
        return self._about_floor() or ("" if self._budgets().has_limits else NO_BUDGET + self._left_out())

    def _about_floor(self) -> str:
        """What is said of a floor that is no drop: the original does not reach it, or is not measured yet."""
        original, floor = self._document.figures.original, self._document.budgets.accuracy
        if floor is None:
            return ""
        if original is None:
            return _NO_ORIGINAL
        if original.figure.value >= floor:
            return ""
        has = format_figure(original.figure)
        return _TOO_HIGH.format(has=has, floor=format_figure(replace(original.figure, value=floor)))

    def _left_out(self) -> str:
        """What is said of a device's budget that cannot be held against anything."""
        budget = self._document.device_budget
        return _NO_DEVICE.format(device=budget.device) if budget.waits else ""

    def _budgets(self) -> SearchBudgets:
        document = self._document
        original, on_device = document.figures.original, document.device_budget
        device = on_device.device if on_device.ms is not None else ""
        return search_budgets(document.budgets, original.figure if original is not None else None, device=device)

    def _ask(self, recipe: Recipe) -> None:
        document, budgets = self._document, self._budgets()
        if isinstance(self.dialog, SolveDialog):
            self.dialog.explain(self._explain())
        scan = document.scans.scan
        if why_not := self._why_not():
            # Budgets may be others since the dialog opened.
            self._on_end(why_not)
        elif scan is not None and scan.is_complete and scan.cells:
            self._search(scan, budgets)
        else:
            self._wished = budgets
            document.searching.scan(document.scans.axes, document.scans.samples)

    def _search(self, scan: SensitivityScan, budgets: SearchBudgets) -> None:
        document = self._document
        self._wished = None
        document.searching.search(budgets, scan, document.predictions.learned_from(scan), document.recipe)

    def _give_up(self) -> None:
        if self._wished is not None:
            self._wished = None
            self._document.searching.cancel_scan()
            # The scan's own end is heard by those who still wish it.
            self._on_end("the scan was stopped before it was complete")
        self._document.searching.cancel_search()

    def _job(self) -> int:
        searching = self._document.searching
        return searching.scan_job if self._wished is not None else searching.search_job

    @Slot(object)
    def _on_scanned(self, scan: SensitivityScan) -> None:
        if self._wished is not None:
            self._search(scan, self._wished)

    @Slot(str)
    def _on_scan_end(self, text: str) -> None:
        if self._wished is not None:
            self._wished = None
            self._on_end(text)

    @Slot(str)
    def _on_search_end(self, text: str) -> None:
        if self._wished is None:
            self._on_end(text)

    @Slot(object)
    def _on_found(self, result: SearchResult) -> None:
        model = self._document.model
        # While a scan is waited for, it is one that was asked for before.
        if self._wished is not None or not is_of_bench(result, self._document):
            return
        if isinstance(self.dialog, SolveDialog) and model is not None:
            self.dialog.show_result(result, model, self._document.recipe)

    @Slot(object)
    def _on_apply(self, recipe: object) -> None:
        if isinstance(recipe, Recipe):
            self._document.edit(recipe, "Auto-compress")
            self._document.released()


def search_budgets(budgets: Budgets, original: Figure | None, *, device: str = "") -> SearchBudgets:
    """The limits of the cards in the words of a search.

    Args:
        budgets: of the cards; that on this computer's latency is none that can be searched for.
        original: the metric of the model as it is; without, a floor is not known as a drop.
        device: whose latency budget counts; empty for none's.
    """
    drop = None
    if budgets.accuracy is not None and original is not None:
        times = _POINTS if original.unit == "fraction" else 1
        # To the hundredth of a point, and never more than the floor allows.
        drop = max(0.0, math.floor(_HUNDREDTHS * times * (original.value - budgets.accuracy) + _ROUNDING) / _HUNDREDTHS)
    max_ms = budgets.on_device(device)
    if max_ms is not None:
        max_ms = _floored(max_ms)
    return SearchBudgets(
        max_bytes=None if budgets.size_bytes is None else int(budgets.size_bytes),
        max_latency_ms=max_ms,
        max_drop=drop,
        device=device if max_ms is not None else "",
    )


def _floored(value: float) -> float:
    """To four digits, as nobody drags closer, and never more than was set.

    >>> _floored(0.03205412), _floored(8.03999), _floored(12.0), _floored(0.0)
    (0.03205, 8.039, 12.0, 0.0)
    """
    if value <= 0:
        return value
    decimals = 3 - math.floor(math.log10(value))
    scale = 10.0**decimals
    return min(value, round(math.floor(value * scale + _ROUNDING) / scale, max(0, decimals)))
