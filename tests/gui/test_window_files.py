"""Files that come by drop, by dialog and from the list of recent ones."""

from pathlib import Path

import pytest
from PySide6.QtCore import QMimeData, QPoint, QPointF, Qt, QUrl
from PySide6.QtGui import QDragEnterEvent, QDropEvent
from PySide6.QtWidgets import QMenu
from pytestqt.qtbot import QtBot

from workbench.engine.core.recipe import Recipe, WeightRule
from workbench.gui.file_dialogs import Unsaved
from workbench.gui.main_window import MainWindow
from workbench.project.recipe_text import format_recipe

_LONG_MS = 30_000
_RECIPE = Recipe().with_rule("hidden", weights=WeightRule(bits=3))


def _drop(window: MainWindow, *paths: Path) -> None:
    mime = QMimeData()
    mime.setUrls([QUrl.fromLocalFile(str(path)) for path in paths])
    copy, left, none = Qt.DropAction.CopyAction, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
    enter = QDragEnterEvent(QPoint(5, 5), copy, mime, left, none)
    window.dragEnterEvent(enter)
    assert enter.isAccepted()
    window.dropEvent(QDropEvent(QPointF(5, 5), copy, mime, left, none))


def test_a_model_samples_and_a_recipe_dropped_together_open_in_order(
    window: MainWindow, qtbot: QtBot, demo_folder: Path, tmp_path: Path
):
    recipe = tmp_path / "r.yaml"
    recipe.write_text(format_recipe(_RECIPE))

    _drop(window, recipe, demo_folder / "digits.npz", demo_folder / "digits.onnx")

    document = window.document
    qtbot.waitUntil(lambda: document.dataset is not None and document.recipe == _RECIPE, timeout=_LONG_MS)
    assert document.model is not None
    assert document.undo_stack.undoText() == "Open r.yaml"


@pytest.mark.parametrize(("name", "word"), [("digits.npz", "data"), ("digits.recipe.yaml", "recipe")])
def test_what_needs_a_model_says_so_when_none_is_open(window: MainWindow, demo_folder: Path, name: str, word: str):
    _drop(window, demo_folder / name)

    assert window.message_bar.text == f"{name}: open a model first, then its {word}"


def test_a_project_that_is_dropped_opens(demo_window: MainWindow, qtbot: QtBot, answers, tmp_path: Path):
    document = demo_window.document
    document.edit(_RECIPE, "Bits")
    answers.path = tmp_path / "p.wbproj"
    demo_window.all_actions["save_project"].trigger()
    document.undo_stack.undo()

    _drop(demo_window, tmp_path / "p.wbproj")

    qtbot.waitUntil(lambda: document.recipe == _RECIPE, timeout=_LONG_MS)
    assert answers.asked == ["Save project", "Unsaved edits"]


def test_opening_another_model_asks_before_edits_are_lost(demo_window: MainWindow, answers, demo_folder: Path):
    model = demo_window.document.model
    demo_window.document.edit(_RECIPE, "Bits")
    answers.unsaved = Unsaved.CANCEL

    _drop(demo_window, demo_folder / "digits.onnx")

    assert answers.asked == ["Unsaved edits"]
    assert demo_window.document.model is model
    assert demo_window.document.recipe == _RECIPE
    answers.unsaved = Unsaved.DISCARD


def test_samples_that_wait_for_a_model_are_dropped_when_it_cannot_be_read(
    window: MainWindow, qtbot: QtBot, demo_folder: Path, tmp_path: Path
):
    broken = tmp_path / "broken.onnx"
    broken.write_bytes((demo_folder / "digits.onnx").read_bytes()[:5000])
    with qtbot.waitSignal(window.document.message, timeout=_LONG_MS):
        _drop(window, broken, demo_folder / "digits.npz")

    with qtbot.waitSignal(window.document.model_changed, timeout=_LONG_MS):
        window.files.open_path(demo_folder / "digits.onnx")
    qtbot.waitUntil(lambda: window.document.figures.latency is not None, timeout=_LONG_MS)

    assert window.document.dataset is None


def test_what_was_open_lately_can_be_opened_again(demo_window: MainWindow, qtbot: QtBot, demo_folder: Path):
    menu = QMenu()
    demo_window.files.fill_recent(menu)

    assert [action.toolTip() for action in menu.actions()] == [str(demo_folder / "digits.onnx")]
    with qtbot.waitSignal(demo_window.document.model_changed, timeout=_LONG_MS):
        menu.actions()[0].trigger()


def test_recent_files_that_are_gone_are_not_offered(
    window: MainWindow, qtbot: QtBot, demo_folder: Path, tmp_path: Path
):
    path = tmp_path / "copy.onnx"
    path.write_bytes((demo_folder / "digits.onnx").read_bytes())
    with qtbot.waitSignal(window.document.model_changed, timeout=_LONG_MS):
        window.files.open_path(path)
    assert window.files.recent_models.paths() == [str(path)]

    path.unlink()

    assert window.files.recent_models.paths() == []


def test_a_folder_of_samples_can_be_chosen(demo_window: MainWindow, qtbot: QtBot, answers, tmp_path: Path):
    import numpy as np
    from PIL import Image

    for label in range(2):
        folder = tmp_path / "pictures" / f"{label}_digit"
        folder.mkdir(parents=True)
        Image.fromarray(np.full((8, 8), 100 * label, np.uint8)).save(folder / "a.png")
    answers.path = tmp_path / "pictures"

    with qtbot.waitSignal(demo_window.document.dataset_changed, timeout=_LONG_MS):
        demo_window.all_actions["open_folder"].trigger()

    assert answers.asked == ["Open data folder"]
    assert demo_window.document.dataset.num_samples == 2


def test_save_asks_where_only_the_first_time(demo_window: MainWindow, answers, tmp_path: Path):
    answers.path = tmp_path / "p.wbproj"
    demo_window.all_actions["save_project"].trigger()
    demo_window.document.edit(_RECIPE, "Bits")

    demo_window.all_actions["save_project"].trigger()

    assert answers.asked == ["Save project"]
    assert not demo_window.document.saving.is_modified
    assert '"bits": 3' in (tmp_path / "p.wbproj").read_text()


def test_a_file_is_replaced_only_when_the_user_says_so(demo_window: MainWindow, answers, tmp_path: Path):
    path = tmp_path / "r.yaml"
    path.write_text("mine")
    answers.path = path

    demo_window.all_actions["save_recipe"].trigger()
    assert path.read_text() == "mine"

    answers.overwrite = True
    demo_window.all_actions["save_recipe"].trigger()
    assert path.read_text().startswith("version: 1")
    assert answers.asked == ["Save recipe", "Replace r.yaml?"] * 2


def test_settings_of_the_command_line_hold_for_the_samples_that_it_opens(window, qtbot: QtBot, demo_folder: Path):
    model, data = demo_folder / "digits.onnx", demo_folder / "digits.npz"
    window.files.give_settings(data, {"mean": ["0.25"]})

    window.files.open_paths([model, data])

    qtbot.waitUntil(lambda: window.document.dataset is not None, timeout=_LONG_MS)
    assert window.document.dataset.preprocessing.mean == (0.25,)
    assert window.document.data_overrides == {"mean": ["0.25"]}


def test_nothing_can_be_edited_while_another_model_is_read(demo_window: MainWindow, qtbot: QtBot, demo_folder: Path):
    document, actions = demo_window.document, demo_window.all_actions
    demo_window.calibration.open_form()
    document.edit(_RECIPE, "Bits")

    with qtbot.waitSignal(document.opening.one.ended, timeout=_LONG_MS):
        demo_window.files.open_path(demo_folder / "digits.onnx")
        held = (demo_window.layers.table, demo_window.calibration.samples, actions["undo"], actions["export"])
        assert not any(part.isEnabled() for part in held)

    assert all(part.isEnabled() for part in (demo_window.layers.table, demo_window.calibration.samples))
    assert actions["save_project"].isEnabled()
    assert document.recipe == Recipe()


def test_after_a_model_that_cannot_be_read_the_old_one_can_be_edited_on(
    demo_window: MainWindow, qtbot: QtBot, tmp_path: Path
):
    document = demo_window.document
    (tmp_path / "page.onnx").write_text("<html>")
    document.edit(_RECIPE, "Bits")

    with qtbot.waitSignal(document.opening.one.ended, timeout=_LONG_MS):
        demo_window.files.open_path(tmp_path / "page.onnx")

    assert demo_window.layers.table.isEnabled()
    assert demo_window.all_actions["undo"].isEnabled()
    assert document.recipe == _RECIPE
