"""Three columns side by side, of which the middle one is looked at."""

from PySide6.QtCore import Qt
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QSplitter, QWidget


class Columns(QSplitter):
    """The middle takes what room there is; where that is little, the sides give way to it as far as they get.

    Args:
        comfortable: pixels that the middle has before the sides keep more than their least.
    """

    def __init__(
        self, left: QWidget, middle: QWidget, right: QWidget, comfortable: int, parent: QWidget | None = None
    ) -> None:
        super().__init__(Qt.Orientation.Horizontal, parent)
        self._comfortable = comfortable
        for number, (widget, stretch) in enumerate(((left, 0), (middle, 1), (right, 0))):
            self.addWidget(widget)
            self.setStretchFactor(number, stretch)
            self.setCollapsible(number, False)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """The middle has lost its room first; give it some of the sides'."""
        super().resizeEvent(event)
        left, middle, right = self.sizes()
        lack = self._comfortable - middle
        if lack <= 0:
            return
        spare = [max(0, size - self._least(place)) for place, size in ((0, left), (2, right))]
        given = min(lack, sum(spare))
        if given > 0:
            of_left = round(given * spare[0] / sum(spare))
            self.setSizes([left - of_left, middle + given, right - (given - of_left)])

    def _least(self, place: int) -> int:
        widget = self.widget(place)
        assert widget is not None
        return max(widget.minimumWidth(), widget.minimumSizeHint().width())
