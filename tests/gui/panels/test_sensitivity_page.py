"""The page of sensitivities on values: what it shows, what a click takes, and how it follows the table."""

from dataclasses import replace

import numpy as np
import pytest
from PySide6.QtCore import QEvent, QPointF, Qt
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QApplication

from workbench.engine.core.measurement import Figure, Origin
from workbench.engine.core.recipe import Prune, Recipe, WeightRule
from workbench.engine.core.sensitivity import ScanAxes, ScanCell, ScanSetting
from workbench.gui.heat_scale import Measure
from workbench.gui.panels.layers_panel import LayersPanel
from workbench.gui.panels.sensitivity_page import SensitivityPage

AXES = ScanAxes((8, 4), (), (0.5,))
W8, W4, HALF = AXES.settings
NAMES = ("a", "b", "c")


@pytest.fixture
def table(bench, theme, qtbot) -> LayersPanel:
    table = LayersPanel(bench, theme)
    qtbot.addWidget(table)
    return table


@pytest.fixture
def page(bench, theme, table, qtbot, make_scan) -> SensitivityPage:
    page = SensitivityPage(bench, theme, table.states)
    qtbot.addWidget(page)
    page.resize(700, 500)
    page.show()
    bench.put(**{name: np.linspace(-1, 1, 36, dtype=np.float32).reshape(4, 9) for name in NAMES})
    bench.put_data()
    bench.scans.set_axes(AXES)
    kl = {("a", W8): 0.001, ("a", W4): 0.1, ("b", W4): 0.01, ("c", HALF): 1.0}
    bench.scans.take(make_scan(NAMES, kl, axes=AXES, errors={("c", W4): "the outputs are NaN"}, is_complete=True))
    return page


def click(page: SensitivityPage, qtbot, column: int, row: int, modifier=Qt.KeyboardModifier.NoModifier) -> None:
    grid = page.map.grid
    at = QPointF(grid.x_of(column) + grid.column / 2, grid.y_of(row) + grid.row / 2).toPoint()
    qtbot.mouseMove(page.map.viewport(), at)
    qtbot.mouseClick(page.map.viewport(), Qt.MouseButton.LeftButton, modifier, at)


def test_the_map_shows_settings_down_and_layers_across(page):
    assert page.map.content.columns == NAMES
    assert page.map.content.rows == ("W8", "W4", "50 %")
    assert page.map.content.sections == (("Bits of weights", 2), ("Zeros", 1))
    assert page.facts.text() == "measured one at a time · 5 of 9 cells · n = 64"
    assert page.legend.texts[-1] == "1"


def test_without_samples_the_page_says_what_to_do(bench, theme, table, qtbot):
    page = SensitivityPage(bench, theme, table.states)
    qtbot.addWidget(page)
    page.show()
    assert page.empty.text() == "Open a model to see how sensitive its layers are."

    bench.put(a=np.ones((2, 2), np.float32))

    assert page.empty.text().startswith("Open samples")


def test_a_click_takes_the_setting_in_one_step_as_it_was_scanned(page, bench, qtbot):
    steps = bench.undo_stack.count()

    click(page, qtbot, 1, 1)

    weights = bench.recipe.settings_for("b", "Conv").weights
    assert (weights.bits, weights.range) == (4, "mse")
    assert bench.recipe.settings_for("a", "Conv").is_empty
    assert bench.undo_stack.count() == steps + 1
    assert bench.undo_stack.undoText() == "W4 for b"
    assert bench.selection == ("b",)
    bench.undo_stack.undo()
    assert bench.recipe == Recipe()


def test_a_click_in_the_selection_takes_it_for_all_that_are_selected(page, bench, qtbot):
    bench.select(("a", "c"))

    click(page, qtbot, 2, 2)

    assert [bench.recipe.settings_for(name, "Conv").prune("weights") is not None for name in NAMES] == [
        True, False, True,
    ]  # fmt: skip
    assert bench.undo_stack.undoText() == "50 % zeros for 2 layers"


def test_enter_takes_what_the_cursor_stands_on(page, bench, qtbot):
    page.map.setFocus()
    for key in (Qt.Key.Key_Home, Qt.Key.Key_Down, Qt.Key.Key_Up, Qt.Key.Key_Return):
        qtbot.keyClick(page.map, key)

    assert bench.recipe.rules
    assert page.map.cursor_cell[0] == 0


def test_what_cannot_be_done_is_not_taken_and_says_why(page, bench, qtbot):
    click(page, qtbot, 2, 1)

    assert bench.recipe == Recipe()
    assert page.line.text() == "c at W4: cannot be done: the outputs are NaN"


def test_the_line_says_figures_with_intervals_and_samples(page, qtbot):
    page._on_pointed(0, 1)

    said = "a at W4: −1.00 pp ± 0.10, KL 0.1 ± 0.01 nat, SQNR 20.0 dB, n = 64 (click takes it)"
    assert page.line.text() == said
    assert page.map.accessibleDescription() == said


def test_the_line_says_what_is_lost_by_probability(page, bench):
    scan = bench.scans.scan
    lost = Figure(0.004, "fraction", Origin.MEASURED, 0.001, 0.007, 64)
    cells = tuple(replace(cell, soft_drop=lost) for cell in scan.cells)

    bench.scans.take(replace(scan, cells=cells))
    page._on_pointed(0, 1)

    assert ", soft −0.40 pp ± 0.30, KL " in page.line.text()


def test_what_is_not_measured_says_so_and_can_be_taken_all_the_same(page, bench, qtbot):
    click(page, qtbot, 1, 0)

    assert bench.recipe.settings_for("b", "Conv").weights.bits == 8
    assert page.line.text() == "b at W8: not measured yet (it has this now)"


def test_what_a_layer_has_now_is_marked_and_follows_a_drag(page, bench):
    recipe = Recipe().with_rule("a", weights=WeightRule(4)).with_rule("b", prune=Prune("weights", sparsity=0.5))
    bench.set_recipe(recipe)
    assert set(page.map.marks) == {(0, 1.0), (1, 2.0)}

    bench.set_recipe(recipe.with_rule("a", weights=WeightRule(6)))

    assert set(page.map.marks) == {(0, 0.5), (1, 2.0)}


def test_the_selection_is_one_with_the_tables(page, table, bench, qtbot):
    bench.select(("c",))
    assert page.map.selected_columns == {2}

    click(page, qtbot, 0, 0, Qt.KeyboardModifier.ControlModifier)

    assert bench.selection == ("c", "a")
    assert page.map.selected_columns == {0, 2}
    rows = {index.row() for index in table.table.selectionModel().selectedRows()}
    assert rows == {0, 2}


def test_drop_and_sqnr_have_scales_of_their_own(page):
    page.choice._choose(Measure.DROP)
    assert page.legend.texts[0] == "≤ 0.1"

    page.choice._choose(Measure.SQNR)
    assert page.legend.texts == ("30", "20")


def test_intervals_come_on_demand_and_while_alt_is_held(page, qtbot):
    cell = (0, 1)
    assert page.map._cell_text is None

    page.intervals.click()
    assert page.map._cell_text(*cell) == ("0.1", "±0.01")
    page.intervals.click()
    assert page.map._cell_text is None

    page.map.setFocus()
    for kind, is_shown in ((QEvent.Type.KeyPress, True), (QEvent.Type.KeyRelease, False)):
        QApplication.sendEvent(page.map, QKeyEvent(kind, Qt.Key.Key_Alt, Qt.KeyboardModifier.AltModifier))
        assert (page.map._cell_text is not None) is is_shown


def test_measure_starts_a_job_that_can_be_cancelled_and_goes_on_later(page, bench):
    assert page.measure.text() == "Measure again"

    page.measure.click()
    (asked,) = bench.asks.of("scan", "run")
    assert asked.ticket.args == (AXES,)
    assert page.measure.text() == "Cancel"

    page.measure.click()
    assert asked.ticket.is_cancelled
    asked.stopped()
    assert page.measure.text() == "Measure again"


def test_a_scan_that_is_not_complete_can_be_gone_on_with(page, bench, make_scan):
    bench.scans.take(make_scan(NAMES, {("a", W8): 0.1}, axes=AXES, is_complete=True))
    bench.scans.take(make_scan(NAMES, {("a", W8): 0.1}, axes=AXES))
    page._show()

    assert page.measure.text() == "Go on measuring"


def test_the_number_of_samples_is_chosen_from_what_there_are(page, bench):
    texts = [page.samples.itemText(row) for row in range(page.samples.count())]
    assert texts == ["Samples: as needed", "32 samples", "64 samples", "128 samples", "256 samples", "all 500 samples"]

    page.samples.setCurrentIndex(4)
    page.samples.activated.emit(4)
    page.measure.click()

    assert bench.asks.of("scan", "run")[0].ticket.kwargs["samples"] == 256


def test_axes_are_chosen_by_buttons_and_never_none_at_all(page, bench, qtbot):
    form = page.axes_form
    form.show_axes(AXES, 3)
    assert form.count.text() == "3 layers × 3 settings = 9 cells"

    form.button("weight_bits", 3).click()
    form.button("activation_bits", 8).click()
    assert bench.scans.axes == ScanAxes((3, 4, 8), (8,), (0.5,))

    for name, value in (("weight_bits", 3), ("weight_bits", 4), ("weight_bits", 8), ("activation_bits", 8)):
        form.button(name, value).click()
    form.button("sparsities", 0.5).click()

    assert bench.scans.axes.settings == (ScanSetting(sparsity=0.5),)
    assert form.button("sparsities", 0.5).isChecked()


def test_behind_another_page_nothing_is_drawn_until_it_is_shown(page, bench, make_scan):
    page.hide()
    bench.scans.take(make_scan(NAMES, {("a", W8): 0.5}, axes=AXES, is_complete=True))
    assert page.facts.text().startswith("measured one at a time · 5 of 9")

    page.show()

    assert page.facts.text() == "measured one at a time · 1 of 9 cells · n = 64"


def test_the_legend_has_the_unit_of_the_first_cell_that_could_be_measured(page, bench, make_scan):
    noise = Figure(0.1, "fraction", Origin.MEASURED, 0.09, 0.11, 64)
    cells = (ScanCell("a", W8, error="the outputs are NaN"), ScanCell("a", W4, noise, 10.0, None, 64))

    bench.scans.take(replace(make_scan(NAMES, {}, axes=AXES, is_complete=True), cells=cells))

    assert page.legend.accessibleName().endswith(" noise")


def test_all_samples_are_asked_for_by_their_number_and_not_of_other_samples(page, bench):
    last = page.samples.count() - 1
    page.samples.setCurrentIndex(last)
    page.samples.activated.emit(last)
    page.measure.click()
    assert bench.asks.of("scan", "run")[0].ticket.kwargs["samples"] == 500

    bench.asks.of("scan", "run")[0].stopped()
    bench.put_data(900)
    page.measure.click()

    assert page.samples.currentText() == "Samples: as needed"
    assert "samples" not in bench.asks.of("scan", "run")[1].ticket.kwargs
