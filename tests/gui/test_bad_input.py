"""Bad input in the whole window: one readable message, nothing lost, nothing half-written."""

import multiprocessing
import resource
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper
from PySide6.QtCore import Qt
from pytestqt.qtbot import QtBot

from workbench.engine.core.recipe import Prune, WeightRule
from workbench.gui.main_window import MainWindow

_LONG_MS = 20_000


def _message(window: MainWindow, qtbot: QtBot) -> str:
    """The message that comes, which is one line."""
    qtbot.waitUntil(lambda: window.message_bar.text != "", timeout=_LONG_MS)
    text = window.message_bar.text
    assert "\n" not in text
    assert "fault of the program" not in text
    assert "Traceback" not in text
    return text


def _edited(window: MainWindow) -> tuple[object, ...]:
    """An edit, and everything on the bench that must not be lost."""
    document = window.document
    document.edit(document.recipe.with_rule("hidden", weights=WeightRule(bits=5)), "Bits")
    return _bench(window)


def _bench(window: MainWindow) -> tuple[object, ...]:
    document = window.document
    return document.model, document.dataset, document.recipe, document.undo_stack.count(), document.figures.baseline


@contextmanager
def _full_disk(free_bytes: int) -> Iterator[None]:
    """No file of this process, or of one that it starts, grows beyond so many bytes."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (free_bytes, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@pytest.mark.parametrize("share", [0.02, 0.5, 0.98])
def test_a_truncated_model(demo_window: MainWindow, qtbot: QtBot, demo_folder: Path, tmp_path: Path, share: float):
    data = (demo_folder / "digits.onnx").read_bytes()
    (tmp_path / "cut.onnx").write_bytes(data[: int(share * len(data))])
    before = _bench(demo_window)

    demo_window.files.open_path(tmp_path / "cut.onnx")

    assert "cut.onnx" in _message(demo_window, qtbot)
    assert _bench(demo_window) == before


def test_images_of_different_sizes(demo_window: MainWindow, qtbot: QtBot, tmp_path: Path):
    before = _edited(demo_window)
    np.savez(tmp_path / "features.npz", x=np.zeros((5, 7), np.float32), y=np.zeros(5, np.int64))

    demo_window.files.open_path(tmp_path / "features.npz")

    assert "features.npz" in _message(demo_window, qtbot)
    assert _bench(demo_window) == before


def test_labels_beyond_the_outputs(demo_window: MainWindow, qtbot: QtBot, tmp_path: Path):
    before = _edited(demo_window)
    np.savez(tmp_path / "far.npz", x=np.zeros((5, 8, 8, 1), np.uint8), y=np.array([0, 1, 2, 3, 77]))

    demo_window.files.open_path(tmp_path / "far.npz")

    assert "77" in _message(demo_window, qtbot)
    assert _bench(demo_window) == before


def test_a_recipe_with_an_unknown_key(demo_window: MainWindow, qtbot: QtBot, tmp_path: Path):
    before = _edited(demo_window)
    (tmp_path / "r.yaml").write_text("version: 1\nrules:\n  - select: '*'\n    wieghts: {bits: 4}\n")

    demo_window.files.open_path(tmp_path / "r.yaml")

    text = _message(demo_window, qtbot)
    assert "wieghts" in text
    assert "line 4" in text
    assert _bench(demo_window) == before


def test_a_project_that_is_no_project(demo_window: MainWindow, qtbot: QtBot, tmp_path: Path):
    before = _bench(demo_window)
    (tmp_path / "p.wbproj").write_text("PK\x03\x04")

    demo_window.files.open_path(tmp_path / "p.wbproj")

    assert "not a readable project" in _message(demo_window, qtbot)
    assert _bench(demo_window) == before


def _model(weight: np.ndarray | None) -> onnx.ModelProto:
    info = helper.make_tensor_value_info
    node = helper.make_node("Relu", ["x"], ["y"]) if weight is None else helper.make_node("MatMul", ["x", "w"], ["y"])
    width = 4 if weight is None else weight.shape[1]
    graph = helper.make_graph(
        [node],
        "g",
        [info("x", TensorProto.FLOAT, ["n", 4])],
        [info("y", TensorProto.FLOAT, ["n", width])],
        [] if weight is None else [numpy_helper.from_array(weight, "w")],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)


def test_a_model_without_weights_opens_with_an_empty_table_and_says_so(
    window: MainWindow, qtbot: QtBot, tmp_path: Path
):
    onnx.save(_model(None), tmp_path / "relu.onnx")

    with qtbot.waitSignal(window.document.model_changed, timeout=_LONG_MS):
        window.files.open_path(tmp_path / "relu.onnx")
    qtbot.waitUntil(lambda: window.document.footprint is not None, timeout=_LONG_MS)

    assert window.layers.model.rowCount() == 0
    assert window.distribution.empty.text() == "This model has no weights."
    assert window.message_bar.text == ""


def test_a_layer_with_nan_weights_is_listed_with_the_reason_and_left_alone(
    window: MainWindow, qtbot: QtBot, tmp_path: Path
):
    weight = np.linspace(-1, 1, 32, dtype=np.float32).reshape(4, 8)
    weight[0, :3] = np.nan
    onnx.save(_model(weight), tmp_path / "nan.onnx")
    document = window.document
    with qtbot.waitSignal(document.model_changed, timeout=_LONG_MS):
        window.files.open_path(tmp_path / "nan.onnx")
    qtbot.waitUntil(lambda: document.footprint is not None and document.measuring.is_idle, timeout=_LONG_MS)
    window.layers.table.selectRow(0)
    cell = window.layers.rows.index(0, 0)
    assert "3 weights are NaN or infinite" in cell.data(Qt.ItemDataRole.ToolTipRole)
    assert document.model.layers[0].reason in cell.data(Qt.ItemDataRole.ToolTipRole)

    # A recipe from elsewhere may ask for it all the same: it is carried out for what it can be.
    document.edit(document.recipe.with_rule("*", prune=Prune("weights", sparsity=0.5)), "Sparsity")
    document.released()
    qtbot.waitUntil(lambda: document.measuring.is_idle, timeout=_LONG_MS)

    assert window.message_bar.text == ""
    assert document.figures.exact_bytes is not None


def _export(window: MainWindow, path: Path, qtbot: QtBot) -> str:
    """Press Export in the dialog; what the dialog says when it fails."""
    window.all_actions["export"].trigger()
    dialog = window.jobs.export_dialog
    dialog.path.setText(str(path))
    with qtbot.waitSignal(window.document.awaited.export_failed, timeout=_LONG_MS):
        dialog.start.click()
    assert dialog.banner.headline == "Export failed"
    assert not dialog.is_running
    assert dialog.start.isEnabled()
    return dialog.outcome.text()


def test_an_export_into_a_folder_that_is_not_there(demo_window: MainWindow, qtbot: QtBot, tmp_path: Path):
    before = _edited(demo_window)

    text = _export(demo_window, tmp_path / "gone" / "small.onnx", qtbot)

    assert "there is no folder" in text
    assert _bench(demo_window)[:4] == before[:4]


def test_an_export_over_the_original(demo_window: MainWindow, qtbot: QtBot, answers, tmp_path: Path, demo_folder: Path):
    answers.overwrite = True
    original = demo_folder / "digits.onnx"
    data = original.read_bytes()

    text = _export(demo_window, original, qtbot)

    assert "is one of the files that are read" in text
    assert original.read_bytes() == data


def test_an_export_on_a_full_disk_leaves_the_old_file_and_nothing_beside_it(
    demo_window: MainWindow, qtbot: QtBot, answers, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    before = _edited(demo_window)
    folder = tmp_path / "out"
    folder.mkdir()
    (folder / "small.onnx").write_text("the old one")
    answers.overwrite = True
    # The limit is inherited: the engine has to be started under it, by this process.
    monkeypatch.setattr("workbench.worker.client.multiprocessing", multiprocessing)
    with _full_disk(20_000):
        demo_window.document.engine._client.restart()
        demo_window.document.engine._start_again("", "")
        text = _export(demo_window, folder / "small.onnx", qtbot)

    assert "cannot be written" in text
    assert [path.name for path in folder.iterdir()] == ["small.onnx"]
    assert (folder / "small.onnx").read_text() == "the old one"
    assert _bench(demo_window)[:4] == before[:4]


def test_a_project_on_a_full_disk_is_not_taken_for_saved(
    demo_window: MainWindow, qtbot: QtBot, answers, tmp_path: Path
):
    _edited(demo_window)
    answers.path, answers.overwrite = tmp_path / "p.wbproj", True
    answers.path.write_text("the old one")

    with _full_disk(200):
        demo_window.all_actions["save_project"].trigger()

    assert "cannot be written" in _message(demo_window, qtbot)
    assert answers.path.read_text() == "the old one"
    assert demo_window.document.saving.is_modified
    assert not demo_window.statusBar().currentMessage().startswith("Saved")
    assert [path for path in tmp_path.iterdir() if path.name.startswith(".p")] == []
