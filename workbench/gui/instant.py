"""The size that a recipe gives, by arithmetic in the window's process: nothing is asked of the engine.

What holds for one layer is remembered from call to call, so that a slider's move costs the layers it changes.
"""

from collections.abc import Sequence, Set
from dataclasses import dataclass, field, replace
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from workbench.engine.core.footprint import BLOCKS_OPSET, Containers, resized_file
from workbench.engine.core.half_floats import float16_obstacle
from workbench.engine.core.layer import Layer, ModelInfo
from workbench.engine.core.measurement import Figure, Origin
from workbench.engine.core.plain_containers import bytes_of, containers_of, plain_weights
from workbench.engine.core.recipe import MAX_BITS, MIN_BITS, LayerSettings, Prune, Recipe, Rule, WeightSettings
from workbench.engine.core.reports import ModelFootprint
from workbench.engine.core.weight_pattern import num_zeros, pattern_of
from workbench.gui.all_magnitudes import AllMagnitudes, Places
from workbench.gui.channel_cut import NO_CUT, ChannelCut
from workbench.gui.layer_sizes import FLOAT_BITS, LayerSizes
from workbench.gui.left_shape import left_shape, whole_shape
from workbench.gui.recipe_change import changed_rules, weight_rules
from workbench.gui.rule_layers import RuleLayers

_WRITTEN_BITS = range(MIN_BITS, MAX_BITS + 1)
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


def instant_size(model: ModelInfo, footprint: ModelFootprint, recipe: Recipe, cut: ChannelCut = NO_CUT) -> InstantSize:
    """The size of the file that the recipe gives.

    Args:
        model: the layers.
        footprint: their bytes by encoding.
        recipe: what is asked.
        cut: what of the model goes first.
    """
    return _sizes_of(_Bench(model, footprint)).of(recipe, cut)


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


class _Sizes:
    """The layers of one model, with what the last recipe gave for each."""

    def __init__(self, model: ModelInfo, footprint: ModelFootprint) -> None:
        self._footprint = footprint
        by_name = {layer.name: layer for layer in model.layers}
        self._layers = [by_name[entry.layer] for entry in footprint.layers]
        self._names = [layer.name for layer in self._layers]
        self._rules = RuleLayers(self._layers)
        self._sharing = self._sharing_places()
        self._is_alone = np.array([not layer.shares_weights_with for layer in self._layers], np.bool_)
        self._is_editable = np.array([layer.editable for layer in self._layers], np.bool_)
        # With ranges at run time they read int8 codes alone.
        self._multiplies_codes = np.array([layer.op_type == "MatMul" for layer in self._layers], np.bool_)
        self._is_held_by_half = np.array(
            [
                not float16_obstacle(layer, entry.stored_floats.num_bytes)
                for layer, entry in zip(self._layers, footprint.layers, strict=True)
            ],
            np.bool_,
        )
        self._magnitudes = AllMagnitudes(self._layers)
        self._sizes = LayerSizes(self._layers, footprint.layers)
        self._recipe: Recipe | None = None
        self._cut = NO_CUT
        self._whole = [whole_shape(*one) for one in zip(self._layers, footprint.layers, strict=True)]
        # The share of their weights that layers have left, where channels go.
        self._shares = np.ones(len(self._layers))
        self._settings: list[LayerSettings] = [LayerSettings()] * len(self._layers)
        self._global: set[int] = set()
        # By the layer's place: that of a rule moves when another one comes before it.
        self._thresholds: dict[int, float] = {}

    def _sharing_places(self) -> tuple[tuple[int, ...], ...]:
        """Places of layers that read one tensor, each set once."""
        found = {
            tuple(
                sorted(
                    {
                        place,
                        *(
                            self._rules.place_of[other]
                            for other in layer.shares_weights_with
                            if other in self._rules.place_of
                        ),
                    }
                )
            )
            for place, layer in enumerate(self._layers)
            if layer.shares_weights_with
        }
        return tuple(sorted(found))

    def of(self, recipe: Recipe, cut: ChannelCut) -> InstantSize:
        self._update(recipe, cut)
        sizes = self._sizes
        tables = sizes.choose(self._is_counted(), self._footprint.shared_overhead, self._footprint.opset)
        opset = int(sizes.opset.max(initial=0))
        base = total = self._footprint.rewritten_bytes[opset] if opset else self._footprint.file_bytes
        own = sizes.is_written & self._is_alone
        total += int((sizes.num_bytes - sizes.replaced)[own].sum()) + self._shared_bytes()
        total += sum(self._footprint.shared_overhead.get(key, 0) for key in tables)
        total -= cut.lost_bytes + self._folded_bytes(cut, opset)
        num_weights = int(sizes.num_weights.sum())
        bits = int((sizes.bits * sizes.num_weights).sum())
        return InstantSize(
            resized_file(base, total),
            dict(zip(self._names, sizes.num_bytes.tolist(), strict=True)),
            num_weights,
            int(sizes.zeros.sum()),
            bits / num_weights if num_weights else float(FLOAT_BITS),
        )

    def _folded_bytes(self, cut: ChannelCut, opset: int) -> int:
        """What goes beside the channels; raising the opset has let go of some of it already."""
        if opset < BLOCKS_OPSET:
            return cut.folded_bytes
        return max(0, cut.folded_bytes - (self._footprint.file_bytes - self._footprint.rewritten_bytes[opset]))

    def _shared_bytes(self) -> int:
        """What shared weights add: one tensor a setting, less the original where no layer reads it any more."""
        total = 0
        is_written, num_bytes, replaced = self._sizes.is_written, self._sizes.num_bytes, self._sizes.replaced
        for places in self._sharing:
            written = {self._settings[place]: int(num_bytes[place]) for place in reversed(places) if is_written[place]}
            stays = any(not is_written[place] for place in places)
            total += sum(written.values()) - (0 if stays else int(replaced[places[0]]))
        return total

    def _is_counted(self) -> npt.NDArray[np.bool_]:
        """Which layers stand for a tensor of the file: of those that share one, the first of each settings."""
        is_counted = np.ones(len(self._layers), np.bool_)
        for places in self._sharing:
            seen: set[LayerSettings] = set()
            for place in places:
                if self._sizes.is_written[place]:
                    is_counted[place] = self._settings[place] not in seen
                    seen.add(self._settings[place])
        return is_counted

    def _update(self, recipe: Recipe, cut: ChannelCut) -> None:
        if recipe is self._recipe and cut is self._cut:
            return
        changed = self._changed(recipe) | self._reshape(cut)
        groups = self._resolve(recipe, changed)
        self._global -= changed
        for settings, group in groups:
            if _is_global(settings):
                self._global |= group
        thresholds = self._global_thresholds(recipe.rules) if self._global else {}
        if thresholds != self._thresholds:
            # One layer that comes or goes moves the common threshold of all the others.
            groups += self._resolve(recipe, self._global - changed)
        self._thresholds = thresholds
        containers = containers_of(recipe.encoding, self._footprint.largest_opset)
        for settings, group in groups:
            self._take(np.array(sorted(group)), settings, containers)
        self._recipe = recipe

    def _reshape(self, cut: ChannelCut) -> set[int]:
        """Give layers the channels that this cut leaves; the places of those that had another number before."""
        before, self._cut = self._cut, cut
        self._sizes.is_cut = bool(cut.shares)
        changed = {}
        for name in before.shares.keys() | cut.shares.keys() if cut is not before else ():
            now = (cut.shares.get(name, 1.0), cut.outputs.get(name, 1.0))
            if name in self._rules.place_of and now != (before.shares.get(name, 1.0), before.outputs.get(name, 1.0)):
                changed[self._rules.place_of[name]] = now
        if changed:
            places, shares = np.array(list(changed)), np.array([share for share, _ in changed.values()])
            shapes = [
                left_shape(self._whole[place], self._layers[place].axis or 0, *now) for place, now in changed.items()
            ]
            lost = np.array([cut.weight_bytes.get(self._names[place], 0) for place in changed], np.int64)
            self._sizes.reshape(places, shapes, shares, lost)
            self._shares[places] = shares
        return set(changed)

    def _left(self, place: int) -> Layer:
        """A layer without the channels that go."""
        layer, dims = self._layers[place], self._sizes.shapes[place].dims
        return layer if dims == layer.weight_shape else replace(layer, weight_shape=dims)

    def _changed(self, recipe: Recipe) -> set[int]:
        """Places of the layers that a rule selects which the last recipe does not have in the same order."""
        before = self._recipe
        if before is None or before.encoding != recipe.encoding:
            return set(range(len(self._layers)))
        # What is asked of channels comes with the cut.
        old, new = (weight_rules(one.rules) for one in (before, recipe))
        return set().union(*(self._rules.of(rule) for rule in changed_rules(old, new)))

    def _resolve(self, recipe: Recipe, places: set[int]) -> list[tuple[LayerSettings, Set[int]]]:
        """Layers that the same rules select have the same settings, so each set of rules is resolved once."""
        groups = []
        for numbers, group in self._rules.alike(places, recipe.rules):
            layer = self._layers[next(iter(group))]
            settings = Recipe(tuple(recipe.rules[number] for number in numbers)).settings_for(layer.name, layer.op_type)
            for place in group:
                self._settings[place] = settings
            groups.append((settings, group))
        return groups

    def _global_thresholds(self, rules: Sequence[Rule]) -> dict[int, float]:
        """The threshold of each globally pruned layer, one for all that a rule prunes, by the layer's place.

        Rules are told apart by their place in the recipe, as `Recipe.pruning_rule` does: two may say the same.
        """
        last_rule: dict[int, int] = {}
        for number, rule in enumerate(rules):
            if rule.prune is not None and rule.prune.kind in ("weights", "none"):
                last_rule |= dict.fromkeys(self._rules.of(rule) & self._global, number)
        members: dict[int, tuple[Prune, list[int]]] = {}
        for place in sorted(self._global):
            prune = self._settings[place].prune("weights")
            if prune is not None and prune.threshold is None and self._is_editable[place]:
                members.setdefault(last_rule[place], (prune, []))[1].append(place)
        thresholds: dict[int, float] = {}
        for prune, group in members.values():
            threshold = self._magnitudes.common_threshold(np.array(group), prune.sparsity or 0.0)
            thresholds |= dict.fromkeys(group, threshold)
        return thresholds

    def _take(self, places: Places, settings: LayerSettings, containers: Containers) -> None:
        """Store layers by the settings that they share, each as far as it can."""
        weights = known_weights(settings.weights)
        able, others = places[self._is_editable[places]], places[~self._is_editable[places]]
        if weights is not None and weights.floating:
            is_held = self._is_held_by_half[able]
            self._store(able[~is_held], None, settings, containers)
            able = able[is_held]
        multiplies = self._multiplies_codes[able] & _has_ranges_at_run_time(settings)
        self._store_in(able[~multiplies], weights, settings, containers)
        self._store_in(able[multiplies], weights, settings, bytes_of(containers))
        self._sizes.set_unpruned(others, is_quantized=False)

    def _store_in(
        self, places: Places, weights: WeightSettings | None, settings: LayerSettings, containers: Containers
    ) -> None:
        """Store layers as the containers allow: what they keep in blocks depends on the weight's shape."""
        if weights is None or containers is Containers.ANY:
            self._store(places, weights, settings, containers)
            return
        groups: dict[WeightSettings | None, list[int]] = {}
        for place in places.tolist():
            done, _ = plain_weights(self._left(place), weights, self._footprint.largest_opset)
            groups.setdefault(done, []).append(place)
        for done, group in groups.items():
            self._store(np.array(group), done, settings, containers)

    def _store(
        self, places: Places, weights: WeightSettings | None, settings: LayerSettings, containers: Containers
    ) -> None:
        self._sizes.set_weights(places, weights, containers)
        is_pruned, zeros = self._zeros(places, settings.prune("weights"))
        self._sizes.set_pruned(places[is_pruned], zeros[is_pruned])
        self._sizes.set_unpruned(places[~is_pruned], is_quantized=weights is not None)

    def _zeros(self, places: Places, prune: Prune | None) -> tuple[npt.NDArray[np.bool_], Places]:
        """Which layers pruning touches, and how many weights it leaves at zero in each."""
        zeros = np.zeros(places.size, np.int64)
        if prune is None:
            return zeros > 0, zeros
        if (pattern := pattern_of(prune)) is not None:
            zeros = np.array([num_zeros(pattern, self._left(place)) for place in places.tolist()], np.int64)
            return zeros > 0, zeros
        if prune.threshold is None and prune.scope == "layer":
            zeros = self._left_of(self._magnitudes.zeros_at_sparsity(places, prune.sparsity or 0.0), places)
            return zeros > 0, zeros
        # Layers that are stored together have the same rules.
        common = self._thresholds.get(int(places[0]), 0.0) if places.size else 0.0
        threshold = common if prune.threshold is None else prune.threshold
        # A threshold that zeroes nothing is carried out all the same.
        zeros = self._left_of(self._magnitudes.zeros_below(places, threshold), places)
        return np.full(places.size, threshold > 0), zeros

    def _left_of(self, zeros: Places, places: Places) -> Places:
        """As many of the zeros as of the weights stay, where channels go: about so, for a threshold."""
        return np.asarray(zeros * self._shares[places], np.int64)


def _has_ranges_at_run_time(settings: LayerSettings) -> bool:
    return settings.activations is not None and settings.activations.is_dynamic


def _is_global(settings: LayerSettings) -> bool:
    prune = settings.prune("weights")
    return prune is not None and prune.scope == "global" and prune.pattern is None


def known_weights(weights: WeightSettings | None) -> WeightSettings | None:
    """Settings that a plan carries out for some layers at least; it leaves the others in float, and says why."""
    if weights is None or weights.floating:
        return weights
    return weights if weights.bits in _WRITTEN_BITS and weights.range in _WEIGHT_RANGES else None


def written_weights(
    layer: Layer, weights: WeightSettings | None, encoding: str, largest_opset: int
) -> WeightSettings | None:
    """What the plan carries out of one layer's settings.

    Args:
        layer: which one.
        weights: what is asked.
        encoding: of the recipe.
        largest_opset: that the model has or can be raised to.
    """
    known = known_weights(weights)
    if known is None or layer.axis is None or containers_of(encoding, largest_opset) is Containers.ANY:
        return known
    return plain_weights(layer, known, largest_opset)[0]
