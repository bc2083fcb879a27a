"""A label in one line that takes less room than its text: what is cut ends in an ellipsis, and is whole in the tip."""

from PySide6.QtCore import QEvent, QSize, Qt
from PySide6.QtGui import QHelpEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QLabel, QSizePolicy, QToolTip, QWidget

_LEAST_PIXELS = 40


class ElidedLabel(QLabel):
    """Read and dressed as any label.

    Args:
        text: what it says.
        kind: one that the style sheet knows.
        least: pixels of width that it keeps; fewer where the whole text is narrower.
        middle: whether the middle of the text is left out rather than its end.
        fills: whether it takes what room its neighbours leave, be it none; to be added with a stretch.
    """

    def __init__(
        self,
        text: str = "",
        kind: str = "",
        parent: QWidget | None = None,
        *,
        least: int = _LEAST_PIXELS,
        middle: bool = False,
        fills: bool = False,
    ) -> None:
        super().__init__(text, parent)
        self._least = least
        self._mode = Qt.TextElideMode.ElideMiddle if middle else Qt.TextElideMode.ElideRight
        self.setTextFormat(Qt.TextFormat.PlainText)
        if fills:
            self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        if kind:
            self.setObjectName(kind)

    @property
    def shown(self) -> str:
        """What is painted: the text, or as much of it as there is room for."""
        return self.fontMetrics().elidedText(self.text(), self._mode, self.contentsRect().width())

    @property
    def is_cut(self) -> bool:
        """Whether some of the text is left out."""
        return self.shown != self.text()

    def minimumSizeHint(self) -> QSize:
        """Room for a few letters."""
        whole = self.sizeHint()
        return QSize(min(self._least, whole.width()), whole.height())

    def paintEvent(self, event: QPaintEvent) -> None:
        """The text in one line."""
        painter = QPainter(self)
        alignment = int(self.alignment().value)
        # As a label does it, which takes the colour from the style sheet.
        self.style().drawItemText(
            painter, self.contentsRect(), alignment, self.palette(), self.isEnabled(), self.shown, self.foregroundRole()
        )

    def event(self, event: QEvent) -> bool:
        """Where the text is cut, the tip begins with the whole of it."""
        if isinstance(event, QHelpEvent) and event.type() is QEvent.Type.ToolTip and self.is_cut:
            QToolTip.showText(event.globalPos(), self.whole_tip(), self)
            return True
        return super().event(event)

    def whole_tip(self) -> str:
        """What the tip says: the whole text if it is cut, and the label's own tip."""
        lines = (self.text() if self.is_cut else "", self.toolTip())
        return "\n".join(line for line in dict.fromkeys(lines) if line)
