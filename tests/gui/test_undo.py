"""Undo in the whole window: a drag is one step, the history lists steps, and keys alone do the main job."""

import onnx
import pytest
from PySide6.QtCore import QEvent, QPointF, Qt
from PySide6.QtGui import QMouseEvent
from PySide6.QtWidgets import QApplication, QUndoView, QWidget
from pytestqt.qtbot import QtBot

from workbench.gui.main_window import MainWindow
from workbench.gui.panels.layers_delegates import slider_track
from workbench.gui.panels.layers_model import Column

_LONG_MS = 30_000
_NONE, _CONTROL = Qt.KeyboardModifier.NoModifier, Qt.KeyboardModifier.ControlModifier


def _mouse(widget: QWidget, kind: QEvent.Type, at: QPointF) -> None:
    held = Qt.MouseButton.NoButton if kind is QEvent.Type.MouseButtonRelease else Qt.MouseButton.LeftButton
    button = Qt.MouseButton.NoButton if kind is QEvent.Type.MouseMove else Qt.MouseButton.LeftButton
    place = QPointF(widget.mapToGlobal(at.toPoint()))
    QApplication.sendEvent(widget, QMouseEvent(kind, at, place, button, held, _NONE))


def _drag(widget: QWidget, start: QPointF, end: QPointF, moves: int = 20) -> None:
    _mouse(widget, QEvent.Type.MouseButtonPress, start)
    for number in range(1, moves + 1):
        _mouse(widget, QEvent.Type.MouseMove, start + (end - start) * number / moves)
    _mouse(widget, QEvent.Type.MouseButtonRelease, end)


def _drag_prune(window: MainWindow, row: int, share: float) -> None:
    table = window.layers.table
    cell = table.visualRect(window.layers.rows.index(row, Column.PRUNE))
    track = slider_track(cell)
    middle = QPointF(0, cell.center().y())
    start = middle + QPointF(track.left() + 2, 0)
    _drag(table.viewport(), start, middle + QPointF(track.left() + share * track.width(), 0))


def test_a_drag_in_the_table_is_one_step_of_undo_and_measured_when_it_is_let_go(demo_window: MainWindow, qtbot: QtBot):
    document = demo_window.document
    before = document.recipe

    _drag_prune(demo_window, 2, 0.6)

    assert document.undo_stack.count() == 1
    assert not document.measuring.is_idle
    qtbot.waitUntil(
        lambda: document.measuring.is_idle and document.figures.is_current(document.figures.accuracy), timeout=_LONG_MS
    )
    assert document.figures.accuracy.done == 597
    # The latency of this very recipe was timed as well, and its size is exact.
    assert document.figures.is_current(document.figures.latency)
    assert document.figures.exact_bytes is not None
    document.undo_stack.undo()
    assert document.recipe is before


def test_a_drag_of_a_budget_is_one_step_and_is_saved(demo_window: MainWindow, answers, tmp_path):
    document = demo_window.document
    bar = demo_window.preview.disk_size.bar

    _drag(bar, QPointF(20, 12), QPointF(bar.width() / 2, 12))

    assert document.undo_stack.count() == 1
    limit = document.budgets.size_bytes
    assert limit is not None
    answers.path = tmp_path / "p.wbproj"
    demo_window.all_actions["save_project"].trigger()
    assert f'"size_bytes": {limit}' in (tmp_path / "p.wbproj").read_text()
    document.undo_stack.undo()
    assert document.budgets.size_bytes is None
    assert bar.budget is None


def test_the_history_lists_the_steps_and_goes_back_to_any(demo_window: MainWindow):
    document = demo_window.document
    demo_window.all_actions["undo_history"].trigger()
    view = demo_window.edits.history.widget()
    assert isinstance(view, QUndoView)
    demo_window.layers.edits.set_bits(4)
    _drag_prune(demo_window, 2, 0.6)
    third = document.recipe

    texts = [view.model().index(row, 0).data() for row in range(view.model().rowCount())]
    assert texts[0] == "as opened"
    assert texts[1].startswith("Bits of ")
    assert texts[2].startswith("Sparsity of ")

    document.undo_stack.setIndex(0)
    assert not document.recipe.rules
    document.undo_stack.setIndex(2)
    assert document.recipe is third


def test_the_main_job_is_done_with_the_keyboard_alone(window: MainWindow, qtbot: QtBot, answers, demo_folder, tmp_path):
    document = window.document
    answers.path = demo_folder / "digits.onnx"

    def key(name: str) -> None:
        qtbot.keySequence(window, name)

    with qtbot.waitSignal(document.model_changed, timeout=_LONG_MS):
        key("Ctrl+O")
    answers.path = demo_folder / "digits.npz"
    with qtbot.waitSignal(document.dataset_changed, timeout=_LONG_MS):
        key("Ctrl+D")
    window.data_form.close()
    key("Ctrl+L")
    table = window.layers.table
    assert table.hasFocus()
    first = document.selection
    qtbot.keyClick(table, Qt.Key.Key_Down)
    assert document.selection != first
    qtbot.keyClick(table, Qt.Key.Key_A, _CONTROL)
    assert len(document.selection) == len(document.model.layers)
    qtbot.keyClick(table, Qt.Key.Key_2)
    qtbot.keyClick(table, Qt.Key.Key_4)
    four = document.recipe
    key("Ctrl+Z")
    assert document.recipe != four
    key("Ctrl+Shift+Z")
    assert document.recipe is four
    qtbot.waitUntil(
        lambda: document.measuring.is_idle and document.figures.is_current(document.figures.accuracy), timeout=_LONG_MS
    )

    key("Ctrl+E")
    dialog = window.jobs.export_dialog
    dialog.path.setText(str(tmp_path / "small.onnx"))
    with qtbot.waitSignal(document.awaited.exported, timeout=_LONG_MS) as caught:
        qtbot.keyClick(dialog.path, Qt.Key.Key_Return)

    assert caught.args[0].verified.ok
    assert (tmp_path / "small.onnx").stat().st_size == document.figures.exact_bytes
    assert "Verified" in dialog.banner.accessibleName()
    onnx.checker.check_model(onnx.load(tmp_path / "small.onnx"))


@pytest.mark.parametrize("key", ["theme", "focus_filter", "focus_table", "undo_history", "about"])
def test_every_action_has_a_key_of_its_own(window: MainWindow, key: str):
    shortcuts = [action.shortcut().toString() for action in window.all_actions.values()]

    assert "" not in shortcuts
    assert len(set(shortcuts)) == len(shortcuts)
    assert window.all_actions[key].shortcut().toString() in shortcuts
