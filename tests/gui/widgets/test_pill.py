"""A pill in a row: its width decides where its neighbours stand, and each change lays out the window above."""

import pytest

from workbench.gui.widgets.pill import Pill


@pytest.fixture
def make_pill(theme, qtbot):
    def make(*, keeps_room: bool) -> Pill:
        pill = Pill(theme, "threshold", keeps_room=keeps_room)
        qtbot.addWidget(pill)
        return pill

    return make


def test_a_pill_is_as_wide_as_its_value(make_pill):
    pill = make_pill(keeps_room=False)
    pill.set_value("0.03475")
    wide = pill.sizeHint().width()

    pill.set_value("0")

    assert pill.sizeHint().width() < wide


def test_a_pill_that_keeps_its_room_lets_its_neighbours_stand_still(make_pill):
    pill = make_pill(keeps_room=True)
    pill.set_value("0.03475")
    wide = pill.sizeHint().width()

    pill.set_value("…")

    assert pill.value == "…"
    assert pill.sizeHint().width() == wide


def test_a_pill_that_may_be_cut_is_whole_where_there_is_room(theme, qtbot):
    pictures = []
    for gives_way in (False, True):
        pill = Pill(theme, "digits.onnx", "muted", bold_name=True, gives_way=gives_way)
        qtbot.addWidget(pill)
        pill.set_value("opset 13 · 186.5 kB · 11 layers")
        pill.resize(pill.sizeHint())
        pictures.append(pill.grab().toImage())

    assert pictures[0] == pictures[1]
