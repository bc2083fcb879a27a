"""The size that a recipe gives, by arithmetic in the window's process: nothing is asked of the engine.

What holds for one layer is remembered from call to call, so that a slider's move costs the layers it changes.
"""

from dataclasses import dataclass, field
from functools import lru_cache

import numpy as np

from workbench.engine.core.footprint import ScaleLayout, TableKey, TensorShape, opset_needed, tables_of
from workbench.engine.core.granularity import PerGroup, PerTensor, parse_granularity
from workbench.engine.core.layer import Layer, ModelInfo
from workbench.engine.core.measurement import Figure, Origin
from workbench.engine.core.recipe import LayerSettings, Prune, Recipe, Rule, WeightSettings
from workbench.engine.core.reports import LayerFootprint, ModelFootprint
from workbench.gui.magnitude_tables import MagnitudeTables, own_zeros, zeros_at_sparsity, zeros_below
from workbench.gui.recipe_change import changed_rules

_FLOAT_BITS = 32
_WRITTEN_BITS = range(2, 9)
_WEIGHT_RANGES = ("minmax", "percentile", "mse")


@dataclass(frozen=True, slots=True)
class InstantSize:
    """What the recipe gives, estimated.

    Args:
        total_bytes: of the whole file.
        layers: bytes of each editable layer's weights, by name.
        num_weights, num_zeros: over the editable layers; zeros as pruning leaves them.
        mean_bits: over the same weights.
    """

    total_bytes: int
    layers: dict[str, int] = field(hash=False)
    num_weights: int
    num_zeros: int
    mean_bits: float

    @property
    def sparsity(self) -> float:
        """Fraction of zeros, 0…1."""
        return self.num_zeros / self.num_weights if self.num_weights else 0.0

    @property
    def figure(self) -> Figure:
        """The file's size as a figure."""
        return Figure(self.total_bytes, "bytes", Origin.ESTIMATED)


def instant_size(model: ModelInfo, footprint: ModelFootprint, recipe: Recipe) -> InstantSize:
    """The size of the file that the recipe gives.

    Args:
        model: the layers.
        footprint: their bytes by encoding.
        recipe: what is asked.
    """
    return _sizes_of(_Bench(model, footprint)).of(recipe)


@dataclass(frozen=True, slots=True, eq=False)
class _Bench:
    """A model with its footprint, equal to itself only: comparing a thousand layers would take longer."""

    model: ModelInfo
    footprint: ModelFootprint

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Bench) and self.model is other.model and self.footprint is other.footprint

    def __hash__(self) -> int:
        return hash((id(self.model), id(self.footprint)))


# One model is on the bench at a time. The key holds the objects, so their ids stay theirs.
@lru_cache(maxsize=1)
def _sizes_of(bench: _Bench) -> "_Sizes":
    return _Sizes(bench.model, bench.footprint)


@dataclass(frozen=True, slots=True)
class _LayerSize:
    """One layer's part of the sums.

    Args:
        tables: the file's look-up tables that unpack it.
        opset: that its nodes need; 0 where it stays as it is.
    """

    size: int
    num_zeros: int
    bits: int
    tables: tuple[TableKey, ...] = ()
    opset: int = 0


class _Sizes:
    """The layers of one model, with what the last recipe gave for each."""

    def __init__(self, model: ModelInfo, footprint: ModelFootprint) -> None:
        self._footprint = footprint
        by_name = {layer.name: layer for layer in model.layers}
        self._entries = footprint.layers
        self._layers = [by_name[entry.layer] for entry in footprint.layers]
        self._place = {layer.name: place for place, layer in enumerate(self._layers)}
        self._sharing = self._sharing_places()
        self._matching: dict[tuple[str, ...], frozenset[int]] = {}
        self._tables: MagnitudeTables | None = None
        self._recipe: Recipe | None = None
        self._settings: list[LayerSettings] = [LayerSettings()] * len(self._layers)
        self._sizes: list[_LayerSize] = [
            _LayerSize(entry.original_bytes, own_zeros(layer), _FLOAT_BITS)
            for entry, layer in zip(self._entries, self._layers, strict=True)
        ]
        self._thresholds: dict[int, float] = {}

    def _sharing_places(self) -> tuple[tuple[int, ...], ...]:
        """Places of layers that read one tensor, each set once."""
        found = {
            tuple(sorted({place, *(self._place[other] for other in layer.shares_weights_with if other in self._place)}))
            for place, layer in enumerate(self._layers)
            if layer.shares_weights_with
        }
        return tuple(sorted(found))

    def of(self, recipe: Recipe) -> InstantSize:
        self._update(recipe)
        opset = max((size.opset for size in self._sizes), default=0)
        total = self._footprint.rewritten_bytes[opset] if opset else self._footprint.file_bytes
        total += self._shared_bytes()
        used: set[TableKey] = set()
        zeros = num_weights = bits = 0
        layers = {}
        for entry, layer, size in zip(self._entries, self._layers, self._sizes, strict=True):
            layers[entry.layer] = size.size
            total += 0 if layer.shares_weights_with else size.size - entry.original_bytes
            used.update(size.tables)
            count = layer.num_weights
            num_weights += count
            zeros += size.num_zeros
            bits += size.bits * count
        total += sum(self._footprint.shared_overhead.get(key, 0) for key in used)
        return InstantSize(total, layers, num_weights, zeros, bits / num_weights if num_weights else float(_FLOAT_BITS))

    def _shared_bytes(self) -> int:
        """What shared weights add: one tensor a setting, less the original where no layer reads it any more."""
        total = 0
        for places in self._sharing:
            written = {self._settings[place]: self._sizes[place].size for place in places if self._is_written(place)}
            stays = any(not self._is_written(place) for place in places)
            total += sum(written.values()) - (0 if stays else self._entries[places[0]].original_bytes)
        return total

    def _is_written(self, place: int) -> bool:
        return self._sizes[place].opset > 0

    def _update(self, recipe: Recipe) -> None:
        if recipe is self._recipe:
            return
        changed = self._changed(recipe)
        self._resolve(recipe, changed)
        global_now = {
            place
            for place, settings in enumerate(self._settings)
            if (prune := settings.prune("weights")) is not None and prune.scope == "global"
        }
        thresholds = self._global_thresholds(global_now) if global_now else {}
        # One layer that comes or goes moves the common threshold of all the others.
        changed = changed | global_now if thresholds != self._thresholds else changed
        self._thresholds = thresholds
        is_plain = recipe.encoding == "plain"
        for place in changed:
            self._sizes[place] = self._size(place, is_plain=is_plain)
        self._recipe = recipe

    def _changed(self, recipe: Recipe) -> set[int]:
        """Places of the layers that a rule selects which the last recipe does not have in the same order."""
        before = self._recipe
        if before is None or before.encoding != recipe.encoding:
            return set(range(len(self._layers)))
        return set().union(*(self._selected(rule) for rule in changed_rules(before.rules, recipe.rules)))

    def _selected(self, rule: Rule) -> frozenset[int]:
        found = self._matching.get(rule.select)
        if found is None:
            if rule.has_patterns:
                found = frozenset(
                    place for place, layer in enumerate(self._layers) if rule.matches(layer.name, layer.op_type)
                )
            else:
                found = frozenset(self._place[name] for name in rule.select if name in self._place)
            self._matching[rule.select] = found
        return found

    def _resolve(self, recipe: Recipe, places: set[int]) -> None:
        """Layers that the same rules select have the same settings, so each set of rules is resolved once."""
        if not places:
            return
        rules_of: dict[int, list[int]] = {place: [] for place in places}
        for number, rule in enumerate(recipe.rules):
            for place in self._selected(rule) & places:
                rules_of[place].append(number)
        known: dict[tuple[int, ...], LayerSettings] = {}
        for place, numbers in rules_of.items():
            key = tuple(numbers)
            if key not in known:
                layer = self._layers[place]
                few = Recipe(tuple(recipe.rules[number] for number in numbers))
                known[key] = few.settings_for(layer.name, layer.op_type)
            self._settings[place] = known[key]

    def _global_thresholds(self, places: set[int]) -> dict[int, float]:
        """The common threshold of each global pruning, by the id of its `Prune`, as the plan tells them apart."""
        if self._tables is None:
            self._tables = MagnitudeTables(self._layers)
        members: dict[int, tuple[Prune, list[int]]] = {}
        for place in sorted(places):
            prune = self._settings[place].prune("weights")
            if prune is not None and prune.threshold is None and self._layers[place].editable:
                members.setdefault(id(prune), (prune, []))[1].append(place)
        return {
            key: self._tables.common_threshold(np.array(group), prune.sparsity or 0.0)
            for key, (prune, group) in members.items()
        }

    def _size(self, place: int, *, is_plain: bool) -> _LayerSize:
        layer, entry, settings = self._layers[place], self._entries[place], self._settings[place]
        weights = _written(settings.weights, is_plain=is_plain) if layer.editable else None
        zeros = self._zeros(layer, settings.prune("weights"))
        if weights is None and zeros is None:
            return _LayerSize(entry.original_bytes, own_zeros(layer), _FLOAT_BITS)
        tensor = TensorShape(
            num_weights=layer.num_weights,
            num_kept=layer.num_weights if zeros is None else max(1, layer.num_weights - zeros),
            bits=weights.bits if weights else None,
            num_scales=_num_scales(entry, weights.granularity) if weights else 0,
            symmetric=weights.symmetric if weights else True,
            scales=_scale_layout(entry, weights.granularity) if weights else ScaleLayout.TENSOR,
        )
        encoding, size = entry.smallest_encoding(tensor, plain=is_plain)
        num_zeros = own_zeros(layer) if zeros is None else zeros
        return _LayerSize(
            size,
            num_zeros,
            tensor.bits or _FLOAT_BITS,
            tables_of(encoding, tensor.bits),
            opset_needed(encoding, tensor),
        )

    def _zeros(self, layer: Layer, prune: Prune | None) -> int | None:
        """How many weights pruning leaves at zero; None where it does nothing."""
        if prune is None or prune.pattern is not None or not layer.editable:
            return None
        if prune.threshold is not None:
            return zeros_below(layer, prune.threshold) if prune.threshold > 0 else None
        if prune.scope == "global":
            threshold = self._thresholds.get(id(prune), 0.0)
            return zeros_below(layer, threshold) if threshold > 0 else None
        return zeros_at_sparsity(layer, prune.sparsity or 0.0) or None


def _written(weights: WeightSettings | None, *, is_plain: bool) -> WeightSettings | None:
    """Settings that the plan carries out; it leaves the others in float, and says why."""
    if weights is None or weights.bits not in _WRITTEN_BITS or weights.range not in _WEIGHT_RANGES:
        return None
    return None if is_plain and isinstance(parse_granularity(weights.granularity), PerGroup) else weights


def _num_scales(entry: LayerFootprint, word: str) -> int:
    granularity = parse_granularity(word)
    if isinstance(granularity, PerTensor):
        return 1
    if isinstance(granularity, PerGroup):
        return entry.num_rows * -(-entry.row_length // min(granularity.size, entry.row_length))
    return entry.num_channels


def _scale_layout(entry: LayerFootprint, word: str) -> ScaleLayout:
    granularity = parse_granularity(word)
    if isinstance(granularity, PerTensor):
        return ScaleLayout.TENSOR
    if isinstance(granularity, PerGroup):
        return ScaleLayout.RAGGED if entry.row_length % min(granularity.size, entry.row_length) else ScaleLayout.GROUP
    return ScaleLayout.CHANNEL
