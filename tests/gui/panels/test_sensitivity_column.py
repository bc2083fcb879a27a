"""The column of sensitivities: what it says of a layer's setting, or of all that were tried."""

import numpy as np
import pytest
from PySide6.QtCore import Qt

from workbench.engine.core.recipe import Prune, Recipe, WeightRule
from workbench.engine.core.sensitivity import ScanAxes
from workbench.gui.panels.layers_model import CHIP_ROLE, Column
from workbench.gui.panels.layers_panel import LayersPanel

AXES = ScanAxes((8, 4, 2), (), ())
W8, W4, W2 = AXES.settings
NAMES = ("a", "b", "c")


@pytest.fixture
def panel(bench, theme, qtbot, make_scan) -> LayersPanel:
    panel = LayersPanel(bench, theme)
    qtbot.addWidget(panel)
    panel.resize(620, 700)
    panel.show()
    bench.put(**{name: np.linspace(-1, 1, 36, dtype=np.float32).reshape(4, 9) for name in NAMES})
    bench.put_data()
    bench.scans.set_axes(AXES)
    # From 0.0001 to 1 are four decades: a quarter of the scale each.
    kl = {("a", W8): 0.0001, ("a", W4): 0.01, ("a", W2): 1.0, ("b", W8): 0.0001, ("b", W4): 0.0001, ("b", W2): 0.01}
    bench.scans.take(make_scan(NAMES, kl, axes=AXES, is_complete=True))
    return panel


def chip(panel: LayersPanel, row: int):
    return panel.rows.index(row, Column.SENSITIVITY).data(CHIP_ROLE)


def test_an_untouched_layer_shows_the_mean_of_what_was_tried(panel):
    found = chip(panel, 0)

    assert found.place == pytest.approx((0 + 0.5 + 1) / 3, abs=1e-6)
    assert not found.is_of_setting
    assert found.tip == "mean over 3 settings, n = 64"
    assert not panel.grab().isNull()


def test_the_setting_of_a_layer_counts_once_it_has_one(panel, bench):
    bench.edit(Recipe().with_rule("a", weights=WeightRule(4, range="mse")), "Bits")

    found = chip(panel, 0)
    assert (found.text, found.is_of_setting) == ("0.50", True)
    assert found.tip == "KL 0.01 at W4, measured, n = 64"
    said = panel.rows.index(0, Column.SENSITIVITY).data(Qt.ItemDataRole.AccessibleTextRole)
    assert said == "Sens.: 0.50, KL 0.01 at W4, measured, n = 64"


def test_between_two_cells_it_is_estimated(panel, bench):
    bench.edit(Recipe().with_rule("a", weights=WeightRule(3, range="mse")), "Bits")

    found = chip(panel, 0)
    # Halfway between W4 and W2 on the logarithm: 0.1.
    assert found.place == pytest.approx(0.75, abs=1e-6)
    assert found.tip == "KL 0.1 at W3, estimated from the cells of the scan, n = 64"


def test_another_range_than_was_scanned_is_said(panel, bench):
    bench.edit(Recipe().with_rule("a", weights=WeightRule(4, range="minmax")), "Bits")

    assert "scanned with other scales or another range" in chip(panel, 0).tip


def test_what_was_not_scanned_at_all_falls_back_to_the_mean_and_says_so(panel, bench):
    bench.edit(Recipe().with_rule("a", prune=Prune("weights", sparsity=0.5)), "Zeros")

    found = chip(panel, 0)
    assert not found.is_of_setting
    assert found.tip.endswith("; 50 % zeros was not scanned")


def test_a_layer_without_cells_has_a_dash(panel):
    assert chip(panel, 2) is None
    tip = panel.rows.index(2, Column.SENSITIVITY).data(Qt.ItemDataRole.ToolTipRole)
    assert tip == "not scanned"


def test_layers_are_sorted_by_it(panel):
    panel.table.sortByColumn(Column.SENSITIVITY, Qt.SortOrder.DescendingOrder)

    assert [panel.rows.index(row, 0).data().split(",")[0] for row in range(3)] == ["a", "b", "c"]


def test_before_a_scan_the_column_says_how_to_get_one(bench, theme, qtbot):
    panel = LayersPanel(bench, theme)
    qtbot.addWidget(panel)
    bench.put(a=np.ones((2, 2), np.float32))

    tip = panel.rows.index(0, Column.SENSITIVITY).data(Qt.ItemDataRole.ToolTipRole)
    assert tip.startswith("No sensitivity scan has been run yet")
