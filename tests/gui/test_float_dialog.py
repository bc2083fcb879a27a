"""The suggestion of layers to keep in float: the dialog on values, and the whole way with the demo."""

import pytest
from PySide6.QtCore import Qt

from workbench.engine.core.measurement import Figure, Origin
from workbench.engine.core.quantization_reports import FloatSuggestion, LayerEffect
from workbench.engine.core.recipe import ActivationRule, WeightRule
from workbench.gui.float_dialog import FloatDialog

_LONG_MS = 90_000


def kl(value: float) -> Figure:
    return Figure(value, "nat", Origin.MEASURED, n=64)


SUGGESTION = FloatSuggestion(
    "r1",
    (LayerEffect("head", kl(0.5), "few values are far larger than the rest"), LayerEffect("stem", kl(0.01))),
    ("head",),
    kl(0.62),
    kl(0.043),
)


@pytest.fixture
def dialog(theme, qtbot):
    dialog = FloatDialog(theme)
    qtbot.addWidget(dialog)
    dialog.show()
    return dialog


def test_layers_are_listed_with_effect_and_reason_and_the_suggested_ones_are_ticked(dialog):
    dialog.show_suggestion(SUGGESTION)

    rows = [[dialog.table.item(row, column).text() for column in range(3)] for row in range(2)]
    assert rows == [["head", "0.5 nat", "few values are far larger than the rest"], ["stem", "0.01 nat", "–"]]
    assert dialog.chosen == ("head",)
    assert dialog.banner.isVisible()
    assert not dialog.bar.isVisible()


def test_a_tick_changes_what_is_taken_over(dialog, qtbot):
    dialog.show_suggestion(SUGGESTION)
    dialog.table.item(1, 0).setCheckState(Qt.CheckState.Checked)

    with qtbot.waitSignal(dialog.apply_wished) as wished:
        dialog.apply.click()

    assert wished.args == [("head", "stem")]


def test_what_was_measured_of_another_recipe_cannot_be_taken_over(dialog):
    dialog.show_suggestion(SUGGESTION)

    dialog.show_recipe("r2")
    assert not dialog.apply.isEnabled()

    dialog.show_recipe("r1")
    assert dialog.apply.isEnabled()


def test_cancel_asks_and_does_not_close(dialog, qtbot):
    dialog.show_progress(0.4, "head alone")

    with qtbot.waitSignal(dialog.cancel_wished):
        dialog.close_button.click()

    assert dialog.isVisible()
    assert dialog.progress_text.text() == "head alone"


def test_one_click_keeps_the_suggested_layers_in_float_as_one_undo_step(demo_window, qtbot):
    document = demo_window.document
    document.edit(document.recipe.with_rule("*", weights=WeightRule(2), activations=ActivationRule(8)), "W2A8")
    steps, before = document.undo_stack.count(), document.recipe

    with qtbot.waitSignal(document.awaited.suggested, timeout=_LONG_MS) as suggested:
        demo_window.all_actions["suggest_float"].trigger()
    dialog = demo_window.float_layers.dialog
    if not dialog.chosen:
        dialog.table.item(0, 0).setCheckState(Qt.CheckState.Checked)
    names = dialog.chosen
    dialog.apply.click()

    assert suggested.args[0].recipe_digest == before.digest
    assert dialog.table.rowCount() == len(suggested.args[0].effects)
    for name in names:
        settings = document.recipe.settings_for(name, document.model.layer(name).op_type)
        assert (settings.weights, settings.activations) == (None, None)
    assert document.undo_stack.count() == steps + 1
    document.undo_stack.undo()
    assert document.recipe == before


def test_stopping_it_says_so_in_the_dialog(demo_window, qtbot):
    document = demo_window.document
    document.edit(document.recipe.with_rule("*", weights=WeightRule(2), activations=ActivationRule(8)), "W2A8")
    demo_window.all_actions["suggest_float"].trigger()

    with qtbot.waitSignal(document.awaited.not_suggested, timeout=_LONG_MS):
        demo_window.float_layers.dialog.close_button.click()

    assert not demo_window.float_layers.dialog.is_running
    assert document.recipe.rules
