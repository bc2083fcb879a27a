"""The menus that open over the table of layers: bit widths, and all that can be done with the selected layers."""

from PySide6.QtCore import QObject, QPoint, Qt, Signal, Slot
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QMenu, QWidget

from workbench.gui.panels.bits_menu import ACTIVATION_BITS, WEIGHT_BITS, make_bits_menu
from workbench.gui.panels.layer_card import LayerCard
from workbench.gui.panels.layer_state import LayerStates
from workbench.gui.panels.layers_model import activation_text, bits_text
from workbench.gui.panels.selected_layers import SelectedLayers


class LayerMenus(QObject):
    """Opens menus for the selected layers.

    Args:
        selected: the layers, which take what is chosen.
        states: what the recipe asks of them, to check what holds.
        card: has the same buttons, so it knows which of them can be pressed.
        window: parent of the menus.
    """

    select_all_wished = Signal()

    def __init__(self, selected: SelectedLayers, states: LayerStates, card: LayerCard, window: QWidget) -> None:
        super().__init__(window)
        self._selected = selected
        self._states = states
        self._card = card
        self._window = window

    def make_bits(self) -> QMenu:
        """The choice of bit widths of weights, the one that holds checked."""
        held = {self._states.of(layer).bits for layer in self._selected.layers}
        return make_bits_menu(self._window, WEIGHT_BITS, bits_text, held=held, on_chosen=self._on_bits)

    def make_activation_bits(self) -> QMenu:
        """The choice of bit widths of activations, the one that holds checked."""
        held = {self._states.of(layer).activation_bits for layer in self._selected.layers}
        return make_bits_menu(
            self._window, ACTIVATION_BITS, activation_text, held=held, on_chosen=self._on_activation_bits
        )

    @Slot(QPoint)
    def show_bits(self, at: QPoint) -> None:
        """Open the choice of bit widths of weights."""
        self.make_bits().popup(at)

    @Slot(QPoint)
    def show_activation_bits(self, at: QPoint) -> None:
        """Open the choice of bit widths of activations."""
        self.make_activation_bits().popup(at)

    @Slot(QPoint)
    def show_all(self, at: QPoint) -> None:
        """Open the menu of everything."""
        menu = QMenu(self._window)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        for title, choice in (
            ("Bits of weights", self.make_bits()),
            ("Bits of activations", self.make_activation_bits()),
        ):
            choice.setTitle(title)
            menu.addMenu(choice)
        selected, card = self._selected, self._card
        menu.addAction("Reset layer", selected.reset).setEnabled(card.reset.isEnabled())
        menu.addAction("Apply to similar layers", selected.apply_to_similar).setEnabled(card.similar.isEnabled())
        menu.addAction("Select all").triggered.connect(self.select_all_wished)
        menu.popup(at)

    @Slot(QAction)
    def _on_bits(self, action: QAction) -> None:
        self._selected.set_bits(action.data())

    @Slot(QAction)
    def _on_activation_bits(self, action: QAction) -> None:
        self._selected.set_activation_bits(action.data())
