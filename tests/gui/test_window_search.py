"""From the scan to a recipe within a budget, with the real engine and the demo."""

import pytest
from PySide6.QtCore import QPointF, Qt

from workbench.engine.core.recipe import WeightRule
from workbench.gui.document import Document
from workbench.gui.panels.layers_model import CHIP_ROLE, Column
from workbench.project.budgets import Budgets
from workbench.project.demo_files import demo_files

_LONG_MS = 120_000


@pytest.fixture
def scanned(demo_window, qtbot):
    """The window with a whole scan, and what is learned from it."""
    document = demo_window.document
    demo_window.all_actions["sensitivity"].trigger()
    with qtbot.waitSignal(document.scans.completed, timeout=_LONG_MS):
        demo_window.all_actions["scan"].trigger()
    qtbot.waitUntil(
        lambda: document.predictions.prediction is not None and not document.searching.is_fitting, timeout=_LONG_MS
    )
    return demo_window


def test_a_scan_fills_map_and_column_and_its_prediction_knows_the_next_edit(scanned, qtbot):
    document, page = scanned.document, scanned.sensitivity
    layers = document.scans.scan.layers
    assert page.map.content.columns == layers
    assert document.scans.table.num_known == document.scans.table.num_cells
    chips = [scanned.layers.rows.index(row, Column.SENSITIVITY).data(CHIP_ROLE) for row in range(len(layers))]
    assert all(chip is not None and 0 <= chip.place <= 1 for chip in chips)

    grid = page.map.grid
    row = page.map.content.rows.index("W4")
    at = QPointF(grid.x_of(2) + grid.column / 2, grid.y_of(row) + grid.row / 2).toPoint()
    steps = document.undo_stack.count()
    qtbot.mouseClick(page.map.viewport(), Qt.MouseButton.LeftButton, pos=at)

    layer = document.model.layer(layers[2])
    assert document.recipe.settings_for(layer.name, layer.op_type).weights.bits == 4
    assert document.undo_stack.count() == steps + 1
    assert document.selection == (layer.name,)
    # Nothing has been measured of it yet.
    assert scanned.preview.accuracy.badge.text == "ESTIMATED"
    qtbot.waitUntil(lambda: scanned.preview.accuracy.badge.text.startswith("MEASURED"), timeout=_LONG_MS)


def test_a_size_budget_is_kept_by_what_is_found_and_taken_in_one_step(scanned, qtbot):
    document = scanned.document
    limit = 0.25 * document.model.file_bytes
    document.set_budgets(Budgets(size_bytes=limit))
    steps, before = document.undo_stack.count(), document.recipe

    with qtbot.waitSignal(
        document.searching.found, timeout=_LONG_MS, check_params_cb=lambda result: result.is_final
    ) as found:
        scanned.all_actions["solve"].trigger()
    dialog, best = scanned.solving.dialog, found.args[0].best
    assert dialog.table.rowCount() > 0
    dialog.apply.click()

    assert document.recipe == best.recipe
    assert best.file_bytes <= limit
    assert document.undo_stack.count() == steps + 1
    qtbot.waitUntil(lambda: document.figures.exact_bytes is not None, timeout=_LONG_MS)
    assert document.figures.exact_bytes == best.file_bytes
    document.undo_stack.undo()
    assert document.recipe == before
    scanned.all_actions["trade_off"].trigger()
    assert any(point.recipe == best.recipe for point in scanned.trade_off.shown)


def test_without_a_budget_auto_compress_says_how_to_set_one(demo_window):
    demo_window.all_actions["solve"].trigger()

    assert demo_window.message_bar.text.startswith("Set a budget first")
    assert demo_window.solving.dialog is None


def test_auto_compress_scans_first_where_no_scan_is_there(demo_window, qtbot):
    document = demo_window.document
    document.set_budgets(Budgets(size_bytes=0.3 * document.model.file_bytes))

    with qtbot.waitSignal(document.searching.found, timeout=_LONG_MS, check_params_cb=lambda one: one.is_final):
        demo_window.all_actions["solve"].trigger()

    assert document.scans.scan.is_complete
    assert demo_window.solving.dialog.found is not None


def test_what_was_scanned_is_there_when_the_files_are_opened_again(scanned, qtbot):
    again = Document()
    try:
        model, data = demo_files()
        with qtbot.waitSignal(again.model_changed, timeout=_LONG_MS):
            again.opening.open_model(model)
        again.opening.open_data(data)
        qtbot.waitUntil(lambda: again.scans.scan is not None and again.scans.scan.is_complete, timeout=_LONG_MS)

        assert again.searching.scan_job == 0
        assert again.scans.scan.cells
        # And what it says of mixes is learned again from the store.
        qtbot.waitUntil(lambda: again.predictions.prediction is not None, timeout=_LONG_MS)
    finally:
        again.close()


def test_an_edit_while_a_scan_runs_is_not_held_up(demo_window, qtbot):
    document = demo_window.document
    seen = []
    document.scans.changed.connect(lambda: seen.append(len(document.scans.scan.cells)))
    demo_window.all_actions["scan"].trigger()

    document.edit(document.recipe.with_rule("*", weights=WeightRule(5)), "Bits")

    assert document.recipe.rules
    qtbot.waitUntil(lambda: not document.searching.is_scanning and document.scans.scan.is_complete, timeout=_LONG_MS)
    assert len(seen) > 1
