"""What benchmarks share: the real window driven by the mouse, and figures of work in a process of its own."""

import faulthandler
import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import QEvent, QPointF, QSettings, Qt
from PySide6.QtGui import QMouseEvent
from PySide6.QtWidgets import QApplication, QWidget
from pytestqt.qtbot import QtBot

from workbench.gui.document import Document
from workbench.gui.main_window import MainWindow
from workbench.gui.panels.layers_delegates import slider_track
from workbench.gui.panels.layers_model import Column
from workbench.gui.theme import Theme
from workbench.gui.widgets.value_slider import ValueSlider
from workbench.project.measurement_store import MeasurementStore

_ROOT = Path(__file__).resolve().parents[2]
# The mark is that of this program alone; getrusage's would begin with the parent's.
_SCRIPT = """
import json, re, sys, time
from pathlib import Path
def peak():
    return int(re.search(r"VmHWM:\\s+(\\d+)", Path("/proc/self/status").read_text())[1]) * 1024
{prepare}
before, start = peak(), time.perf_counter()
{work}
seconds = time.perf_counter() - start
print(json.dumps([seconds, peak(), peak() - before]))
"""

# They run in interpreters of their own, with what the peers need.
collect_ignore_glob = ["peers/*_worker.py"]


@dataclass(frozen=True, slots=True)
class Cost:
    """Seconds of the work; most memory of the whole process, and what of it the work added to the imports."""

    seconds: float
    peak_bytes: int
    added_bytes: int


@pytest.fixture
def cost_of() -> Callable[..., Cost]:
    """Runs Python text in a fresh process: `cost_of(prepare, work, argument…)`; arguments are in `sys.argv[1:]`."""
    if not Path("/proc/self/status").is_file():
        pytest.skip("needs Linux, which tells how much memory a process took at most")

    def run(prepare: str, work: str, *arguments: object) -> Cost:
        done = subprocess.run(
            [sys.executable, "-c", _SCRIPT.format(prepare=prepare, work=work), *map(str, arguments)],
            env={**os.environ, "PYTHONPATH": str(_ROOT)}, capture_output=True, text=True, check=True, timeout=300,
        )  # fmt: skip
        return Cost(*json.loads(done.stdout.splitlines()[-1]))

    return run


_LONG_MS = 120_000
SQUEEZENET = ("imagenet_sample/squeezenet1.1_rgb224.onnx", "imagenet_sample/imagenet_sample_even500_224.zip")


class Bench:
    """A window at 1600×1000, driven as a person drives it."""

    def __init__(self, window: MainWindow, application: QApplication, qtbot: QtBot) -> None:
        self.window = window
        self.document = window.document
        self.application = application
        self.qtbot = qtbot

    def open(self, model: Path, data: Path | None = None, overrides: dict[str, object] | None = None) -> None:
        """Open files, and wait until nothing more is computed for them."""
        self.document.opening.open_model(model)
        self.wait(lambda: self.document.footprint is not None and self.document.figures.latency is not None)
        if data is not None:
            self.document.opening.open_data(data, overrides)
            self.wait(lambda: self.document.figures.accuracy is not None and self.document.figures.accuracy.is_final)

    def wait(self, is_there: Callable[[], bool]) -> None:
        """Let the window live until something holds."""
        self.qtbot.waitUntil(is_there, timeout=_LONG_MS)

    def drag_channels(self, layer: str, shares: Sequence[float]) -> list[float]:
        """Drag the ratio of a layer's channel group; seconds from each mouse move until all of it is painted."""
        self.document.select((layer,))
        self.window.layers.card.show_page("channels")
        self.window.distributions.show_side("channels")
        self.wait(lambda: self.window.channels.has_scores)
        slider, times = self.window.layers.card.channels.slider, []
        self._send_to(slider, QEvent.Type.MouseButtonPress, shares[0])
        self.application.processEvents()
        for share in shares:
            start = time.perf_counter()
            self._send_to(slider, QEvent.Type.MouseMove, share)
            self.application.processEvents()
            times.append(time.perf_counter() - start)
        self._send_to(slider, QEvent.Type.MouseButtonRelease, shares[-1])
        return times

    def press(self, layer: str, share: float) -> None:
        """Put the mouse down on a layer's prune slider, at a share of its track."""
        row = self.window.layers.model.row_of(layer)
        assert row is not None
        rows = self.window.layers.rows
        self._index = rows.mapFromSource(self.window.layers.model.index(row, Column.PRUNE))
        self.window.layers.table.scrollTo(self._index)
        self._send(QEvent.Type.MouseButtonPress, share)

    def move(self, share: float) -> None:
        """Drag to a share of the track."""
        self._send(QEvent.Type.MouseMove, share)

    def release(self, share: float) -> None:
        """Let the mouse go."""
        self._send(QEvent.Type.MouseButtonRelease, share)

    def _send(self, kind: QEvent.Type, share: float) -> None:
        table = self.window.layers.table
        track = slider_track(table.visualRect(self._index))
        at = QPointF(track.left() + share * track.width(), track.center().y())
        self._send_at(table.viewport(), kind, at)

    def _send_to(self, slider: ValueSlider, kind: QEvent.Type, share: float) -> None:
        self._send_at(slider, kind, QPointF(8 + share * (slider.width() - 16), slider.height() / 2))

    def _send_at(self, widget: QWidget, kind: QEvent.Type, at: QPointF) -> None:
        button = Qt.MouseButton.NoButton if kind is QEvent.Type.MouseMove else Qt.MouseButton.LeftButton
        held = Qt.MouseButton.NoButton if kind is QEvent.Type.MouseButtonRelease else Qt.MouseButton.LeftButton
        place = QPointF(widget.mapToGlobal(at.toPoint()))
        event = QMouseEvent(kind, at, place, button, held, Qt.KeyboardModifier.NoModifier)
        self.application.sendEvent(widget, event)


@pytest.fixture
def bench(qtbot: QtBot, qapp: QApplication, tmp_path: Path) -> Iterator[Bench]:
    theme = Theme()
    theme.apply(qapp)
    document = Document(store=MeasurementStore(tmp_path / "measurements.sqlite3"))
    window = MainWindow(document, theme, QSettings(str(tmp_path / "s.ini"), QSettings.Format.IniFormat))
    qtbot.addWidget(window, before_close_func=lambda _: document.undo_stack.setClean())
    window.resize(1600, 1000)
    window.show()
    qtbot.waitExposed(window)
    yield Bench(window, qapp, qtbot)
    document.close()


@pytest.fixture
def squeezenet(shared_data: Path) -> tuple[Path, Path, dict[str, object]]:
    """Model, samples, and how they are made ready."""
    folder = shared_data / "models"
    pairs = json.loads((folder / "pairs.json").read_text(encoding="utf-8"))
    pair = next(item for item in pairs if (item["model"], item["data"]) == SQUEEZENET)
    settings = {key: pair["pre"][key] for key in ("scale", "mean", "std")} | {"labels_offset": pair["label_offset"]}
    return folder / SQUEEZENET[0], folder / SQUEEZENET[1], settings


@pytest.fixture
def table(capsys: pytest.CaptureFixture[str]) -> Callable[..., None]:
    """Prints the spread of some times beside their target."""

    def show(title: str, times_s: Sequence[float], target: str) -> None:
        ms = np.array(times_s) * 1000
        with capsys.disabled():
            print(
                f"\n{title}: n = {len(ms)}, median {statistics.median(ms):.1f} ms, "
                f"p95 {np.percentile(ms, 95):.1f}, max {ms.max():.1f} (target {target})"
            )

    return show


@pytest.fixture
def stopwatch() -> Callable[[Callable[[], object]], float]:
    """Seconds that something takes."""

    def measure(work: Callable[[], object]) -> float:
        start = time.perf_counter()
        work()
        return time.perf_counter() - start

    return measure


@pytest.fixture
def no_alarm() -> None:
    """Takes back pytest's alarm, which prints where a test is that seems to hang."""
    faulthandler.cancel_dump_traceback_later()


@pytest.fixture
def show(request: pytest.FixtureRequest) -> Callable[[str], None]:
    """Prints past pytest's capture."""
    capture = request.config.pluginmanager.getplugin("capturemanager")

    def write(text: str) -> None:
        with capture.global_and_fixture_disabled():
            print(text, flush=True)

    return write


@pytest.fixture
def models(shared_data: Path) -> Path:
    return shared_data / "models"
