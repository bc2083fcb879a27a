import subprocess
import sys

import pytest

from workbench.gui.app import NO_DISPLAY, has_display, has_screen, run_window
from workbench.gui.dropped import Kind, in_opening_order, kind_of


@pytest.mark.parametrize(
    ("environment", "platform", "expected"),
    [
        ({}, "linux", False),
        ({"DISPLAY": ":0"}, "linux", True),
        ({"WAYLAND_DISPLAY": "wayland-0"}, "linux", True),
        ({"QT_QPA_PLATFORM": "offscreen"}, "linux", True),
        ({}, "darwin", True),
        ({"DISPLAY": ""}, "linux", False),
    ],
)
def test_a_screen_is_looked_for_first(environment, platform, expected):
    assert has_display(environment, platform) is expected


def test_a_window_that_nobody_can_see_is_no_reason_to_open_one():
    assert not has_screen({"QT_QPA_PLATFORM": "offscreen"}, "linux")
    assert has_screen({"QT_QPA_PLATFORM": "offscreen", "DISPLAY": ":0"}, "linux")


def test_without_a_screen_one_line_says_so(monkeypatch, capsys):
    for name in ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(sys, "platform", "linux")

    assert run_window() == 2
    assert capsys.readouterr().err == NO_DISPLAY
    assert NO_DISPLAY.count("\n") == 1


def test_a_file_that_is_not_there_is_named_before_a_screen_is_looked_for(monkeypatch, capsys, tmp_path):
    for name in ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM"):
        monkeypatch.delenv(name, raising=False)

    assert run_window(model=tmp_path / "nosuch.onnx") == 2
    assert capsys.readouterr().err == (
        f"error: {tmp_path / 'nosuch.onnx'}: there is no such file or folder; check the path\n"
    )


def test_the_window_imports_no_engine():
    code = (
        "import sys; import workbench.gui.main_window; "
        "print([name for name in ('onnx', 'onnxruntime', 'torch', 'pyqtgraph') if name in sys.modules])"
    )

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout.strip() == "[]"


def test_files_are_opened_so_that_each_finds_its_model(tmp_path):
    folder = tmp_path / "images"
    folder.mkdir()
    paths = [tmp_path / "r.yaml", folder, tmp_path / "m.ONNX"]

    assert [kind_of(path) for path in in_opening_order(paths)] == [Kind.MODEL, Kind.DATA, Kind.RECIPE]
