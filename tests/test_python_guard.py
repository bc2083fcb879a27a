"""Qt and this Python go together: some versions lose a reference to None at each call, and abort after thousands."""

import sys

from PySide6.QtWidgets import QLabel
from pytestqt.qtbot import QtBot

_CALLS = 2_000


def test_calls_into_qt_lose_no_reference_to_none(qtbot: QtBot) -> None:
    label = QLabel("0")
    qtbot.addWidget(label)
    before = sys.getrefcount(None)

    for number in range(_CALLS):
        label.setText(str(number))

    # A lost reference a call would be 2,000; a few come and go with the interpreter's own work.
    assert sys.getrefcount(None) > before - _CALLS / 10
