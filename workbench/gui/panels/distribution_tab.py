"""The distributions of the selected layer: of its weights, of what goes in, of what comes out."""

from PySide6.QtCore import Slot
from PySide6.QtWidgets import QHBoxLayout, QStackedWidget, QVBoxLayout, QWidget

from workbench.gui.panels.activation_view import ActivationView
from workbench.gui.panels.distribution import DistributionPanel
from workbench.gui.theme import Theme
from workbench.gui.widgets.segmented import Segmented

WEIGHTS, INPUT, OUTPUT = "weights", "input", "output"
_SIDES = ((WEIGHTS, "Weights"), (INPUT, "Input"), (OUTPUT, "Output"))


class DistributionTab(QWidget):
    """A switch over two views; input and output are one view that looks at either side."""

    def __init__(
        self, theme: Theme, weights: DistributionPanel, activations: ActivationView, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self._activations = activations
        self.side = Segmented(theme, "Distribution of", _SIDES, self)
        self.side.set_value(WEIGHTS)
        self.side.setMaximumWidth(260)
        self._views = QStackedWidget(self)
        for view in (weights, activations):
            self._views.addWidget(view)
        line = QHBoxLayout()
        line.setContentsMargins(14, 8, 14, 0)
        line.addWidget(self.side, 1)
        line.addStretch(1)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addLayout(line)
        column.addWidget(self._views, 1)
        self.side.chosen.connect(self.show_side)

    @Slot(object)
    def show_side(self, side: str) -> None:
        """Show "weights", "input" or "output"."""
        self.side.set_value(side)
        self._views.setCurrentIndex(0 if side == WEIGHTS else 1)
        self._activations.look_at("" if side == WEIGHTS else side)
