"""The state of the whole in two lines: a headline in a colour with a sign, and a quieter line below."""

from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QSizePolicy, QWidget

from workbench.gui.theme import FONT_PIXELS, SMALL_PIXELS, Theme
from workbench.gui.widgets.icons import icon_pixmap

_SIGNS = {"good": "check", "bad": "warning", "warn": "warning", "accent": "info"}


class Banner(QWidget):
    """Painted banner; tones "good", "warn", "bad", "accent"."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._tone, self._headline, self._line = "accent", "", ""
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        theme.changed.connect(self.update)

    @property
    def headline(self) -> str:
        """The first line."""
        return self._headline

    def set_state(self, tone: str, headline: str, line: str = "") -> None:
        """Show a state."""
        if (tone, headline, line) != (self._tone, self._headline, self._line):
            self._tone, self._headline, self._line = tone, headline, line
            self.setAccessibleName(f"{headline}. {line}")
            self.setToolTip("\n".join(filter(None, (headline, line))))
            self.update()

    def sizeHint(self) -> QSize:
        """Two lines of text."""
        return QSize(200, 50)

    def paintEvent(self, event: QPaintEvent) -> None:
        """The frame, the sign and the two lines."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        tone = self._theme.color(self._tone)
        painter.setPen(QPen(self._theme.color(self._tone, 110), 1))
        painter.setBrush(self._theme.color(f"{self._tone}_soft"))
        painter.drawRoundedRect(QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5), 8, 8)
        painter.drawPixmap(QPointF(13, 17), icon_pixmap(_SIGNS[self._tone], tone.name(), 16))
        painter.setPen(tone)
        painter.setFont(self._theme.font(FONT_PIXELS + 1, bold=True))
        self._paint_line(painter, QRectF(40, 7, self.width() - 46, 18), self._headline)
        painter.setPen(self._theme.color("muted"))
        painter.setFont(self._theme.font(SMALL_PIXELS))
        self._paint_line(painter, QRectF(40, 26, self.width() - 46, 16), self._line)

    @staticmethod
    def _paint_line(painter: QPainter, room: QRectF, line: str) -> None:
        text = painter.fontMetrics().elidedText(line, Qt.TextElideMode.ElideRight, int(room.width()))
        painter.drawText(room, Qt.AlignmentFlag.AlignVCenter, text)
