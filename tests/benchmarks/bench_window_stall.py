"""The longest stall of the window's event loop while all samples are evaluated, and while sensitivity is scanned."""

import statistics
import threading
import time

import pytest
from PySide6.QtCore import QEventLoop, Qt, QTimer

from workbench.engine.core.recipe import Recipe, WeightRule
from workbench.engine.core.sensitivity import ScanAxes
from workbench.jobs import Cancelled, JobContext
from workbench.session import Session

pytestmark = [pytest.mark.bench, pytest.mark.qt_log_ignore("propagateSizeHints")]

_MOVES = 60
_MOVE_MS = 16
_TIMER_MS = 5
_RUNS = 3
_LEAST_RATIO = 1.5
_WATCH_MS = 2000


class _Gaps:
    """The longest time between two ticks of a timer of 5 ms."""

    def __init__(self) -> None:
        self.longest_s = 0.0
        self._last = time.perf_counter()
        self._timer = QTimer(interval=_TIMER_MS, timerType=Qt.TimerType.PreciseTimer)
        self._timer.timeout.connect(self._on_tick)
        self._timer.start()

    def _on_tick(self) -> None:
        now = time.perf_counter()
        self.longest_s = max(self.longest_s, now - self._last)
        self._last = now

    def stop(self) -> float:
        self._timer.stop()
        return self.longest_s


def test_a_drag_is_smooth_while_samples_are_evaluated(bench, squeezenet, table):
    bench.open(*squeezenet)
    layers = [layer.name for layer in bench.document.model.layers if layer.editable]
    recipe = Recipe().with_rule("*", weights=WeightRule(bits=5))

    in_worker = []
    for number in range(_RUNS):
        bench.document.edit(recipe, "Bits")
        bench.document.awaited.evaluate(bench.document.recipe)
        progress = []
        bench.document.jobs.progressed.connect(lambda job, report, seen=progress: seen.append(report))
        bench.wait(lambda seen=progress: bool(seen))
        in_worker.append(_drag(bench, layers[number]))

    in_thread = []
    session = Session()
    session.open_model(squeezenet[0])
    session.open_data(squeezenet[1], squeezenet[2])
    for number in range(_RUNS):
        context = JobContext()
        started = threading.Event()

        def work(context: JobContext = context, started: threading.Event = started) -> None:
            try:
                while True:
                    for _ in session.evaluate(recipe, ctx=context):
                        started.set()
            except Cancelled:
                return

        thread = threading.Thread(target=work)
        thread.start()
        bench.wait(started.is_set)
        in_thread.append(_drag(bench, layers[number + _RUNS]))
        context.cancel()
        thread.join()

    table("Longest stall during a drag of 60 moves, evaluating in the worker", in_worker, "median at most 50 ms")
    table("The same, evaluating in a thread of the window's process", in_thread, "none: it shows what a stall is")
    assert statistics.median(in_thread) > _LEAST_RATIO * statistics.median(in_worker)


def test_a_drag_is_smooth_while_sensitivity_is_scanned(bench, squeezenet, table):
    bench.open(*squeezenet)
    layers = [layer.name for layer in bench.document.model.layers if layer.editable]
    bench.window.all_actions["sensitivity"].trigger()
    found = []
    bench.document.searching.scanned.connect(found.append)

    asked = time.perf_counter()
    bench.document.searching.scan(ScanAxes(weight_bits=(2, 3, 4, 6, 8), sparsities=(0.5, 0.7, 0.9)), None)
    bench.wait(lambda: any(scan.cells for scan in found))
    first = time.perf_counter() - asked
    watching = [_watch(_WATCH_MS) for _ in range(_RUNS)]
    dragging = [_drag(bench, layers[number]) for number in range(_RUNS)]

    assert bench.document.searching.is_scanning
    assert len(found) > _RUNS
    table("From asking for a scan to its first cells", [first], "at most 2,000 ms")
    table("Longest stall in 2 s of watching the cells fill", watching, "median at most 50 ms")
    table("The same during a drag of 60 moves", dragging, "median at most 50 ms")


def _watch(milliseconds: int) -> float:
    """The longest stall in that time, in seconds, while the person does nothing."""
    gaps, loop = _Gaps(), QEventLoop()
    QTimer.singleShot(milliseconds, loop.quit)
    loop.exec()
    return gaps.stop()


def _drag(bench, layer: str) -> float:
    """Drag by a timer at 60 moves a second; the longest stall meanwhile, in seconds."""
    bench.press(layer, 0.05)
    bench.application.processEvents()
    done = []

    def move() -> None:
        done.append(None)
        bench.move(0.1 + 0.8 * len(done) / _MOVES)

    mover = QTimer(interval=_MOVE_MS, timerType=Qt.TimerType.PreciseTimer)
    mover.timeout.connect(move)
    gaps = _Gaps()
    mover.start()
    # An event loop of its own: waiting by polling would itself make gaps of 10 ms.
    loop = QEventLoop()
    watch = QTimer(interval=_TIMER_MS)
    watch.timeout.connect(lambda: loop.quit() if len(done) >= _MOVES else None)
    watch.start()
    loop.exec()
    longest = gaps.stop()
    for timer in (mover, watch):
        timer.stop()
    bench.release(0.9)
    return longest
