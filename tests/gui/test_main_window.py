"""The whole window on the real engine: open by path, edit with the keyboard's actions, export a verified file."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import QSettings
from pytestqt.qtbot import QtBot

from workbench.engine.core.recipe import WeightRule
from workbench.gui.demo_files import demo_files
from workbench.gui.document import Document
from workbench.gui.main_window import MainWindow
from workbench.gui.theme import Theme

_LONG_MS = 30_000


@pytest.fixture
def window(qtbot: QtBot, theme: Theme, tmp_path: Path) -> Iterator[MainWindow]:
    document = Document()
    settings = QSettings(str(tmp_path / "settings.ini"), QSettings.Format.IniFormat)
    window = MainWindow(document, theme, settings)
    # Closing would ask about edits that were not saved.
    qtbot.addWidget(window, before_close_func=lambda _: document.undo_stack.setClean())
    window.show()
    yield window
    document.close()


def test_model_and_samples_given_together_are_both_opened_and_measured(window: MainWindow, qtbot: QtBot):
    files = demo_files()
    assert files is not None

    window.files.open_paths(files)

    document = window.document
    qtbot.waitUntil(lambda: document.accuracy is not None, timeout=_LONG_MS)
    assert document.model is not None
    assert len(document.model.layers) == 11
    assert document.accuracy is not None
    assert document.accuracy.figure.value > 0.9


def test_what_is_exported_from_the_window_is_verified(window: MainWindow, qtbot: QtBot, tmp_path: Path):
    files = demo_files()
    assert files is not None
    window.files.open_paths(files)
    document = window.document
    qtbot.waitUntil(lambda: document.dataset is not None, timeout=_LONG_MS)
    document.edit(document.recipe.with_rule("*", weights=WeightRule(bits=4)), "Bits")

    with qtbot.waitSignal(document.exported, timeout=_LONG_MS) as caught:
        document.export(tmp_path / "small.onnx", False)

    assert caught.args[0].verified.ok
    assert (tmp_path / "small.onnx").stat().st_size < 0.2 * document.model.file_bytes


def test_an_engine_that_cannot_start_can_be_tried_again_from_the_message(
    qtbot: QtBot, theme: Theme, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.syspath_prepend(str(Path(__file__).parents[1] / "worker"))
    monkeypatch.setenv("FAKE_SESSION_NEEDS", str(tmp_path / "mended"))
    document = Document("fake_session:make_if_mended")
    window = MainWindow(document, theme, QSettings(str(tmp_path / "settings.ini"), QSettings.Format.IniFormat))
    qtbot.addWidget(window)
    window.show()
    qtbot.waitUntil(lambda: "could not be started" in window.message_bar.text, timeout=_LONG_MS)
    assert "install it" in window.message_bar.text
    (tmp_path / "mended").touch()

    with qtbot.waitSignal(document.engine.available, timeout=_LONG_MS):
        window.message_bar.action.click()

    assert window.message_bar.text == ""
    document.close()
