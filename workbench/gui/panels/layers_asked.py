"""What the recipe asks of the layers of a scan, from what the layer table knows already: quick enough for a drag."""

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from workbench.engine.core.asked_of_recipe import is_as_scanned
from workbench.engine.core.sensitivity import SensitivityScan
from workbench.engine.core.sensitivity_table import AskedOfLayers
from workbench.gui.panels.layer_now import setting_now
from workbench.gui.panels.layer_state import LayerStates

if TYPE_CHECKING:  # a test hands in a bench without an engine
    from workbench.gui.document import Document


class LayersAsked:
    """Reads the bench when it is asked.

    Args:
        document: its model and its channels.
        states: what is asked of each layer.
    """

    def __init__(self, document: "Document", states: LayerStates) -> None:
        self._document = document
        self._states = states

    def of(self, names: Sequence[str], groups: Sequence[tuple[str, str]]) -> AskedOfLayers:
        """What is asked of each layer of a scan; of channels, at the first layer of each group.

        Args:
            names: of the layers.
            groups: for each layer whose channels are pruned with others', the first layer of its group.
        """
        asked = AskedOfLayers.nothing(len(names))
        model, channels = self._document.model, self._document.channels.now
        if model is None:
            return asked
        layers = {layer.name: layer for layer in model.layers}
        places = {name: place for place, name in enumerate(names)}
        first_of = dict(groups)
        for name, place in places.items():
            if name not in layers:
                continue
            now = setting_now(layers[name], self._states, channels)
            asked.weight_bits[place] = math.inf if now.bits is None else now.bits
            asked.activation_bits[place] = math.inf if now.activation_bits is None else now.activation_bits
            asked.sparsity[place] = now.sparsity
            first = places.get(first_of.get(name, name))
            if now.ratio and first is not None:
                asked.ratio[first] = max(asked.ratio[first], now.ratio)
        return asked

    def is_as_scanned(self, scan: SensitivityScan) -> bool:
        """Whether all layers that are quantized are so in the style that was scanned."""
        model = self._document.model
        names = set(scan.layers)
        layers = [layer for layer in model.layers if layer.name in names] if model is not None else []
        return all(is_as_scanned(scan.axes, one) for one in self._states.settings_among(layers))
