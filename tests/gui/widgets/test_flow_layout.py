import pytest
from PySide6.QtWidgets import QWidget
from pytestqt.qtbot import QtBot

from workbench.gui.widgets.flow_layout import FlowLayout


@pytest.fixture
def boxes(qtbot: QtBot) -> tuple[QWidget, list[QWidget]]:
    """Three boxes of 60 × 20 with 6 pixels between them."""
    frame = QWidget()
    qtbot.addWidget(frame)
    flow = FlowLayout(6)
    inside = [QWidget() for _ in range(3)]
    for box in inside:
        box.setFixedSize(60, 20)
        flow.addWidget(box)
    frame.setLayout(flow)
    return frame, inside


@pytest.mark.parametrize(
    ("width", "height", "places"),
    [
        pytest.param(192, 20, [(0, 0), (66, 0), (132, 0)], id="one line"),
        pytest.param(191, 46, [(0, 0), (66, 0), (0, 26)], id="a pixel less makes two"),
        pytest.param(60, 72, [(0, 0), (0, 26), (0, 52)], id="as narrow as it gets"),
    ],
)
def test_what_does_not_fit_goes_on_in_the_next_line(boxes, width: int, height: int, places: list[tuple[int, int]]):
    frame, inside = boxes
    frame.resize(width, height)
    frame.show()

    assert frame.layout().heightForWidth(width) == height
    assert [(box.x(), box.y()) for box in inside] == places


def test_its_least_width_is_that_of_the_widest(boxes):
    frame, inside = boxes
    inside[1].setFixedWidth(80)

    assert frame.minimumSizeHint().width() == 80
