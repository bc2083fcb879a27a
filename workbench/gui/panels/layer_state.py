"""What the recipe asks of each layer, with threshold and sparsity read from the layers' own tables."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from workbench.engine.core.footprint import BLOCKS_OPSET
from workbench.engine.core.layer import Layer, ModelInfo
from workbench.engine.core.recipe import LayerSettings, Prune, Recipe
from workbench.engine.core.reports import LayerPreview
from workbench.engine.core.weight_curves import WeightCurves
from workbench.engine.core.weight_pattern import num_zeros, pattern_of
from workbench.gui.all_magnitudes import AllMagnitudes
from workbench.gui.instant import written_weights
from workbench.gui.magnitude_tables import sparsity_at, threshold_at
from workbench.gui.recipe_change import changed_rules
from workbench.gui.rule_layers import RuleLayers


@dataclass(frozen=True, slots=True)
class LayerState:
    """One layer as the table shows it.

    Args:
        sparsity: fraction of weights that pruning zeroes, 0…1.
        threshold: |w| below it become zero; 0 without pruning, or where a pattern is asked.
        bits: that will be written; None for float, also where something else is asked that cannot be done.
        activation_bits: of what goes in and out; None for float.
    """

    settings: LayerSettings
    prune: Prune | None
    sparsity: float
    threshold: float
    bits: int | None
    activation_bits: int | None = None

    @property
    def is_pruned(self) -> bool:
        """Whether pruning is asked and possible."""
        return self.prune is not None


class LayerStates:
    """Resolves layers when they are looked at, and remembers them until an edit touches them."""

    def __init__(self) -> None:
        self._model: ModelInfo | None = None
        self._recipe = Recipe()
        self._largest_opset = BLOCKS_OPSET
        self._states: dict[str, LayerState] = {}
        self._settings: dict[tuple[int, ...], LayerSettings] = {}
        self._rules = RuleLayers(())
        self._curves: tuple[str, WeightCurves] | None = None
        self._tables: AllMagnitudes | None = None
        self._thresholds: dict[int, float] = {}

    @property
    def recipe(self) -> Recipe:
        """What is answered for."""
        return self._recipe

    def reset(self, model: ModelInfo | None, recipe: Recipe, largest_opset: int = BLOCKS_OPSET) -> tuple[str, ...]:
        """From now on answer for this model and recipe.

        Args:
            model: what is on the bench.
            recipe: what is asked.
            largest_opset: that the model has or can be raised to; as a rule any, so until it is known.

        Returns:
            Names of the layers that had been looked at and may be different now.
        """
        if model is not self._model or model is None:
            touched = set(self._states)
            self._tables = self._curves = None
            self._rules = RuleLayers(model.layers if model is not None else ())
        elif recipe.encoding != self._recipe.encoding or largest_opset != self._largest_opset:
            touched = set(self._states)
        else:
            touched = self._touched(recipe)
        for name in touched:
            del self._states[name]
        self._model, self._recipe, self._largest_opset = model, recipe, largest_opset
        self._settings.clear()
        self._thresholds.clear()
        return tuple(touched)

    def _touched(self, recipe: Recipe) -> set[str]:
        """Known layers that a rule selects which the two recipes do not have in the same place."""
        changed = changed_rules(self._recipe.rules, recipe.rules)
        if not changed:
            return set()
        # A global threshold depends on other layers too.
        touched = {name for name, state in self._states.items() if state.prune and state.prune.scope == "global"}
        places = frozenset().union(*(self._rules.of(rule) for rule in changed))
        return touched | {name for name in self._states if self._rules.place_of[name] in places}

    def of(self, layer: Layer) -> LayerState:
        """What is asked of a layer."""
        state = self._states.get(layer.name)
        if state is None:
            state = self._resolve(layer)
            self._states[layer.name] = state
        return state

    def take_curves(self, name: str, curves: WeightCurves) -> None:
        """From now on read one layer from these finer tables."""
        self._curves = name, curves
        self._states.pop(name, None)

    def take_preview(self, preview: LayerPreview) -> None:
        """Show a layer as the engine has it: its preview is of the recipe that is answered for."""
        state = self._states.get(preview.layer)
        if state is None or state.prune is None:
            return
        is_asked = state.prune.threshold is None and state.prune.scope == "layer"
        sparsity = state.sparsity if is_asked else preview.pruned
        self._states[preview.layer] = replace(state, threshold=preview.threshold, sparsity=sparsity)

    def settings_among(self, layers: Sequence[Layer]) -> tuple[LayerSettings, ...]:
        """Each of the different settings of some layers once: a thousand layers mostly share a few."""
        places = frozenset(self._rules.place_of[layer.name] for layer in layers)
        groups = self._rules.alike(places, self._recipe.rules)
        by_place = self._model.layers if self._model is not None else ()
        return tuple(self.settings_of(by_place[min(group)]) for _, group in groups)

    def settings_of(self, layer: Layer) -> LayerSettings:
        """The rules resolved for a layer; layers that the same rules select share the answer."""
        rules = self._recipe.rules
        place = self._rules.place_of.get(layer.name, -1)
        numbers = tuple(number for number, rule in enumerate(rules) if place in self._rules.of(rule))
        settings = self._settings.get(numbers)
        if settings is None:
            settings = self._recipe.settings_for(layer.name, layer.op_type)
            self._settings[numbers] = settings
        return settings

    def _resolve(self, layer: Layer) -> LayerState:
        settings = self.settings_of(layer)
        prune = weight_pruning(settings) if layer.prunable else None
        weights = written_weights(layer, settings.weights, self._recipe.encoding, self._largest_opset)
        bits = weights.bits if weights is not None and layer.quantizable else None
        inner = settings.activations.bits if settings.activations and layer.quantizable else None
        if prune is None:
            return LayerState(settings, None, 0.0, 0.0, bits, inner)
        if (pattern := pattern_of(prune)) is not None:
            sparsity = num_zeros(pattern, layer) / max(1, layer.num_weights)
            return LayerState(settings, prune, sparsity, 0.0, bits, inner)
        threshold = self._threshold(layer, prune)
        if prune.threshold is None and prune.scope == "layer":
            return LayerState(settings, prune, prune.sparsity or 0.0, threshold, bits, inner)
        curves = self._curves_of(layer)
        sparsity = curves.sparsity_at(threshold) if curves is not None else sparsity_at(layer, threshold)
        return LayerState(settings, prune, sparsity, threshold, bits, inner)

    def _curves_of(self, layer: Layer) -> WeightCurves | None:
        return self._curves[1] if self._curves is not None and self._curves[0] == layer.name else None

    def _threshold(self, layer: Layer, prune: Prune) -> float:
        if prune.threshold is not None:
            return prune.threshold
        if prune.scope == "layer":
            curves, sparsity = self._curves_of(layer), prune.sparsity or 0.0
            return curves.threshold_at(sparsity) if curves is not None else threshold_at(layer, sparsity)
        if id(prune) not in self._thresholds:
            self._thresholds[id(prune)] = self._common_threshold(prune)
        return self._thresholds[id(prune)]

    def _common_threshold(self, prune: Prune) -> float:
        """One threshold for all layers that have this very pruning: of two alike rules each has its own."""
        layers = self._model.layers if self._model is not None else ()
        if self._tables is None:
            self._tables = AllMagnitudes(list(layers))
        places = [
            place
            for place, layer in enumerate(layers)
            if layer.prunable and layer.statistics is not None and self.settings_of(layer).prune("weights") is prune
        ]
        return self._tables.common_threshold(np.array(places), prune.sparsity or 0.0) if places else 0.0


def weight_pruning(settings: LayerSettings) -> Prune | None:
    """How weights are pruned; a sparsity of 0 says no more than that they are not."""
    prune = settings.prune("weights")
    return None if prune is not None and prune.sparsity == 0 and prune.pattern is None else prune
