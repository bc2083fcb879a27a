"""What the recipe asks of the layers of a scan, from what the layer table knows already: quick enough for a drag."""

import math
from typing import TYPE_CHECKING

from workbench.engine.core.asked_of_recipe import is_as_scanned
from workbench.engine.core.recipe import LayerSettings
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
        self._settings: dict[int, LayerSettings] = {}
        self._last: tuple[tuple[object, ...], AskedOfLayers] | None = None

    def of(self, scan: SensitivityScan) -> AskedOfLayers:
        """What is asked of each layer of a scan; of channels, at the first layer of each group."""
        model, channels = self._document.model, self._document.channels.now
        # The column and the card ask the same of each move.
        key = (model, self._states.recipe, channels, scan.layers, scan.groups)
        if self._last is not None and all(one is other for one, other in zip(self._last[0], key, strict=True)):
            return self._last[1]
        asked = self._read(scan)
        self._last = key, asked
        return asked

    def _read(self, scan: SensitivityScan) -> AskedOfLayers:
        model, channels = self._document.model, self._document.channels.now
        asked = AskedOfLayers.nothing(len(scan.layers))
        self._settings.clear()
        if model is None:
            return asked
        layers = {layer.name: layer for layer in model.layers}
        places = {name: place for place, name in enumerate(scan.layers)}
        first_of = dict(scan.groups)
        for name, place in places.items():
            if name not in layers:
                continue
            now = setting_now(layers[name], self._states, channels)
            # Most layers share theirs with others.
            self._settings[id(now.settings)] = now.settings or LayerSettings()
            asked.weight_bits[place] = math.inf if now.bits is None else now.bits
            asked.activation_bits[place] = math.inf if now.activation_bits is None else now.activation_bits
            asked.sparsity[place] = now.sparsity
            first = places.get(first_of.get(name, name))
            if now.ratio and first is not None:
                asked.ratio[first] = max(asked.ratio[first], now.ratio)
        return asked

    def is_as_scanned(self, scan: SensitivityScan) -> bool:
        """Whether all layers that are quantized are so in the style that was scanned."""
        self.of(scan)
        return all(is_as_scanned(scan.axes, one) for one in self._settings.values())
