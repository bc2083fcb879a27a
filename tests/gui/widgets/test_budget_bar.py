import pytest
from PySide6.QtCore import QPoint, Qt

from workbench.gui.widgets.budget_bar import BudgetBar


@pytest.fixture
def bar(theme, qtbot):
    bar = BudgetBar(theme, "Size")
    qtbot.addWidget(bar)
    bar.resize(204, 34)
    bar.set_figure(60.0, (55.0, 65.0), 100.0, 200.0)
    bar.show()
    return bar


def test_a_click_sets_the_budget_there(bar, qtbot):
    # 200 pixels stand for 0…200, from 2 pixels on.
    qtbot.mouseClick(bar, Qt.MouseButton.LeftButton, pos=QPoint(52, 10))

    assert bar.budget == 50.0
    assert bar.is_met is False


def test_keys_move_and_remove_the_budget(bar, qtbot):
    bar.set_budget(100.0)
    wished: list[float] = []
    bar.budget_moved.connect(wished.append)

    qtbot.keyClick(bar, Qt.Key.Key_Right)
    qtbot.keyClick(bar, Qt.Key.Key_Delete)

    assert wished == [102.0, -1.0]
    assert bar.is_met is None


def test_a_floor_is_met_from_above(theme, qtbot):
    bar = BudgetBar(theme, "Accuracy", floor=True)
    qtbot.addWidget(bar)
    bar.set_budget(0.9)

    bar.set_figure(0.91, None, None, 1.0)

    assert bar.is_met is True


def test_the_interval_is_painted(bar):
    def darkest_at(value: float) -> int:
        return bar.grab().toImage().pixelColor(int(bar.x_of(value)), 7).lightness()

    # Above the bar itself, only the band of the interval is painted.
    assert darkest_at(60.0) < darkest_at(30.0)
