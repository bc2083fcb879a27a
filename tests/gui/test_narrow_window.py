"""The window on the smallest screen that it is made for, also with the wider fonts of another platform."""

import pytest
from PySide6.QtGui import QFont
from PySide6.QtWidgets import QApplication, QLabel, QScrollArea
from pytestqt.qtbot import QtBot

from workbench.gui.main_window import MainWindow
from workbench.gui.panels.distribution_tab import INPUT
from workbench.gui.theme import DARK, LIGHT, Theme
from workbench.gui.widgets.elided_label import ElidedLabel

WIDTH, HEIGHT = 1280, 720
PAGES = ("distribution", "sensitivity", "trade_off", "latency_page")


@pytest.fixture
def fonts(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """The window's fonts, stretched to so many per cent."""
    plain = Theme.font

    def stretched(self: Theme, *args: int, **more: bool) -> QFont:
        font = QFont(plain(self, *args, **more))
        font.setStretch(request.param)
        return font

    monkeypatch.setattr(Theme, "font", stretched)


@pytest.fixture
def narrow(fonts: None, request: pytest.FixtureRequest, qtbot: QtBot) -> MainWindow:
    """The demo on the bench with every card filled, in a window of the least size."""
    window = request.getfixturevalue("demo_window")
    assert isinstance(window, MainWindow)
    latency, distribution = window.document.latency, window.distribution
    latency.choose("oneplus-7t/ncnn/cpu-4t")
    qtbot.waitUntil(lambda: latency.estimate is not None and latency.original is not None)
    window.document.select(("down_depthwise",))
    qtbot.waitUntil(lambda: distribution.has_curves)
    return window


def cut_labels(window: MainWindow) -> list[str]:
    """Texts that are cut without a sign of it."""
    cut = []
    for label in window.findChildren(QLabel):
        if isinstance(label, ElidedLabel) or not label.isVisible() or not label.text():
            continue
        is_narrow = not label.wordWrap() and label.sizeHint().width() > label.width()
        if is_narrow or (label.wordWrap() and label.heightForWidth(label.width()) > label.height()):
            cut.append(label.text())
    return cut


@pytest.mark.parametrize("fonts", [110], indirect=True)
def test_plots_of_activations_keep_a_height_at_which_they_can_be_read(narrow: MainWindow, qtbot: QtBot):
    activations = narrow.activations
    narrow.distributions.show_side(INPUT)
    qtbot.waitUntil(lambda: activations.has_answer)

    narrow.resize(WIDTH, HEIGHT)
    qtbot.waitUntil(lambda: narrow.height() == HEIGHT)

    plots = (activations.histogram, activations.octaves, activations.channels)
    assert all(plot.height() >= 100 for plot in plots)
    # Below them stands a text of two lines, and not on top of them.
    bottom = max(plot.geometry().bottom() for plot in plots)
    assert activations.octave_note.geometry().top() > bottom


@pytest.mark.parametrize("fonts", [100, 110], ids=["these fonts", "fonts a tenth wider"], indirect=True)
def test_every_page_fits_a_small_screen_in_both_themes(narrow: MainWindow, qapp: QApplication):
    for tokens in (DARK, LIGHT):
        narrow.theme.apply(qapp, tokens)
        for page in PAGES:
            narrow.all_actions[page].trigger()
            qapp.processEvents()

            narrow.resize(WIDTH, HEIGHT)
            qapp.processEvents()

            assert narrow.minimumSizeHint().width() <= WIDTH, page
            assert (narrow.width(), narrow.height()) == (WIDTH, HEIGHT), page
            assert cut_labels(narrow) == [], page
            scroll = narrow.preview.findChild(QScrollArea)
            # A card that is wider than what is seen has its border below the scroll bar.
            assert scroll.widget().width() <= scroll.viewport().width()
            # What a tool bar has no room for disappears.
            assert narrow.title_bar.export.isVisible()
            assert narrow.title_bar.export.geometry().right() <= WIDTH
