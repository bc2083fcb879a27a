"""The times by operator: the dialog on values, and the whole way with the demo."""

import pytest

from workbench.engine.core.measurement import Figure, Origin
from workbench.engine.core.operator_times import OperatorTime, OperatorTimes
from workbench.gui.operators_dialog import OperatorsDialog


def ms(value: float) -> Figure:
    return Figure(value, "ms", Origin.MEASURED, 0.9 * value, 1.1 * value, 60)


TIMES = OperatorTimes(
    "a processor",
    ms(4.2),
    (
        OperatorTime("narrow", "Conv", ms(1), 2.0),
        OperatorTime("sum", "Add", None, 0.5),
        OperatorTime("wide", "Conv", ms(3), 2.0),
    ),
    other_ms=1.0,
    notes=("by the profiler",),
    recipe_digest="r1",
)


@pytest.fixture
def dialog(theme, qtbot):
    dialog = OperatorsDialog(theme)
    qtbot.addWidget(dialog)
    dialog.show()
    return dialog


def test_the_slowest_operator_stands_first_with_its_share_and_estimate(dialog):
    dialog.show_times(TIMES)

    rows = [[dialog.table.item(row, column).text() for column in range(5)] for row in range(3)]
    assert rows == [
        ["wide", "Conv", "3.00 ms", "2.00 ms", "60.0 %"],
        ["narrow", "Conv", "1.00 ms", "2.00 ms", "20.0 %"],
        ["sum", "Add", "–", "0.500 ms", "runs together with another"],
    ]
    # 3/4 and 1/4 measured, 1/2 and 1/2 estimated.
    assert "25.0 % of it at other operators" in dialog.banner.accessibleName()
    assert "1.00 ms belong to no operator" in dialog.note.text()
    assert not dialog.bar.isVisible()


def test_bars_are_as_long_as_the_shares_and_the_estimate_is_a_line(dialog, theme):
    dialog.show_times(TIMES)

    picture = dialog.table.grab().toImage()
    lengths = []
    for row in range(2):
        rect = dialog.table.visualItemRect(dialog.table.item(row, 4))
        y = rect.center().y() + dialog.table.viewport().y() + 3
        colours = [
            picture.pixelColor(x + dialog.table.viewport().x(), y).name() for x in range(rect.left(), rect.right())
        ]
        lengths.append(colours.count(theme.color("bar").name()))
    assert lengths[0] == pytest.approx(3 * lengths[1], abs=6)


def test_times_of_an_earlier_recipe_say_so(dialog):
    dialog.show_times(TIMES)

    dialog.show_recipe("r2")
    assert "measure again" in dialog.banner.accessibleName()
    dialog.show_recipe("r1")
    assert "a processor" in dialog.banner.accessibleName()


def test_the_menu_times_the_demo_operator_by_operator(demo_window, qtbot):
    demo_window.all_actions["operators"].trigger()
    dialog = demo_window.operators.dialog
    assert dialog.isVisible()

    qtbot.waitUntil(lambda: not dialog.is_running)

    layers = {layer.name for layer in demo_window.document.model.layers}
    assert layers <= {dialog.table.item(row, 0).text() for row in range(dialog.table.rowCount())}
    assert "an inference on" in dialog.banner.accessibleName()
