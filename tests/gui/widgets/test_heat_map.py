"""The heat map by mouse and keyboard, and what it paints."""

import numpy as np
import pytest
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QColor

from workbench.gui.heat_colors import heat_color
from workbench.gui.widgets.heat_content import HeatContent
from workbench.gui.widgets.heat_map import HeatMap

ROWS = ("W8", "W4", "50 %")


def content_of(num_columns: int, places: np.ndarray | None = None, has_error: np.ndarray | None = None) -> HeatContent:
    shape = (len(ROWS), num_columns)
    names = tuple(f"layer{number}" for number in range(num_columns))
    sections = (("Bits", 2), ("Zeros", 1))
    if places is None:
        places = np.linspace(0, 1, len(ROWS) * num_columns).reshape(shape).astype(np.float32)
    return HeatContent(names, ROWS, sections, places, np.zeros(shape, np.bool_) if has_error is None else has_error)


@pytest.fixture
def heat_map(theme, qtbot) -> HeatMap:
    heat_map = HeatMap(theme)
    qtbot.addWidget(heat_map)
    heat_map.resize(600, 400)
    heat_map.show()
    heat_map.show_content(content_of(10))
    return heat_map


def middle(heat_map: HeatMap, column: int, row: int) -> QPoint:
    grid = heat_map.grid
    return QPointF(grid.x_of(column) + grid.column / 2, grid.y_of(row) + grid.row / 2).toPoint()


def color_at(heat_map: HeatMap, at: QPoint) -> str:
    image = heat_map.viewport().grab().toImage()
    return QColor(image.pixel(at)).name()


def test_each_cell_has_the_colour_of_its_place(heat_map: HeatMap, theme):
    for column, row in ((0, 0), (7, 1), (9, 2)):
        place = float(heat_map.content.places[row, column])
        assert color_at(heat_map, middle(heat_map, column, row)) == heat_color(theme.tokens, place)


def test_a_click_takes_the_cell_under_the_pointer(heat_map: HeatMap, qtbot):
    with qtbot.waitSignal(heat_map.taken) as taken:
        qtbot.mouseClick(heat_map.viewport(), Qt.MouseButton.LeftButton, pos=middle(heat_map, 3, 2))

    assert taken.args == [3, 2]
    assert heat_map.cursor_cell == (3, 2)


def test_a_press_that_is_let_go_elsewhere_takes_nothing(heat_map: HeatMap, qtbot):
    with qtbot.assertNotEmitted(heat_map.taken):
        qtbot.mousePress(heat_map.viewport(), Qt.MouseButton.LeftButton, pos=middle(heat_map, 3, 2))
        qtbot.mouseRelease(heat_map.viewport(), Qt.MouseButton.LeftButton, pos=middle(heat_map, 4, 2))


def test_a_click_on_a_name_selects_and_ctrl_adds(heat_map: HeatMap, qtbot):
    below = QPoint(middle(heat_map, 5, 0).x(), heat_map.viewport().height() - 20)
    wished = []
    heat_map.column_wished.connect(lambda column, adds: wished.append((column, adds)))

    qtbot.mouseClick(heat_map.viewport(), Qt.MouseButton.LeftButton, pos=below)
    control = Qt.KeyboardModifier.ControlModifier
    qtbot.mouseClick(heat_map.viewport(), Qt.MouseButton.LeftButton, control, middle(heat_map, 2, 1))

    assert wished == [(5, False), (2, True)]


def test_arrows_go_from_cell_to_cell_and_enter_takes(heat_map: HeatMap, qtbot):
    heat_map.setFocus()
    for key in (Qt.Key.Key_Down, Qt.Key.Key_Down, Qt.Key.Key_Right, Qt.Key.Key_Down):
        qtbot.keyClick(heat_map, key)
    assert heat_map.cursor_cell in ((1, 2), (1, 1))
    qtbot.keyClick(heat_map, Qt.Key.Key_End)
    assert heat_map.cursor_cell[0] == 9
    qtbot.keyClick(heat_map, Qt.Key.Key_Home)

    with qtbot.waitSignal(heat_map.taken) as taken:
        qtbot.keyClick(heat_map, Qt.Key.Key_Return)

    assert taken.args == list(heat_map.cursor_cell)
    assert taken.args[0] == 0


def test_the_cursor_takes_the_only_selected_layer_along_and_leaves_several_alone(heat_map: HeatMap, qtbot):
    wished = []
    heat_map.column_wished.connect(lambda column, adds: wished.append(column))
    heat_map.show_selected([2])
    qtbot.keyClick(heat_map, Qt.Key.Key_Down)
    qtbot.keyClick(heat_map, Qt.Key.Key_Right)
    assert wished[-1] == 3

    heat_map.show_selected([2, 3, 4])
    count = len(wished)
    qtbot.keyClick(heat_map, Qt.Key.Key_Right)

    assert len(wished) == count


def test_what_is_not_measured_is_hatched_and_what_cannot_be_has_a_cross(heat_map: HeatMap, theme):
    places = np.full((3, 10), np.nan, np.float32)
    has_error = np.zeros((3, 10), np.bool_)
    has_error[1, 4] = True
    heat_map.show_content(content_of(10, places, has_error))

    image = heat_map.viewport().grab().toImage()
    cell = middle(heat_map, 0, 0)
    shades = {image.pixel(cell + QPoint(dx, dy)) for dx in range(8) for dy in range(8)}
    assert len(shades) > 1
    assert color_at(heat_map, middle(heat_map, 4, 1)) != color_at(heat_map, middle(heat_map, 4, 1) + QPoint(12, 0))
    assert color_at(heat_map, middle(heat_map, 4, 1) + QPoint(12, 0)) == theme.tokens.bad_soft


def test_a_selected_layer_is_brought_into_sight(heat_map: HeatMap):
    heat_map.show_content(content_of(300))
    assert heat_map.column_width == 9

    heat_map.show_selected([290])

    first, last = heat_map.grid.columns_in_sight
    assert first <= 290 < last


def test_zooming_keeps_what_is_under_the_pointer(heat_map: HeatMap):
    heat_map.show_content(content_of(300))
    x = heat_map.grid.x_of(20) + 4
    heat_map.zoom(2.0, x)

    assert heat_map.column_width == 18
    assert heat_map.grid.column_at(x) == 20

    heat_map.zoom(0.001)
    assert heat_map.column_width >= 3
    heat_map.fit()
    assert heat_map.column_width == 9


def test_moving_cursor_and_marks_paints_no_cell_anew(heat_map: HeatMap, qtbot):
    heat_map.viewport().grab()
    painted = heat_map.num_grounds

    for key in (Qt.Key.Key_Right, Qt.Key.Key_Down, Qt.Key.Key_Right):
        qtbot.keyClick(heat_map, key)
        heat_map.viewport().grab()
    heat_map.show_marks([(0, 1.0), (3, 0.5)])
    heat_map.show_selected([4, 5])
    heat_map.viewport().grab()

    assert heat_map.num_grounds == painted


def test_a_mark_is_seen_on_its_cell(heat_map: HeatMap, theme):
    heat_map.show_marks([(6, 1.0)])

    assert color_at(heat_map, middle(heat_map, 6, 1)) == theme.tokens.text


def test_the_other_theme_has_its_own_colours(heat_map: HeatMap, theme, qapp):
    from workbench.gui.theme import DARK

    theme.apply(qapp, DARK)

    assert color_at(heat_map, middle(heat_map, 9, 2)) == heat_color(DARK, 1.0)


@pytest.mark.parametrize("num_columns", [0, 1, 1000])
def test_any_number_of_layers_is_painted(heat_map: HeatMap, num_columns: int):
    heat_map.show_content(content_of(num_columns))
    heat_map.show_cell_texts(lambda column, row: ("0.1", "±0.02"))

    assert not heat_map.viewport().grab().isNull()
