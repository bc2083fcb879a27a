"""Rows of a form: a name at the left, and at the right a control or several in a line."""

from collections.abc import Iterable, Sequence

from PySide6.QtWidgets import QGridLayout, QHBoxLayout, QWidget

from workbench.gui.widgets.card import make_label

NAME_PIXELS = 70


def make_form_rows(parent: QWidget, rows: Iterable[tuple[str, Sequence[QWidget]]]) -> QGridLayout:
    """A grid of named rows. The first control of a line takes the room that the others leave."""
    grid = QGridLayout()
    grid.setContentsMargins(0, 0, 0, 0)
    # Forms that take turns in one place have their controls in one line.
    grid.setColumnMinimumWidth(0, NAME_PIXELS)
    grid.setColumnStretch(1, 1)
    grid.setHorizontalSpacing(10)
    grid.setVerticalSpacing(6)
    for row, (name, controls) in enumerate(rows):
        grid.addWidget(make_label(name, "muted", parent), row, 0)
        line = QHBoxLayout()
        for place, control in enumerate(controls):
            line.addWidget(control, 0 if place else 1)
        grid.addLayout(line, row, 1)
    return grid
