"""What the recipe asks of the layers of a scan, from what the layer table knows already: quick enough for a drag."""

import math
import operator
from dataclasses import dataclass
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
        self._read_last: tuple[_Read, ...] = ()

    def of(self, names: tuple[str, ...], groups: tuple[tuple[str, str], ...]) -> AskedOfLayers:
        """What is asked of each layer of a scan; of channels, at the first layer of each group.

        Args:
            names: of the layers.
            groups: for each layer whose channels are pruned with others', the first layer of its group.
        """
        return self._of(names, groups).asked

    def is_as_scanned(self, scan: SensitivityScan) -> bool:
        """Whether all layers that are quantized are so in the style that was scanned."""
        return all(is_as_scanned(scan.axes, one) for one in self._of(scan.layers, scan.groups).settings)

    def _of(self, names: tuple[str, ...], groups: tuple[tuple[str, str], ...]) -> "_Read":
        bench = self._document.model, self._states.recipe, self._document.channels.now
        # The column and the card ask the same of each move, but for the groups that only one of them knows.
        known = [read for read in self._read_last if all(map(operator.is_, read.bench, bench))]
        for read in known:
            if (read.names, read.groups) == (names, groups):
                return read
        read = self._read(bench, names, groups)
        self._read_last = (read, *known[:1])
        return read

    def _read(self, bench: tuple[object, ...], names: tuple[str, ...], groups: tuple[tuple[str, str], ...]) -> "_Read":
        model, channels = self._document.model, self._document.channels.now
        asked, settings = AskedOfLayers.nothing(len(names)), dict[int, LayerSettings]()
        layers = {layer.name: layer for layer in model.layers} if model is not None else {}
        places = {name: place for place, name in enumerate(names)}
        first_of = dict(groups)
        for name, place in places.items():
            if name not in layers:
                continue
            now = setting_now(layers[name], self._states, channels)
            # Most layers share theirs with others.
            settings[id(now.settings)] = now.settings or LayerSettings()
            asked.weight_bits[place] = math.inf if now.bits is None else now.bits
            asked.activation_bits[place] = math.inf if now.activation_bits is None else now.activation_bits
            asked.sparsity[place] = now.sparsity
            first = places.get(first_of.get(name, name))
            if now.ratio and first is not None:
                asked.ratio[first] = max(asked.ratio[first], now.ratio)
        return _Read(bench, names, groups, asked, tuple(settings.values()))


@dataclass(frozen=True, slots=True, eq=False)
class _Read:
    """What was asked of some layers, each kind of settings once, and of which bench."""

    bench: tuple[object, ...]
    names: tuple[str, ...]
    groups: tuple[tuple[str, str], ...]
    asked: AskedOfLayers
    settings: tuple[LayerSettings, ...]
