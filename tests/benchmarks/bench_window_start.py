"""From the start of the process to a window whose table answers, and to the help of the command line."""

import subprocess
import sys
import time
from pathlib import Path

import pytest

pytestmark = pytest.mark.bench

_RUNS = 5

# Opens the window as `workbench gui MODEL` does, presses a key in its table, and ends when the table has answered.
_SCRIPT = """
import sys
from pathlib import Path
from PySide6.QtCore import QTimer, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication
from workbench.gui.app import run_window

application = QApplication(sys.argv[:1])
seen = []

def look():
    windows = [widget for widget in application.topLevelWidgets() if widget.objectName() == "main_window"]
    if not windows:
        return
    if not seen:
        seen.append("window")
        print("window", flush=True)
    layers = windows[0].layers
    if layers.model.rowCount() and layers.table.currentIndex().isValid():
        row = layers.table.currentIndex().row()
        QTest.keyClick(layers.table, Qt.Key.Key_Down)
        if layers.table.currentIndex().row() == row + 1:
            print("answers", flush=True)
            application.quit()

timer = QTimer(interval=10)
timer.timeout.connect(look)
timer.start()
run_window(*(Path(path) for path in sys.argv[1:]))
"""


def test_start_to_a_table_that_answers(demo_folder: Path, table):
    times: dict[str, list[float]] = {"window": [], "answers": []}
    for _ in range(_RUNS):
        start = time.perf_counter()
        command = [sys.executable, "-c", _SCRIPT, str(demo_folder / "digits.onnx")]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None
            for line in process.stdout:
                times[line.strip()].append(time.perf_counter() - start)
        assert process.returncode == 0

    table("Start to window", times["window"], "none")
    table("Start to a table that answers", times["answers"], "2,000 ms")


def test_help_of_the_command_line(table):
    times = []
    for _ in range(_RUNS):
        start = time.perf_counter()
        done = subprocess.run([sys.executable, "-m", "workbench", "--help"], capture_output=True, text=True, check=True)
        times.append(time.perf_counter() - start)
        assert "apply" in done.stdout

    table("workbench --help", times, "400 ms")
