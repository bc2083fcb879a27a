import time

import numpy as np
import pytest
from PySide6.QtCore import QEvent, QPoint, QPointF, Qt
from PySide6.QtGui import QMouseEvent
from PySide6.QtWidgets import QApplication

from workbench.engine.core.recipe import Prune, Recipe
from workbench.gui.panels.layers_delegates import slider_track
from workbench.gui.panels.layers_model import Column
from workbench.gui.panels.layers_panel import LayersPanel


def weight(seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(0, 0.1, (8, 4, 3, 3)).astype(np.float32)


@pytest.fixture
def panel(bench, theme, qtbot):
    panel = LayersPanel(bench, theme)
    qtbot.addWidget(panel)
    panel.resize(520, 900)
    panel.show()
    return panel


def send(widget, kind: QEvent.Type, at: QPointF, modifiers=Qt.KeyboardModifier.NoModifier) -> None:
    button = Qt.MouseButton.LeftButton
    held = Qt.MouseButton.NoButton if kind is QEvent.Type.MouseButtonRelease else button
    place = QPointF(widget.mapToGlobal(at.toPoint()))
    QApplication.sendEvent(widget, QMouseEvent(kind, at, place, button, held, modifiers))


def drag_prune(panel, row: int, shares: list[float]) -> None:
    cell = panel.table.visualRect(panel.rows.index(row, Column.PRUNE))
    track = slider_track(cell)
    points = [QPointF(track.left() + share * track.width(), cell.center().y()) for share in shares]
    send(panel.table.viewport(), QEvent.Type.MouseButtonPress, points[0])
    for point in points[1:]:
        send(panel.table.viewport(), QEvent.Type.MouseMove, point)
    send(panel.table.viewport(), QEvent.Type.MouseButtonRelease, points[-1])


def test_dragging_a_prune_slider_is_one_undo_step(panel, bench):
    bench.put(a=weight(), b=weight(1))

    drag_prune(panel, 1, [0.1, 0.2, 0.35, 0.6])

    prune = bench.recipe.settings_for("b", "Conv").prune("weights")
    assert abs(prune.sparsity - 0.6) < 0.02
    assert (bench.undo_stack.count(), bench.num_releases) == (1, 1)
    bench.undo_stack.undo()
    assert bench.recipe == Recipe()


def test_two_drags_are_two_undo_steps(panel, bench):
    bench.put(a=weight())

    drag_prune(panel, 0, [0.1, 0.3])
    drag_prune(panel, 0, [0.3, 0.5])

    assert bench.undo_stack.count() == 2


def test_a_drag_in_a_selection_edits_all_selected_layers(panel, bench):
    bench.put(a=weight(), b=weight(1), c=weight(2))
    bench.select(("a", "b"))

    drag_prune(panel, 0, [0.2, 0.4])

    pruned = [bool(bench.recipe.settings_for(name, "Conv").prunes) for name in "abc"]
    assert pruned == [True, True, False]


def test_digits_pick_bits_and_zero_is_float(panel, bench, qtbot):
    bench.put(a=weight())
    bench.select(("a",))

    qtbot.keyClick(panel.table, Qt.Key.Key_3)
    assert bench.recipe.settings_for("a", "Conv").weights.bits == 3

    qtbot.keyClick(panel.table, Qt.Key.Key_0)
    assert bench.recipe.settings_for("a", "Conv").weights is None


def test_arrow_keys_prune_by_a_hundredth(panel, bench, qtbot):
    bench.put(a=weight())
    bench.select(("a",))

    qtbot.keyClick(panel.table, Qt.Key.Key_Right)
    qtbot.keyClick(panel.table, Qt.Key.Key_Right)

    assert bench.recipe.settings_for("a", "Conv").prune("weights") == Prune("weights", sparsity=0.02)
    assert bench.undo_stack.count() == 1


def test_the_bits_menu_edits(panel, bench):
    bench.put(a=weight())
    bench.select(("a",))
    menu = panel.menus.make_bits()

    next(action for action in menu.actions() if action.text() == "INT5").trigger()

    assert bench.recipe.settings_for("a", "Conv").weights.bits == 5


def test_undo_moves_the_card_back(panel, bench):
    bench.put(a=weight())
    bench.select(("a",))
    panel.edits.set_bits(4)
    assert panel.card.weights.bits.value == 4

    bench.undo_stack.undo()

    assert panel.card.weights.bits.value == "float"


def test_a_layer_that_cannot_be_edited_is_greyed_with_its_reason(panel, bench, make_layer, make_model):
    bench.model = make_model(make_layer("a", weight(), editable=False))
    bench.model_changed.emit()
    bench.select(("a",))

    drag_prune(panel, 0, [0.2, 0.4])

    assert bench.recipe == Recipe()
    assert not panel.card.weights.bits.isEnabled()
    assert panel.card.weights.bits.toolTip() == "the weights are computed while the model runs"
    assert "computed while" in panel.rows.index(0, Column.BITS).data(Qt.ItemDataRole.ToolTipRole)


def test_a_selection_that_is_pruned_in_different_ways_has_no_single_amount(panel, bench):
    bench.put(a=weight(), b=weight(1))
    bench.set_recipe(Recipe().with_rule("a", prune=Prune("weights", sparsity=0.4)))

    bench.select(("a", "b"))
    assert panel.card.spin.text() == "mixed"

    panel.edits.set_sparsity(0.5)
    assert panel.card.spin.text() == "50.0 %"


def test_filter_and_sort_by_parameters(panel, bench):
    bench.put(conv1=weight(), conv2=np.ones((2, 2), np.float32), head=weight())

    panel.filter.setText("CONV")
    panel.table.sortByColumn(Column.PARAMS, Qt.SortOrder.AscendingOrder)

    names = [panel.rows.index(row, 0).data(Qt.ItemDataRole.DisplayRole).split(",")[0] for row in range(2)]
    assert (panel.rows.rowCount(), names) == (2, ["conv2", "conv1"])


def test_cells_speak_to_screen_readers(panel, bench):
    bench.put(a=weight())
    bench.select(("a",))
    panel.edits.set_bits(6)

    assert panel.rows.index(0, Column.BITS).data(Qt.ItemDataRole.AccessibleTextRole) == "Bits: INT6"


@pytest.mark.parametrize(
    "values",
    [np.full((4, 4), np.nan, np.float32), np.zeros((4, 4), np.float32), np.ones((1, 1), np.float32)],
    ids=["nan", "zeros", "one weight"],
)
def test_hostile_weights_are_painted(panel, bench, values):
    bench.put(a=values)
    bench.select(("a",))
    panel.edits.set_sparsity(0.5)

    assert not panel.grab().isNull()


@pytest.mark.parametrize(("width", "is_hidden"), [(620, False), (520, True)])
def test_names_stay_readable_and_the_column_without_edits_gives_way(panel, bench, width: int, is_hidden: bool):
    bench.put(**{"features.3.conv.weight_quantized": weight()})

    panel.resize(width, 900)

    assert panel.table.columnWidth(Column.LAYER) >= 116
    assert panel.table.isColumnHidden(Column.SENSITIVITY) is is_hidden


def test_nothing_open_paints_and_edits_nothing(panel, bench):
    panel.edits.set_bits(4)

    assert bench.recipe == Recipe()
    assert not panel.grab().isNull()


def _median_move_s(panel, bench, count: int, layers: slice) -> float:
    """Seconds of a move, painting included, in a model of so many layers."""
    one = weight()
    bench.put(**{f"layer{number}": one for number in range(count)})
    bench.select(tuple(bench.looks.weights)[layers])
    panel.table.viewport().grab()
    times = []
    for step in range(1, 41):
        start = time.perf_counter()
        panel.edits.set_sparsity(step / 50)
        panel.table.viewport().repaint()
        times.append(time.perf_counter() - start)
    return sorted(times)[len(times) // 2]


def test_a_move_in_a_thousand_layers_takes_not_much_longer_than_in_thirty(panel, bench):
    few = _median_move_s(panel, bench, 30, slice(3, 4))
    many = _median_move_s(panel, bench, 1000, slice(3, 4))

    # Thirty-three times the layers; the rows that are painted are the same.
    assert many < 4 * few
    assert panel.rows.rowCount() == 1000


def test_a_move_of_one_layer_asks_for_its_own_cells_only(panel, bench):
    one = weight()
    bench.put(**{f"layer{number}": one for number in range(1000)})
    bench.select(("layer3",))
    panel.grab()
    asked: list[tuple[int, int, int]] = []
    panel.model.dataChanged.connect(lambda first, last, *_: asked.append((first.row(), last.row(), first.column())))

    panel.edits.set_sparsity(0.4)

    assert asked == [(3, 3, column) for column in (Column.WEIGHTS, Column.PRUNE, Column.BITS, Column.ACTIVATIONS)]


def test_a_move_of_all_layers_of_a_thousand_changes_all_of_them(panel, bench):
    one = weight()
    bench.put(**{f"layer{number}": one for number in range(1000)})
    bench.select(tuple(bench.looks.weights))

    panel.edits.set_sparsity(0.4)

    assert len(bench.recipe.rules) == 1
    assert {panel.states.of(layer).sparsity for layer in bench.model.layers} == {0.4}


def test_the_bits_cell_asks_for_its_menu(panel, bench, qtbot):
    bench.put(a=weight())
    cell = panel.table.visualRect(panel.rows.index(0, Column.BITS))
    asked: list[QPoint] = []
    panel.table.bits_menu_wished.disconnect()
    panel.table.bits_menu_wished.connect(asked.append)

    qtbot.mouseClick(panel.table.viewport(), Qt.MouseButton.LeftButton, pos=cell.center())

    assert len(asked) == 1
    assert bench.selection == ("a",)
