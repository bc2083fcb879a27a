"""The column of SQNR, on values and once in the whole window."""

import math

import numpy as np
import pytest
from PySide6.QtCore import Qt

from workbench.engine.core.quantization_reports import LayerSqnr, SqnrReport
from workbench.engine.core.recipe import ActivationRule, Recipe, WeightRule
from workbench.gui.panels.layers_model import NOISE_ROLE, Column
from workbench.gui.panels.layers_panel import LayersPanel
from workbench.gui.panels.noise_table import NoiseTexts

_LONG_MS = 60_000


@pytest.fixture
def panel(bench, theme, qtbot):
    panel = LayersPanel(bench, theme)
    qtbot.addWidget(panel)
    panel.resize(560, 900)
    panel.show()
    one = np.ones((2, 3), np.float32)
    bench.put(a=one, b=one, c=one)
    return panel


def measure(bench) -> None:
    layers = (LayerSqnr("a", 24.04, 31.26), LayerSqnr("b", None, math.inf))
    bench.figures.sqnr = SqnrReport(bench.recipe.digest, layers, 64)
    bench.figures.sqnr_changed.emit()


def cell(panel, row: int):
    return panel.rows.index(row, Column.SQNR)


def test_the_column_shows_output_and_weights(panel, bench):
    measure(bench)

    assert cell(panel, 0).data(NOISE_ROLE) == NoiseTexts("31.3", "W 24.0", is_current=True)
    assert cell(panel, 1).data(NOISE_ROLE) == NoiseTexts("exact", "", is_current=True)
    assert cell(panel, 2).data(NOISE_ROLE) is None
    said = cell(panel, 0).data(Qt.ItemDataRole.AccessibleTextRole)
    assert said == "SQNR: output 31.3 dB, weights 24.0 dB; measured on 64 samples"
    assert not panel.grab().isNull()


def test_figures_are_dimmed_when_the_recipe_moves_on_and_come_back_by_undo(panel, bench):
    measure(bench)

    bench.edit(Recipe().with_rule("a", weights=WeightRule(4)), "Bits")
    assert not cell(panel, 0).data(NOISE_ROLE).is_current
    assert cell(panel, 0).data(Qt.ItemDataRole.ToolTipRole).endswith("of an earlier recipe")

    bench.undo_stack.undo()
    assert cell(panel, 0).data(NOISE_ROLE).is_current


def test_layers_are_sorted_by_the_noise_of_their_output(panel, bench):
    measure(bench)

    panel.table.sortByColumn(Column.SQNR, Qt.SortOrder.DescendingOrder)

    assert panel.rows.index(2, 0).data().startswith("a,")


def test_the_action_measures_the_demo_as_a_job(demo_window, qtbot):
    document = demo_window.document
    document.edit(document.recipe.with_rule("*", weights=WeightRule(4), activations=ActivationRule(8)), "W4A8")

    with qtbot.waitSignal(document.figures.sqnr_changed, timeout=_LONG_MS):
        demo_window.all_actions["sqnr"].trigger()

    assert document.figures.sqnr.recipe_digest == document.recipe.digest
    texts = [demo_window.layers.rows.index(row, Column.SQNR).data(NOISE_ROLE) for row in range(2)]
    assert all(text.is_current and float(text.output) > 0 for text in texts)


def test_other_samples_leave_no_figures_of_the_old_ones(demo_window, qtbot):
    document = demo_window.document
    document.figures.put_sqnr(SqnrReport(document.recipe.digest, (LayerSqnr("stem", 20.0, 20.0),), 64))

    with qtbot.waitSignal(document.dataset_changed, timeout=_LONG_MS):
        document.opening.open_data(document.dataset.path)

    assert document.figures.sqnr is None
