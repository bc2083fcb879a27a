from dataclasses import replace
from pathlib import Path

import pytest
from PySide6.QtWidgets import QApplication

from tests.gui.latency_values import PHONE, profile_of
from workbench.engine.core.device_fit import DeviceFit, FittedTime
from workbench.engine.core.device_profile import Basis
from workbench.engine.core.tool_time import ToolTime
from workbench.gui.device_dialog import DeviceDialog
from workbench.gui.device_wish import DeviceWish

NET = Path("/models/net.onnx")
OWN = profile_of("my-phone", "My phone", basis=Basis.OWN_MEASUREMENT, num_own=1)


@pytest.fixture
def dialog(qtbot, theme, answers) -> DeviceDialog:
    dialog = DeviceDialog(theme, answers.asks)
    qtbot.addWidget(dialog)
    dialog.show_devices((profile_of(),))
    dialog.show_model(str(NET))
    dialog.show()
    return dialog


def fill(dialog: DeviceDialog, ms: str = "12", name: str = "My phone") -> None:
    dialog.like.set_value(PHONE)
    dialog.name.setText(name)
    dialog.add_open.click()
    dialog.rows.item(dialog.rows.rowCount() - 1, 1).setText(ms)


def fit_of(wish: DeviceWish, before: float | None = 10.0, after: float | None = 11.9) -> DeviceFit:
    return DeviceFit(OWN, tuple(FittedTime(path, ms, before, after) for path, ms in wish.measured))


def test_a_complete_wish_is_fitted_after_a_rest(dialog, qtbot):
    with qtbot.waitSignal(dialog.fit_wished) as wished:
        fill(dialog)

    assert wished.args == [DeviceWish("My phone", PHONE, ((NET, 12.0),))]
    assert not dialog.keep.isEnabled()


def test_the_fit_shows_the_errors_before_and_after_and_can_be_kept(dialog, qtbot):
    fill(dialog)
    dialog.show_fit(dialog.wish, fit_of(dialog.wish))

    # 10 of 12 is 17 % less, 11.9 is 0.8 % less.
    assert dialog.rows.item(0, 2).text() == "10.0 ms (−17 %)"
    assert dialog.rows.item(0, 3).text() == "11.9 ms (−0.8 %)"
    assert (
        dialog.said.text()
        == "fitted to 1 measurement: off by 17 % before; more models would tell how far off it is now"
    )
    with qtbot.waitSignal(dialog.keep_wished) as kept:
        dialog.keep.click()
    assert kept.args == [dialog.wish, False]


def test_a_fit_to_times_that_contradict_each_other_says_so(dialog):
    fill(dialog)
    dialog.show_fit(dialog.wish, replace(fit_of(dialog.wish), notes=("net.onnx was given 10.0 ms and 100 ms",)))

    assert dialog.said.text().endswith("\nnet.onnx was given 10.0 ms and 100 ms")
    assert dialog.keep.isEnabled()


def test_a_fit_of_what_was_asked_before_is_not_shown(dialog):
    fill(dialog)
    old = dialog.wish
    dialog.rows.item(0, 1).setText("13")

    dialog.show_fit(old, fit_of(old))

    assert dialog.rows.item(0, 2).text() == ""
    assert not dialog.keep.isEnabled()


def test_an_edit_takes_the_fit_back(dialog):
    fill(dialog)
    dialog.show_fit(dialog.wish, fit_of(dialog.wish))

    dialog.rows.item(0, 1).setText("13")

    assert dialog.rows.item(0, 3).text() == ""
    assert not dialog.keep.isEnabled()


@pytest.mark.parametrize(
    ("ms", "said"),
    [("", "net.onnx: type its time in ms"), ("fast", "net.onnx: 'fast' is no time in ms")],
    ids=["none", "word"],
)
def test_what_is_missing_is_said(dialog, ms, said):
    fill(dialog, ms)

    assert dialog.said.text() == said


def test_a_time_may_have_a_comma_and_a_unit(dialog):
    fill(dialog, "31,5 ms")

    assert dialog.wish.measured == ((NET, 31.5),)


def test_a_name_that_is_there_is_replaced_and_says_so(dialog, qtbot):
    dialog.show_devices((OWN, profile_of()))
    fill(dialog)
    dialog.show_fit(dialog.wish, fit_of(dialog.wish))

    assert dialog.keep.text() == "Replace"
    with qtbot.waitSignal(dialog.keep_wished) as kept:
        dialog.keep.click()
    assert kept.args[1] is True


def test_one_time_of_a_tool_fills_the_row_that_lacks_one(dialog):
    fill(dialog, "")

    dialog.put_times((ToolTime("benchmark_model", 31.25),))

    assert dialog.wish.measured == ((NET, 31.25),)


def test_a_time_of_a_network_of_another_name_says_so_in_its_row_until_another_is_typed(dialog):
    fill(dialog, "")

    dialog.put_times((ToolTime("benchmark_model", 31.25, network="/tmp/other.tflite"),))
    said = dialog.rows.item(0, 0).text()
    dialog.rows.item(0, 1).setText("12")

    assert said == "net.onnx  (this is the time of /tmp/other.tflite)"
    assert dialog.rows.item(0, 0).text() == "net.onnx"


def test_a_time_of_the_same_network_in_another_format_is_the_models(dialog):
    fill(dialog, "")

    dialog.put_times((ToolTime("benchmark_model", 31.25, network="/tmp/Net.tflite"),))

    assert dialog.rows.item(0, 0).text() == "net.onnx"
    assert dialog.wish.measured == ((NET, 31.25),)


def test_times_of_several_networks_find_their_models_or_ask_for_them(dialog, answers):
    fill(dialog, "")
    dialog.put_times((ToolTime("benchncnn", 5.0, 8, "net"), ToolTime("benchncnn", 9.0, 8, "other")))
    lacking = dialog.said.text()
    answers.path = Path("/models/other.onnx")
    dialog.add_file.click()

    assert lacking == "other: select the row and choose its model file"
    assert dialog.wish.measured == ((NET, 5.0), (Path("/models/other.onnx"), 9.0))


def test_the_clipboard_is_read_as_a_tools_output(dialog, qtbot):
    QApplication.clipboard().setText("Average inference time cost: 12.5 ms")

    with qtbot.waitSignal(dialog.paste_wished) as wished:
        dialog.paste.click()

    assert wished.args == ["Average inference time cost: 12.5 ms"]


def test_an_error_is_read_in_the_dialog(dialog):
    dialog.show_refusal("/models/net.onnx: is no ONNX model; give another file")

    assert dialog.said.text() == "/models/net.onnx: is no ONNX model; give another file"


def test_a_device_without_a_figure_for_the_model_says_so(dialog):
    fill(dialog)
    dialog.show_fit(dialog.wish, fit_of(dialog.wish, None, None))

    assert dialog.rows.item(0, 2).text() == "no figure"
    assert "no figure" in dialog.said.text()
    assert not dialog.keep.isEnabled()


def test_what_cannot_be_fitted_cannot_be_kept_and_the_button_says_why(dialog):
    fill(dialog)
    dialog.show_refusal("net.onnx: no figure: 8 of 8 layers are float, and the phone was measured in int8 only")

    assert not dialog.keep.isEnabled()
    assert dialog.keep.toolTip() == dialog.said.text()
    assert "in int8 only" in dialog.said.text()


def test_own_devices_are_removed_exported_and_taken_in(dialog, qtbot, answers):
    dialog.show_devices((OWN, profile_of()))
    dialog.own.setCurrentRow(0)
    answers.path = Path("/tmp/my.json")

    with qtbot.waitSignal(dialog.export_wished) as exported:
        dialog.export.click()
    with qtbot.waitSignal(dialog.import_wished) as taken_in:
        dialog.take_in.click()
    with qtbot.waitSignal(dialog.remove_wished) as removed:
        dialog.remove.click()

    assert dialog.own.count() == 1
    assert exported.args == ["my-phone", Path("/tmp/my.json")]
    assert taken_in.args == [Path("/tmp/my.json")]
    assert removed.args == ["my-phone"]
    assert answers.asked[-1] == "Remove my-phone?"


def test_a_device_stays_when_the_question_is_answered_with_no(dialog, qtbot, answers):
    dialog.show_devices((OWN, profile_of()))
    dialog.own.setCurrentRow(0)
    answers.remove = False

    with qtbot.assertNotEmitted(dialog.remove_wished):
        dialog.remove.click()
