"""The compressed weights of one model's layers: what a layer costs to compress is computed once per setting."""

import threading
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from workbench.engine.compress.weights.compressed_layer import compress_weight, sqnr_db
from workbench.engine.compress.weights.compressed_weight import CompressedWeight
from workbench.engine.compress.weights.kept_weights import kept_weights
from workbench.engine.core.layer import Layer, ModelInfo
from workbench.engine.core.plan import LayerPlan, Plan
from workbench.engine.core.recipe import WeightSettings
from workbench.engine.core.weight_pattern import WeightPattern

_Key = tuple[str, float | None, WeightPattern | None, WeightSettings | None]


@dataclass(frozen=True, slots=True, eq=False)
class CompressedLayer:
    """What a plan makes of one layer's weights.

    Args:
        weight: compressed.
        sqnr_db: against the original, dB; infinite where nothing changed.
        sparsity: fraction of zeros, 0…1.
        num_bytes: that it takes in memory.
    """

    weight: CompressedWeight
    sqnr_db: float
    sparsity: float
    num_bytes: int


class CompressedLayers:
    """Compresses the layers of one model. Safe to use from several threads.

    Args:
        info: its layers.
        read_weight: gives the float weights of a layer by its name.
        read_values: gives them in the smallest element type that holds them all.
        most_bytes: that are kept for the next time.
    """

    def __init__(
        self,
        info: ModelInfo,
        read_weight: Callable[[str], npt.NDArray[np.float32]],
        read_values: Callable[[str], npt.NDArray[np.floating]],
        most_bytes: int,
    ) -> None:
        self._info, self._read_weight, self._read_values = info, read_weight, read_values
        self._most_bytes = most_bytes
        self._known: OrderedDict[_Key, CompressedLayer] = OrderedDict()
        self._known_bytes = 0
        self._lock = threading.Lock()

    def of(self, layer: Layer, entry: LayerPlan) -> CompressedLayer:
        """A layer as the entry of a plan asks it, rounded to nearest."""
        key = (layer.name, entry.threshold, entry.pattern, entry.weights)
        with self._lock:
            if key in self._known:
                self._known.move_to_end(key)
                return self._known[key]
        found = self._compress(layer, entry)
        with self._lock:
            if key not in self._known:
                self._known[key] = found
                self._known_bytes += found.num_bytes
            while self._known_bytes > self._most_bytes and len(self._known) > 1:
                _, oldest = self._known.popitem(last=False)
                self._known_bytes -= oldest.num_bytes
        return found

    def sqnr_db(self, entry: LayerPlan) -> float:
        """SQNR of one layer's weights after pruning and rounding to nearest, dB; infinite if nothing changes."""
        if not entry.is_changed:
            return float("inf")
        return self.of(self._info.layer(entry.layer), entry).sqnr_db

    def sparsity(self, plan: Plan) -> float:
        """Fraction of zeros among the weights of the model's layers after the plan."""
        zeros = total = 0.0
        for layer in self._info.layers:
            if layer.statistics is None:
                continue
            entry = plan.layer(layer.name)
            is_changed = entry is not None and entry.is_changed
            share = self.of(layer, entry).sparsity if entry and is_changed else layer.statistics.sparsity
            zeros += share * layer.num_weights
            total += layer.num_weights
        return zeros / total if total else 0.0

    def _compress(self, layer: Layer, entry: LayerPlan) -> CompressedLayer:
        original = self._read_weight(layer.name)
        assert layer.axis is not None
        kept = kept_weights(original, layer, entry)
        values = self._read_values(layer.name) if entry.weights is None else original
        weight = compress_weight(values, layer.axis, kept, entry.weights, is_stacked=layer.is_stacked)
        dense = weight.dense()
        num_bytes = dense.nbytes + (dense.size if weight.kept is not None else 0)
        sparsity = 1 - float(np.count_nonzero(dense)) / max(1, dense.size)
        return CompressedLayer(weight, sqnr_db(original, dense), sparsity, num_bytes)
