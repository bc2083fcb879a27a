"""A row of choices of which one holds: Off | Magnitude."""

from collections.abc import Hashable, Sequence

from PySide6.QtCore import QRectF, QSize, Qt, Signal
from PySide6.QtGui import (
    QAccessible,
    QAccessibleEvent,
    QFontMetrics,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPen,
)
from PySide6.QtWidgets import QSizePolicy, QWidget

from workbench.gui.theme import RADIUS, Theme


class Segmented(QWidget):
    """Painted choices; `chosen(value)` tells what the user wants, by mouse, arrow keys, or the first letter.

    Args:
        options: pairs of a value and the text shown for it.
    """

    chosen = Signal(object)

    def __init__(
        self, theme: Theme, name: str, options: Sequence[tuple[Hashable, str]], parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self._theme = theme
        self._name = name
        self._options = tuple(options)
        self._value: Hashable | None = None
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        theme.changed.connect(self.update)
        self._say()

    @property
    def value(self) -> Hashable | None:
        """The value that holds; None where the selected layers differ."""
        return self._value

    def set_value(self, value: Hashable | None) -> None:
        """Show a value; emits nothing."""
        if value != self._value:
            self._value = value
            self._say()
            self.update()

    def sizeHint(self) -> QSize:
        """Wide enough for every text."""
        metrics = QFontMetrics(self._theme.font(bold=True))
        width = sum(metrics.horizontalAdvance(text) + 18 for _, text in self._options)
        return QSize(width, 28)

    def minimumSizeHint(self) -> QSize:
        """A little narrower than the hint: texts may come close to each other."""
        metrics = QFontMetrics(self._theme.font(bold=True))
        return QSize(sum(metrics.horizontalAdvance(text) + 8 for _, text in self._options), 28)

    def rect_of(self, value: Hashable) -> QRectF:
        """Where the choice of that value is painted. Raises KeyError for a value that is not offered."""
        for (option, _), rect in zip(self._options, self._rects(), strict=True):
            if option == value:
                return rect
        raise KeyError(value)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Choose what was clicked."""
        for (value, _), rect in zip(self._options, self._rects(), strict=True):
            if rect.contains(event.position()):
                self._choose(value)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Arrow keys go to the neighbour."""
        step = {Qt.Key.Key_Left: -1, Qt.Key.Key_Right: 1}.get(Qt.Key(event.key()))
        if step is None:
            super().keyPressEvent(event)
            return
        values = [value for value, _ in self._options]
        index = values.index(self._value) + step if self._value in values else 0
        self._choose(values[max(0, min(len(values) - 1, index))])

    def paintEvent(self, event: QPaintEvent) -> None:
        """A rounded frame, the chosen part filled and bold, so that colour is not the only cue."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        color = self._theme.color
        frame = QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5)
        painter.setPen(QPen(color("accent" if self.hasFocus() else "border"), 1))
        painter.setBrush(color("surface"))
        painter.drawRoundedRect(frame, RADIUS, RADIUS)
        for (value, text), rect in zip(self._options, self._rects(), strict=True):
            held = value == self._value
            if held:
                painter.setPen(Qt.PenStyle.NoPen)
                painter.setBrush(color("accent_soft" if self.isEnabled() else "track"))
                painter.drawRoundedRect(rect.adjusted(2.5, 2.5, -2.5, -2.5), 4, 4)
            painter.setFont(self._theme.font(bold=held))
            painter.setPen(color("text" if held and self.isEnabled() else "muted"))
            painter.drawText(rect, Qt.AlignmentFlag.AlignCenter, text)

    def _rects(self) -> list[QRectF]:
        metrics = QFontMetrics(self._theme.font(bold=True))
        widths = [metrics.horizontalAdvance(text) + 8.0 for _, text in self._options]
        spare = (self.width() - sum(widths)) / len(widths)
        rects, left = [], 0.0
        for width in widths:
            rects.append(QRectF(left, 0, width + spare, self.height()))
            left += width + spare
        return rects

    def _choose(self, value: Hashable) -> None:
        if value != self._value:
            self.set_value(value)
            self.chosen.emit(value)

    def _say(self) -> None:
        shown = next((text for value, text in self._options if value == self._value), "differs")
        self.setAccessibleName(f"{self._name}: {shown}")
        QAccessible.updateAccessibility(QAccessibleEvent(self, QAccessible.Event.NameChanged))
