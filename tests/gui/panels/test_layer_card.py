"""The settings of the selected layers, in the real panel on a document that edits at once."""

import numpy as np
import pytest
from PySide6.QtCore import Qt

from workbench.engine.core.recipe import ActivationRule, ActivationSettings, Recipe, WeightRule, WeightSettings
from workbench.gui.panels.layers_model import Column
from workbench.gui.panels.layers_panel import LayersPanel


@pytest.fixture
def panel(bench, theme, qtbot):
    panel = LayersPanel(bench, theme)
    qtbot.addWidget(panel)
    panel.resize(530, 950)
    panel.show()
    weight = np.random.default_rng(0).normal(0, 0.1, (8, 4, 3, 3)).astype(np.float32)
    bench.put(a=weight, b=weight, c=weight)
    return panel


def settings(bench, name):
    return bench.recipe.settings_for(name, "Conv")


def test_every_setting_of_weights_and_activations_reaches_all_selected_layers(panel, bench):
    bench.select(("a", "b"))
    weights, activations = panel.card.weights, panel.card.activations

    weights.bits.chosen.emit(4)
    weights.scales.chosen.emit("per_group")
    weights.group_size.setValue(64)
    weights.range.chosen.emit("mse")
    weights.rounding.chosen.emit("learned")
    for switch in (weights.symmetric, weights.bias_correction, weights.reduce_range):
        switch.click()
    activations.bits.chosen.emit(8)
    activations.range.chosen.emit("entropy")
    activations.symmetric.click()
    activations.signed.click()

    for name in "ab":
        assert settings(bench, name).weights == WeightSettings(4, "per_group_64", False, "mse", "learned", True, True)
        assert settings(bench, name).activations == ActivationSettings(8, True, True, "entropy")
    assert settings(bench, "c").is_empty


def test_each_choice_is_one_undo_step(panel, bench):
    bench.select(("a", "b", "c"))
    panel.card.activations.bits.chosen.emit(8)

    bench.undo_stack.undo()

    assert bench.recipe == Recipe()
    assert panel.card.activations.bits.value == "float"


def test_settings_that_differ_are_shown_as_mixed(panel, bench):
    bench.set_recipe(
        Recipe()
        .with_rule("a", weights=WeightRule(8, symmetric=False), activations=ActivationRule(8, signed=True))
        .with_rule("b", weights=WeightRule(4, "per_group_64"), activations=ActivationRule(16))
    )

    bench.select(("a", "b"))

    weights, activations = panel.card.weights, panel.card.activations
    assert (weights.bits.value, weights.scales.value, activations.bits.value) == (None, None, None)
    assert weights.symmetric.is_mixed
    assert activations.signed.is_mixed
    assert not activations.symmetric.is_mixed
    assert weights.range.value == "minmax"
    assert weights.symmetric.accessibleName() == "Symmetric: differs"


def test_a_press_on_a_mixed_switch_turns_it_on_for_all(panel, bench):
    recipe = Recipe().with_rule("*", weights=WeightRule(8, symmetric=False))
    bench.set_recipe(recipe.with_rule("a", weights=WeightRule(symmetric=True)))
    bench.select(("a", "b"))

    panel.card.weights.symmetric.click()

    assert [settings(bench, name).weights.symmetric for name in "abc"] == [True, True, False]
    assert not panel.card.weights.symmetric.is_mixed


def test_the_card_is_worked_by_keyboard_alone(panel, bench, qtbot):
    bench.select(("a",))
    page = panel.card.page
    assert not panel.card.activations.isVisible()

    qtbot.keyClick(page, Qt.Key.Key_Right)
    qtbot.keyClick(panel.card.activations.bits, Qt.Key.Key_Right)
    qtbot.keyClick(panel.card.activations.symmetric, Qt.Key.Key_Space)

    assert panel.card.activations.isVisible()
    assert settings(bench, "a").activations == ActivationSettings(16, symmetric=True)


def test_the_activation_column_shows_the_width_and_its_menu_edits(panel, bench):
    bench.select(("a",))

    menu = panel.menus.make_activation_bits()
    next(action for action in menu.actions() if action.text() == "INT4 simulated").trigger()

    cell = panel.rows.index(0, Column.ACTIVATIONS)
    assert cell.data(Qt.ItemDataRole.AccessibleTextRole) == "A: INT4 simulated"
    assert panel.rows.index(1, Column.ACTIVATIONS).data() == "FP32"
    assert "simulated" in panel.card.activations.note.text()


def test_a_click_and_a_key_open_the_menu_of_activations(panel, bench, qtbot):
    asked = []
    panel.table.activations_menu_wished.disconnect()
    panel.table.activations_menu_wished.connect(asked.append)
    place = panel.table.visualRect(panel.rows.index(1, Column.ACTIVATIONS)).center()

    qtbot.mouseClick(panel.table.viewport(), Qt.MouseButton.LeftButton, pos=place)
    qtbot.keyClick(panel.table, Qt.Key.Key_A)

    assert len(asked) == 2
    assert bench.selection == ("b",)


def test_reset_takes_activations_back_too(panel, bench):
    bench.set_recipe(Recipe().with_rule("*", weights=WeightRule(8), activations=ActivationRule(8)))
    bench.select(("a",))

    panel.edits.reset()

    assert settings(bench, "a").is_empty
    assert settings(bench, "b").activations is not None


def test_similar_layers_take_over_all_settings(panel, bench):
    rule = WeightRule(3, "per_tensor", False, "mse", "learned", True, True)
    bench.set_recipe(Recipe().with_rule("a", weights=rule, activations=ActivationRule(8, range="entropy")))
    bench.select(("a",))

    panel.edits.apply_to_similar()

    assert settings(bench, "b") == settings(bench, "a")
