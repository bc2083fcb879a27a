import pytest
from PySide6.QtWidgets import QWidget
from pytestqt.qtbot import QtBot

from workbench.gui.widgets.columns import Columns


@pytest.fixture
def columns(qtbot: QtBot) -> Columns:
    """Sides of at least 200 and 100 pixels; the middle is comfortable with 400."""
    sides = [QWidget() for _ in range(3)]
    for side, least in zip(sides, (200, 50, 100), strict=True):
        side.setMinimumWidth(least)
    columns = Columns(*sides, 400)
    qtbot.addWidget(columns)
    columns.setHandleWidth(0)
    columns.resize(1000, 100)
    columns.setSizes([300, 500, 200])
    columns.show()
    return columns


def test_the_middle_gives_way_while_it_is_comfortable(columns):
    columns.resize(900, 100)

    assert columns.sizes() == [300, 400, 200]


def test_then_the_sides_do_as_far_as_they_get(columns):
    columns.resize(800, 100)
    assert columns.sizes() == [250, 400, 150]

    columns.resize(600, 100)
    assert columns.sizes() == [200, 300, 100]
