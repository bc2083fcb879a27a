"""The menus of bit widths, of weights and of activations."""

from collections.abc import Callable, Iterable

from PySide6.QtCore import Qt
from PySide6.QtGui import QAction, QActionGroup
from PySide6.QtWidgets import QMenu, QWidget

WEIGHT_BITS = (None, 8, 7, 6, 5, 4, 3, 2)
ACTIVATION_BITS = (None, 16, 8, 4)


def make_bits_menu(
    parent: QWidget,
    choices: Iterable[int | None],
    text_of: Callable[[int | None], str],
    *,
    held: set[int | None],
    on_chosen: Callable[[QAction], None],
) -> QMenu:
    """A choice of bit widths; an action's data is the width, None for float.

    Args:
        parent: of the menu.
        choices: the widths.
        text_of: their names.
        held: the widths of the selected layers; one that all have is checked.
        on_chosen: called with the action.
    """
    menu = QMenu(parent)
    menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
    group = QActionGroup(menu)
    for bits in choices:
        action = QAction(text_of(bits), menu, checkable=True, checked=held == {bits})
        action.setData(bits)
        group.addAction(action)
        menu.addAction(action)
    group.triggered.connect(on_chosen)
    return menu
