"""Previews that take seconds, in the real window: learned rounding on the demo."""

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QPushButton

from workbench.engine.core.recipe import WeightRule

_LONG_MS = 90_000
_LEARNED = WeightRule(bits=2, rounding="learned")


def begin_learning(window, qtbot) -> None:
    """Ask for learned rounding of every layer, and wait until it is under way."""
    document = window.document
    document.edit(document.recipe.with_rule("*", weights=_LEARNED), "Learned")
    qtbot.waitUntil(lambda: document.measuring.probe.is_shown, timeout=_LONG_MS)


def test_a_newer_edit_cancels_the_learning_and_is_measured_itself(demo_window, qtbot):
    document = demo_window.document
    begin_learning(demo_window, qtbot)
    assert demo_window.job_rows.row_texts(document.measuring.probe.number)[0] == "Preview"

    document.edit(document.recipe.with_rule("*", weights=WeightRule(bits=8, rounding="nearest")), "Nearest")

    assert not document.measuring.probe.is_shown
    qtbot.waitUntil(lambda: document.figures.is_current(document.figures.accuracy), timeout=_LONG_MS)


def test_a_layer_is_previewed_while_rounding_is_learned(demo_window, qtbot):
    document = demo_window.document
    begin_learning(demo_window, qtbot)

    with qtbot.waitSignal(document.looks.previewed, timeout=_LONG_MS):
        document.select(("head",))

    assert not document.figures.is_current(document.figures.accuracy)


def test_cancel_in_the_jobs_row_ends_it_and_the_card_says_so_until_it_is_measured_again(demo_window, qtbot):
    document, card = demo_window.document, demo_window.preview.accuracy
    process = document.engine.process_id
    begin_learning(demo_window, qtbot)
    buttons = demo_window.job_rows.findChildren(QPushButton)

    next(button for button in buttons if button.accessibleName() == "Cancel Preview").click()
    qtbot.waitUntil(lambda: document.measuring.is_idle, timeout=_LONG_MS)

    assert document.engine.process_id == process
    assert not document.figures.is_current(document.figures.accuracy)
    assert card.line.text().endswith("; this one: stopped")
    qtbot.waitUntil(
        lambda: card.action.isVisible() and card.line.height() >= card.line.heightForWidth(card.line.width())
    )
    assert card.line.width() > card.width() // 3
    qtbot.mouseClick(card.action, Qt.MouseButton.LeftButton)
    assert card.line.text().endswith("; this one is being measured")
    assert not card.action.isVisible()
    qtbot.waitUntil(lambda: document.figures.is_current(document.figures.accuracy), timeout=_LONG_MS)
