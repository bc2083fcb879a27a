from collections.abc import Iterator

import pytest
from PySide6.QtCore import Qt

from tests.gui.latency_values import profile_of
from workbench.engine.core.device_profile import Backend
from workbench.gui.device_texts import device_groups
from workbench.gui.widgets.device_picker import DevicePicker

PROFILES = (
    profile_of("a/cpu-1t", "Alpha", threads=1),
    profile_of("a/cpu-4t", "Alpha"),
    profile_of("b/cpu-4t", "Beta", soc="Kirin 970"),
    profile_of("b/npu", "Beta", Backend.NPU, threads=0),
)


@pytest.fixture
def picker(qtbot, theme) -> Iterator[DevicePicker]:
    picker = DevicePicker(theme, "Device", "Choose…", can_clear=True)
    picker.set_groups(device_groups(PROFILES))
    qtbot.addWidget(picker)
    picker.show()
    yield picker
    picker.popup.hide()


def test_typing_narrows_the_list_down_to_all_words(picker, qtbot):
    picker.open()
    qtbot.keyClicks(picker.filter, "beta 4 thr")

    assert picker.shown == ("b/cpu-4t",)


def test_the_keyboard_alone_chooses_a_device(picker, qtbot):
    picker.setFocus()
    qtbot.keyClick(picker, "a")
    qtbot.keyClicks(picker.filter, "lpha")
    qtbot.keyClick(picker.filter, Qt.Key.Key_Down)

    with qtbot.waitSignal(picker.chosen) as chosen:
        qtbot.keyClick(picker.filter, Qt.Key.Key_Return)

    assert chosen.args == ["a/cpu-4t"]
    assert picker.value == "a/cpu-4t"
    assert not picker.popup.isVisible()


def test_titles_of_groups_are_passed_over(picker, qtbot):
    picker.open("alpha")
    rows = []
    for _ in range(3):
        rows.append(picker.list.currentItem().text().strip())
        qtbot.keyClick(picker.filter, Qt.Key.Key_Down)

    assert all(row.startswith("Alpha") for row in rows)


def test_escape_leaves_what_was_chosen(picker, qtbot):
    picker.set_value("b/npu")
    picker.open()
    qtbot.keyClick(picker.filter, Qt.Key.Key_Escape)

    assert not picker.popup.isVisible()
    assert picker.value == "b/npu"


def test_the_closed_box_says_device_target_and_runtime(picker):
    picker.set_value("a/cpu-4t")

    assert picker.accessibleName() == "Device: Alpha  ·  CPU, 4 threads  ·  ncnn 2024-06-12"


def test_nothing_is_offered_under_a_word_that_nothing_has(picker, qtbot):
    picker.open("nokia")
    qtbot.keyClick(picker.filter, Qt.Key.Key_Return)

    assert picker.shown == ()
    assert picker.popup.isVisible()


def test_no_device_can_be_chosen(picker, qtbot):
    picker.set_value("a/cpu-4t")
    picker.open()
    picker.list.setCurrentRow(0)

    with qtbot.waitSignal(picker.chosen) as chosen:
        qtbot.keyClick(picker.filter, Qt.Key.Key_Return)

    assert chosen.args == [""]


def test_a_box_without_room_still_says_in_which_numbers_it_runs(picker):
    picker.set_value("b/npu")
    picker.resize(150, 28)

    assert "…" in picker.shown_text
    assert picker.shown_text.endswith(picker.accessibleName()[-4:])
    assert picker.toolTip().startswith(picker.accessibleName().removeprefix("Device: "))
