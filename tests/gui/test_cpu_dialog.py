"""Accuracy on other processors: the dialog on values, and the whole way with the demo."""

import pytest
from PySide6.QtCore import Qt

from workbench.engine.core.cpu_rules import CpuComparison, CpuRules, EmulatedReport, LayerSaturation
from workbench.engine.core.measurement import Figure, Origin
from workbench.engine.core.recipe import ActivationRule, WeightRule
from workbench.engine.core.reports import EvaluationReport
from workbench.gui.cpu_dialog import CpuDialog

_LONG_MS = 90_000


def _fraction(value: float, half: float, origin: Origin) -> Figure:
    return Figure(value, "fraction", origin, value - half, value + half, 500)


def _row(rules: CpuRules, value: float, difference: float | None = None, **more: object) -> EmulatedReport:
    origin = Origin.MEASURED if rules is CpuRules.THIS else Origin.ESTIMATED
    report = EvaluationReport(
        "top1", _fraction(value, 0.03, origin), 500, 500, 1.0,
        difference=None if difference is None else _fraction(difference, 0.01, origin),
        agreement=None if difference is None else _fraction(1 - abs(difference), 0.01, origin),
    )  # fmt: skip
    return EmulatedReport(rules, report, **more)


_LAYERS = (LayerSaturation("stem", 33, 0.2), LayerSaturation("head", 1_200, 0.0002), LayerSaturation("quiet", 7, 0.0))
_ROWS = (
    _row(CpuRules.THIS, 0.8),
    _row(CpuRules.EXACT, 0.85, 0.05),
    _row(CpuRules.SATURATING, 0.8, 0.0, layers=_LAYERS, left_out=("odd: QAttention is not emulated",)),
)
_COMPARISON = CpuComparison("r1", True, _ROWS, 4.2)


@pytest.fixture
def dialog(theme, qtbot):
    dialog = CpuDialog(theme)
    qtbot.addWidget(dialog)
    dialog.show()
    return dialog


def _texts(table) -> list[list[str]]:
    return [
        [table.item(row, column).text() for column in range(table.columnCount())] for row in range(table.rowCount())
    ]


def test_each_processor_has_a_row_that_says_whether_it_is_an_emulation(dialog):
    dialog.show_comparison(_COMPARISON)

    this, exact, saturating = _texts(dialog.rules)
    assert this == ["measured: this computer, its pairs saturate", "80.0 %  (77.0 … 83.0 %)", "–", "–"]
    assert exact[0] == "emulated: sums are exact (VNNI, ARM)"
    assert exact[2:] == ["+5.0 pp (95 %: +4.0 … +6.0 pp)", "95.0 %"]
    assert saturating[0] == "emulated: pairs saturate (AVX2/AVX-512 without VNNI)"
    assert saturating[2].startswith("no difference seen")
    assert dialog.rules.horizontalHeaderItem(1).text() == "Accuracy (top1)"


def test_the_headline_says_how_another_processor_differs(dialog):
    dialog.show_comparison(_COMPARISON)

    assert dialog.banner.headline == "Where sums are exact (VNNI, ARM): +5.0 pp (95 %: +4.0 … +6.0 pp)"
    assert "This computer saturates" in dialog.banner.accessibleName()
    assert "500 samples" in dialog.banner.accessibleName()


def test_layers_that_did_saturate_are_listed_and_what_is_not_emulated_is_said(dialog):
    dialog.show_comparison(_COMPARISON)

    assert _texts(dialog.layers) == [["stem", "20.0 %", "33"], ["head", "under 0.1 %", "1,200"]]
    assert "reduce_range" in dialog.note.text()
    assert "odd: QAttention is not emulated" in dialog.note.text()


def test_where_no_pair_can_saturate_there_is_nothing_to_reduce(dialog):
    rows = (_ROWS[0], _ROWS[1], _row(CpuRules.SATURATING, 0.8, 0.0))
    dialog.show_comparison(CpuComparison("r1", True, rows))

    assert "every processor computes the same" in dialog.banner.headline
    assert dialog.layers.rowCount() == 0
    assert not dialog.apply.isEnabled()


def test_of_another_recipe_nothing_can_be_taken_over(dialog):
    dialog.show_comparison(_COMPARISON)

    dialog.show_recipe("r2")
    assert not dialog.apply.isEnabled()
    assert dialog.banner.headline == "Of an earlier recipe"

    dialog.show_recipe("r1")
    assert dialog.apply.isEnabled()


def test_rows_come_one_after_another_while_it_runs(dialog):
    dialog.show_progress(0.3, "16 of 500 samples")
    dialog.show_rows(CpuComparison("r1", True, _ROWS[:1]))

    assert dialog.rules.rowCount() == 1
    assert dialog.is_running
    assert dialog.progress_text.text() == "16 of 500 samples"
    assert not dialog.apply.isEnabled()


def test_the_keyboard_reaches_every_table_and_button(dialog, qtbot):
    dialog.show_comparison(_COMPARISON)
    dialog.rules.setFocus()

    reached = []
    for _ in range(4):
        qtbot.keyClick(dialog.focusWidget(), Qt.Key.Key_Tab)
        reached.append(dialog.focusWidget())

    assert reached == [dialog.layers, dialog.close_button, dialog.again, dialog.apply]


def test_the_demo_is_compared_and_one_click_keeps_its_weights_from_saturating(demo_window, qtbot):
    document = demo_window.document
    document.edit(document.recipe.with_rule("*", weights=WeightRule(8), activations=ActivationRule(8)), "W8A8")
    steps, before = document.undo_stack.count(), document.recipe

    with qtbot.waitSignal(document.awaited.cpus_compared, timeout=_LONG_MS) as compared:
        demo_window.all_actions["other_cpus"].trigger()
    dialog = demo_window.other_cpus.dialog

    (comparison,) = compared.args
    assert [row.rules for row in comparison.rows] == [CpuRules.THIS, CpuRules.EXACT, CpuRules.SATURATING]
    assert dialog.rules.rowCount() == 3
    assert dialog.saturating_layers

    # No figure of an emulation gets among those of this computer.
    assert document.figures.accuracy is None or document.figures.accuracy.figure.origin is Origin.MEASURED
    names = dialog.saturating_layers
    dialog.apply.click()
    for name in names:
        assert document.recipe.settings_for(name, document.model.layer(name).op_type).weights.reduce_range
    assert document.undo_stack.count() == steps + 1
    document.undo_stack.undo()
    assert document.recipe == before


def test_stopping_it_says_so_in_the_dialog(demo_window, qtbot):
    document = demo_window.document
    document.edit(document.recipe.with_rule("*", weights=WeightRule(8), activations=ActivationRule(8)), "W8A8")
    demo_window.all_actions["other_cpus"].trigger()

    with qtbot.waitSignal(document.awaited.cpus_not_compared, timeout=_LONG_MS):
        demo_window.other_cpus.dialog.close_button.click()

    assert not demo_window.other_cpus.dialog.is_running
    assert demo_window.other_cpus.dialog.banner.headline == "Not all of it was computed"
