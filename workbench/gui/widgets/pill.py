"""A rounded tag: a name and its value, or a badge that says where a figure comes from."""

import math

from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QFontMetrics, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QSizePolicy, QWidget

from workbench.gui.theme import SMALL_PIXELS, Theme

_SIDE = 10
_LEAST_PIXELS = 100
# Letters end between pixels: a text may be so many wider than it says.
_SLACK = 2


class Pill(QWidget):
    """`name value` in a rounded frame; the value takes the colour of a token.

    Args:
        bold_name: the name is what counts, and the value is the quieter one.
        gives_way: is cut where there is less room, first its value and then its name.
        keeps_room: stays as wide as its widest value so far, so that on a drag its neighbours stand still.
    """

    def __init__(
        self,
        theme: Theme,
        name: str = "",
        tone: str = "text",
        parent: QWidget | None = None,
        *,
        bold_name: bool = False,
        keeps_room: bool = False,
        gives_way: bool = False,
    ) -> None:
        super().__init__(parent)
        self._bold_name = bold_name
        self._keeps_room = keeps_room
        self._gives_way = gives_way
        self._theme = theme
        self._name = name
        self._tone = tone
        self._value = ""
        self._name_width, self._room = 0.0, 0
        wide = QSizePolicy.Policy.Maximum if gives_way else QSizePolicy.Policy.Fixed
        self.setSizePolicy(wide, QSizePolicy.Policy.Fixed)
        theme.changed.connect(self.update)
        self.set_value("–")

    @property
    def value(self) -> str:
        """The text shown after the name."""
        return self._value

    def set_value(self, value: str, name: str | None = None) -> None:
        """Show a value, and perhaps another name."""
        name = self._name if name is None else name
        if (name, value) == (self._name, self._value):
            return
        self._name, self._value = name, value
        self.setAccessibleName(f"{name} {value}".strip())
        self._make_room()
        self.update()

    def set_tone(self, tone: str) -> None:
        """Show the value in the colour of another token."""
        if tone != self._tone:
            self._tone = tone
            self.update()

    def sizeHint(self) -> QSize:
        """Room for the name and the value."""
        return QSize(self._room, 24)

    def minimumSizeHint(self) -> QSize:
        """Never cut, unless it gives way."""
        return QSize(min(_LEAST_PIXELS, self._room), 24) if self._gives_way else self.sizeHint()

    def paintEvent(self, event: QPaintEvent) -> None:
        """The frame, and in it what counts in bold, the other fainter."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        color = self._theme.color
        painter.setPen(QPen(color("border"), 1))
        painter.setBrush(color("raised"))
        frame = QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5)
        painter.drawRoundedRect(frame, frame.height() / 2, frame.height() / 2)
        right = self.width() - _SIDE
        name = min(self._name_width, right - _SIDE)
        painter.setFont(self._theme.font(SMALL_PIXELS, bold=self._bold_name))
        painter.setPen(color("text" if self._bold_name else "muted"))
        self._paint_text(painter, _SIDE, name, self._name)
        left = _SIDE + (name + 6 if name else 0)
        painter.setFont(self._theme.font(SMALL_PIXELS, bold=not self._bold_name))
        painter.setPen(color(self._tone))
        if right > left:
            self._paint_text(painter, left, right - left, self._value)

    def _paint_text(self, painter: QPainter, left: float, width: float, text: str) -> None:
        if self._gives_way:
            text = painter.fontMetrics().elidedText(text, Qt.TextElideMode.ElideMiddle, math.ceil(width) + _SLACK)
        painter.drawText(QRectF(left, 0, width + _SLACK, self.height()), Qt.AlignmentFlag.AlignVCenter, text)

    def _make_room(self) -> None:
        """Ask for another width where the text needs one: that lays out the whole window above."""
        name = QFontMetrics(self._theme.font(SMALL_PIXELS, bold=self._bold_name)).horizontalAdvance(self._name)
        value = QFontMetrics(self._theme.font(SMALL_PIXELS, bold=not self._bold_name)).horizontalAdvance(self._value)
        room = name + value + 2 * _SIDE + (6 if name and value else 0)
        self._name_width = float(name)
        if room > self._room or (room < self._room and not self._keeps_room):
            self._room = room
            self.updateGeometry()


class Badge(QWidget):
    """Where a figure comes from: MEASURED in a full frame, ESTIMATED in a dashed one, so that form says it too."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._origin = ""
        self._detail = ""
        self.setVisible(False)
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        theme.changed.connect(self.update)

    @property
    def text(self) -> str:
        """What the badge says."""
        return f"{self._origin.upper()} {self._detail}".strip()

    def set_origin(self, origin: str, detail: str = "") -> None:
        """Show "measured", "estimated" or "reported", or nothing, with a detail such as n = 5000."""
        if (origin, detail) == (self._origin, self._detail):
            return
        self._origin, self._detail = origin, detail
        self.setAccessibleName(self.text)
        self.setVisible(bool(origin))
        self.updateGeometry()
        self.update()

    def sizeHint(self) -> QSize:
        """Room for the text."""
        return QSize(QFontMetrics(self._theme.font(9, bold=True)).horizontalAdvance(self.text) + 12, 16)

    def paintEvent(self, event: QPaintEvent) -> None:
        """A frame whose line says the origin."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        measured = self._origin == "measured"
        color = self._theme.color("good" if measured else "warn")
        line = Qt.PenStyle.SolidLine if measured else Qt.PenStyle.DashLine
        painter.setPen(QPen(color, 1, line))
        painter.drawRoundedRect(QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5), 3, 3)
        painter.setFont(self._theme.font(9, bold=True))
        painter.drawText(self.rect(), Qt.AlignmentFlag.AlignCenter, self.text)
