"""A scale from 0 on with a budget that is dragged, or moved by keys; what is drawn on it, others say."""

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QKeyEvent, QMouseEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from workbench.gui.theme import Theme

BUDGET_TIP = "Drag the mark, or use the arrow keys, to set a budget. Delete takes it away."
_KEYS = {Qt.Key.Key_Left: -1, Qt.Key.Key_Down: -1, Qt.Key.Key_Right: 1, Qt.Key.Key_Up: 1}


class BudgetScale(QWidget):
    """From 0 to `_maximum`.

    Signals:
        budget_moved(value): the user drags it or sets it by arrow keys; negative to take it away.
        pressed, released: a drag begins and ends.
    """

    budget_moved = Signal(float)
    pressed = Signal()
    released = Signal()

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._value: float | None = None
        self._band: tuple[float, float] | None = None
        self._original: float | None = None
        self._budget: float | None = None
        self._maximum = 1.0
        self.setToolTip(BUDGET_TIP)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        theme.changed.connect(self.update)

    @property
    def budget(self) -> float | None:
        """The budget, or None where none is set."""
        return self._budget

    @property
    def band(self) -> tuple[float, float] | None:
        """The interval that is drawn."""
        return self._band

    def x_of(self, value: float) -> float:
        """Where a value lies, in pixels from the left."""
        return 2 + (self.width() - 4) * max(0.0, min(1.0, value / self._maximum))

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Put the mark under the pointer."""
        self.pressed.emit()
        self._drag_to(event.position().x())

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Drag the mark."""
        if event.buttons() & Qt.MouseButton.LeftButton:
            self._drag_to(event.position().x())

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """End of a drag."""
        self.released.emit()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Arrow keys move the budget by a hundredth of the scale; Delete removes it."""
        key = Qt.Key(event.key())
        if key in _KEYS:
            start = self._budget if self._budget is not None else (self._value or 0.0)
            self._move_to(start + _KEYS[key] * self._maximum / 100)
        elif key in (Qt.Key.Key_Delete, Qt.Key.Key_Backspace):
            self._budget = None
            self.update()
            self.budget_moved.emit(-1.0)
        else:
            super().keyPressEvent(event)

    def _drag_to(self, x: float) -> None:
        self._move_to((x - 2) / max(1, self.width() - 4) * self._maximum)

    def _move_to(self, value: float) -> None:
        self._budget = max(0.0, min(self._maximum, value))
        self.update()
        self.budget_moved.emit(self._budget)
