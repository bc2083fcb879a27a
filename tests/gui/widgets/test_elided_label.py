import pytest
from PySide6.QtWidgets import QHBoxLayout, QWidget
from pytestqt.qtbot import QtBot

from workbench.gui.widgets.card import make_label
from workbench.gui.widgets.elided_label import ElidedLabel

TEXT = "p50 0.055 ms, p90 0.065 ms; no difference seen"


@pytest.fixture
def label(theme, qtbot: QtBot) -> ElidedLabel:
    label = ElidedLabel(TEXT)
    qtbot.addWidget(label)
    return label


def test_a_text_without_room_ends_in_an_ellipsis_and_is_whole_in_the_tip(label):
    label.resize(120, 20)

    assert label.is_cut
    assert label.shown.endswith("…")
    assert TEXT.startswith(label.shown[:-1])
    assert label.whole_tip() == TEXT


def test_a_text_with_room_is_shown_whole_and_needs_no_tip(label):
    label.resize(label.sizeHint())

    assert label.shown == TEXT
    assert label.whole_tip() == ""


def test_the_label_s_own_tip_follows_the_text(label):
    label.setToolTip("median of 200 runs")
    label.resize(120, 20)

    assert label.whole_tip() == f"{TEXT}\nmedian of 200 runs"


def test_it_never_widens_what_it_lies_in(theme, qtbot: QtBot):
    frame = QWidget()
    qtbot.addWidget(frame)
    row = QHBoxLayout(frame)
    row.setContentsMargins(0, 0, 0, 0)
    row.addWidget(ElidedLabel(TEXT, least=50))

    assert frame.minimumSizeHint().width() == 50


def test_names_that_look_like_html_are_shown_as_they_are(qtbot):
    plain, like_html = make_label("phone x"), make_label("phone <b>x</b>")
    for label in (plain, like_html):
        qtbot.addWidget(label)

    # As wide as all of its letters.
    assert like_html.sizeHint().width() > plain.sizeHint().width()
