"""The selected layer in pictures: its weights, what goes in, what comes out, and which of its channels go."""

from PySide6.QtCore import Slot
from PySide6.QtWidgets import QHBoxLayout, QStackedWidget, QVBoxLayout, QWidget

from workbench.gui.panels.activation_view import ActivationView
from workbench.gui.panels.channel_page import ChannelPage
from workbench.gui.panels.distribution import DistributionPanel
from workbench.gui.theme import Theme
from workbench.gui.widgets.segmented import Segmented

WEIGHTS, INPUT, OUTPUT, CHANNELS = "weights", "input", "output", "channels"
_SIDES = ((WEIGHTS, "Weights"), (INPUT, "Input"), (OUTPUT, "Output"), (CHANNELS, "Channels"))
_VIEWS = {WEIGHTS: 0, INPUT: 1, OUTPUT: 1, CHANNELS: 2}


class DistributionTab(QWidget):
    """A switch over three views; input and output are one view that looks at either side."""

    def __init__(
        self,
        theme: Theme,
        weights: DistributionPanel,
        activations: ActivationView,
        channels: ChannelPage,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._channels = channels
        self._activations = activations
        self.side = Segmented(theme, "Distribution of", _SIDES, self)
        self.side.set_value(WEIGHTS)
        self.side.setMaximumWidth(350)
        self._views = QStackedWidget(self)
        for view in (weights, activations, channels):
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
        """Show "weights", "input", "output" or "channels"."""
        self.side.set_value(side)
        self._views.setCurrentIndex(_VIEWS[side])
        self._activations.look_at(side if side in (INPUT, OUTPUT) else "")
        self._channels.look(is_looked_at=side == CHANNELS)
