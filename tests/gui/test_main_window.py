"""The whole window on the real engine: what is open, what it is called, how it looks, and what it remembers."""

from pathlib import Path

import pytest
from PySide6.QtCore import QSettings
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from workbench.engine.core.recipe import WeightRule
from workbench.gui.document import Document
from workbench.gui.file_dialogs import Unsaved
from workbench.gui.main_window import MainWindow
from workbench.gui.panels.layers_model import Column
from workbench.gui.theme import DARK, LIGHT, Theme

_LONG_MS = 30_000


def _edit(window: MainWindow, bits: int = 4) -> None:
    document = window.document
    document.edit(document.recipe.with_rule("*", weights=WeightRule(bits=bits)), f"{bits} bits")


def test_model_and_samples_given_together_are_both_opened_and_measured(demo_window: MainWindow):
    document = demo_window.document

    assert document.model is not None
    assert len(document.model.layers) == 11
    assert document.figures.accuracy is not None
    assert document.figures.accuracy.figure.value > 0.9
    assert demo_window.message_bar.text == ""


def test_the_title_says_what_is_open_and_whether_it_is_saved(demo_window: MainWindow, answers, tmp_path: Path):
    assert demo_window.windowTitle() == "digits.onnx – Model compression workbench"

    _edit(demo_window)
    assert demo_window.windowTitle() == "digits.onnx • – Model compression workbench"

    answers.path = tmp_path / "mine"
    demo_window.all_actions["save_project"].trigger()
    assert demo_window.windowTitle() == "mine.wbproj – Model compression workbench"

    demo_window.document.undo_stack.undo()
    assert demo_window.windowTitle() == "mine.wbproj • – Model compression workbench"


@pytest.mark.parametrize(
    ("answer", "is_closed", "is_saved"),
    [
        pytest.param(Unsaved.CANCEL, False, False, id="cancel"),
        pytest.param(Unsaved.DISCARD, True, False, id="discard"),
        pytest.param(Unsaved.SAVE, True, True, id="save"),
    ],
)
def test_closing_asks_before_edits_are_lost(
    demo_window: MainWindow, answers, tmp_path: Path, answer: Unsaved, is_closed: bool, is_saved: bool
):
    _edit(demo_window)
    answers.unsaved, answers.path = answer, tmp_path / "p.wbproj"

    assert demo_window.close() is is_closed

    assert answers.asked[0] == "Unsaved edits"
    assert (tmp_path / "p.wbproj").exists() is is_saved
    # What the fixture closes again is not asked about.
    answers.unsaved = Unsaved.DISCARD


def test_a_window_without_edits_closes_without_a_question(demo_window: MainWindow, answers):
    assert demo_window.close()
    assert answers.asked == []


def test_a_save_that_fails_while_closing_keeps_the_window_open(demo_window: MainWindow, answers, tmp_path: Path):
    _edit(demo_window)
    answers.unsaved, answers.path = Unsaved.SAVE, tmp_path / "gone" / "p.wbproj"

    assert not demo_window.close()

    assert "cannot be written" in demo_window.message_bar.text
    answers.unsaved = Unsaved.DISCARD


def test_switching_the_theme_dresses_everything_and_is_remembered(
    demo_window: MainWindow, qapp: QApplication, settings: QSettings
):
    # The last figure may have changed the height of a line, which is laid out with the next events.
    qapp.processEvents()
    light = demo_window.grab().toImage()

    demo_window.all_actions["theme"].trigger()

    dark = demo_window.grab().toImage()
    assert settings.value("theme") == "dark"
    assert demo_window.theme.tokens is DARK
    assert qapp.palette().window().color().lightness() < 80
    # Every card lies on the new ground: no pixel of the light one's ground is left over in the middle of any.
    grounds = [(200, 150), (800, 300), (1450, 150), (800, 950)]
    assert all(light.pixelColor(x, y).lightness() > 180 for x, y in grounds)
    assert all(dark.pixelColor(x, y).lightness() < 90 for x, y in grounds)

    demo_window.all_actions["theme"].trigger()
    assert demo_window.theme.tokens is LIGHT
    assert demo_window.grab().toImage() == light


def test_the_layout_is_found_again_in_the_next_run(
    demo_window: MainWindow, qtbot: QtBot, theme: Theme, settings: QSettings
):
    rows = demo_window.layout_of_panels.rows
    first = rows.sizes()[1]
    rows.setSizes([300, 300])
    lower = rows.sizes()[1]
    demo_window.layers.table.setColumnWidth(Column.PRUNE, 133)
    demo_window.close()

    document = Document()
    again = MainWindow(document, theme, settings)
    qtbot.addWidget(again)
    again.show()
    again.layout_of_panels.pages.setCurrentIndex(1)

    assert lower > first
    assert again.layout_of_panels.rows.sizes()[1] == lower
    assert again.layers.table.columnWidth(Column.PRUNE) == 133
    document.close()


def test_an_engine_that_cannot_start_can_be_tried_again_from_the_message(
    qtbot: QtBot, theme: Theme, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.syspath_prepend(str(Path(__file__).parents[1] / "worker"))
    monkeypatch.setenv("FAKE_SESSION_NEEDS", str(tmp_path / "mended"))
    document = Document("fake_session:make_if_mended")
    window = MainWindow(document, theme, QSettings(str(tmp_path / "other.ini"), QSettings.Format.IniFormat))
    qtbot.addWidget(window)
    window.show()
    qtbot.waitUntil(lambda: "could not be started" in window.message_bar.text, timeout=_LONG_MS)
    assert "install it" in window.message_bar.text
    (tmp_path / "mended").touch()

    with qtbot.waitSignal(document.engine.available, timeout=_LONG_MS):
        window.message_bar.action.click()

    assert window.message_bar.text == ""
    document.close()


@pytest.mark.parametrize("sparsity", [0.31, 0.5, 0.87])
def test_a_threshold_reads_the_same_wherever_it_is_shown(demo_window, qtbot, sparsity):
    document, card, distribution = demo_window.document, demo_window.layers.card, demo_window.distribution
    document.select(("hidden",))
    qtbot.waitUntil(lambda: distribution.has_curves)
    card.unit.set_value("threshold")
    previews: list[object] = []
    document.looks.previewed.connect(previews.append)

    demo_window.layers.edits.set_sparsity(sparsity)
    at_once = distribution.threshold.value
    qtbot.waitUntil(lambda: bool(previews))

    shown = distribution.threshold.value
    assert shown == at_once
    assert card.spin.text() == shown
    assert distribution.histogram.label.toPlainText() == f"|w| < {shown}"
    assert float(shown) == pytest.approx(previews[-1].threshold, rel=1e-3)
