"""What the recipe asks of each layer, with threshold and sparsity read from the layers' own tables."""

from dataclasses import dataclass

import numpy as np

from workbench.engine.core.layer import Layer, ModelInfo
from workbench.engine.core.recipe import LayerSettings, Prune, Recipe, Rule
from workbench.gui.magnitude_tables import MagnitudeTables, sparsity_at, threshold_at
from workbench.gui.recipe_change import changed_rules


@dataclass(frozen=True, slots=True)
class LayerState:
    """One layer as the table shows it.

    Args:
        sparsity: fraction of weights that pruning zeroes, 0…1.
        threshold: |w| below it become zero; 0 without pruning.
        bits: None for float.
    """

    settings: LayerSettings
    prune: Prune | None
    sparsity: float
    threshold: float
    bits: int | None

    @property
    def is_pruned(self) -> bool:
        """Whether pruning is asked and possible."""
        return self.prune is not None


class LayerStates:
    """Resolves layers when they are looked at, and remembers them until an edit touches them."""

    def __init__(self) -> None:
        self._model: ModelInfo | None = None
        self._recipe = Recipe()
        self._states: dict[str, LayerState] = {}
        self._settings: dict[tuple[int, ...], LayerSettings] = {}
        self._tables: MagnitudeTables | None = None
        self._thresholds: dict[int, float] = {}

    def reset(self, model: ModelInfo | None, recipe: Recipe) -> tuple[str, ...]:
        """From now on answer for this model and recipe.

        Returns:
            Names of the layers that had been looked at and may be different now.
        """
        if model is not self._model or model is None:
            touched = set(self._states)
            self._tables = None
        else:
            touched = self._touched(recipe)
        for name in touched:
            del self._states[name]
        self._model, self._recipe = model, recipe
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
        names: set[str] = set()
        patterns: list[Rule] = []
        for rule in changed:
            if rule.has_patterns:
                patterns.append(rule)
            else:
                names.update(rule.select)
        touched |= names & self._states.keys()
        if patterns and self._model is not None:
            touched |= {
                layer.name
                for layer in self._model.layers
                if layer.name in self._states and any(rule.matches(layer.name, layer.op_type) for rule in patterns)
            }
        return touched

    def of(self, layer: Layer) -> LayerState:
        """What is asked of a layer."""
        state = self._states.get(layer.name)
        if state is None:
            state = self._resolve(layer)
            self._states[layer.name] = state
        return state

    def settings_of(self, layer: Layer) -> LayerSettings:
        """The rules resolved for a layer; layers that the same rules select share the answer."""
        rules = self._recipe.rules
        numbers = tuple(number for number, rule in enumerate(rules) if rule.matches(layer.name, layer.op_type))
        settings = self._settings.get(numbers)
        if settings is None:
            settings = self._recipe.settings_for(layer.name, layer.op_type)
            self._settings[numbers] = settings
        return settings

    def _resolve(self, layer: Layer) -> LayerState:
        settings = self.settings_of(layer)
        prune = settings.prune("weights") if layer.prunable else None
        bits = settings.weights.bits if settings.weights and layer.quantizable else None
        if prune is None:
            return LayerState(settings, None, 0.0, 0.0, bits)
        threshold = self._threshold(layer, prune)
        if prune.threshold is None and prune.scope == "layer":
            return LayerState(settings, prune, prune.sparsity or 0.0, threshold, bits)
        return LayerState(settings, prune, sparsity_at(layer, threshold), threshold, bits)

    def _threshold(self, layer: Layer, prune: Prune) -> float:
        if prune.threshold is not None:
            return prune.threshold
        if prune.scope == "layer":
            return threshold_at(layer, prune.sparsity or 0.0)
        if id(prune) not in self._thresholds:
            self._thresholds[id(prune)] = self._common_threshold(prune)
        return self._thresholds[id(prune)]

    def _common_threshold(self, prune: Prune) -> float:
        """One threshold for all layers that have this very pruning: of two alike rules each has its own."""
        layers = self._model.layers if self._model is not None else ()
        if self._tables is None:
            self._tables = MagnitudeTables(list(layers))
        places = [
            place
            for place, layer in enumerate(layers)
            if layer.prunable and layer.statistics is not None and self.settings_of(layer).prune("weights") is prune
        ]
        return self._tables.common_threshold(np.array(places), prune.sparsity or 0.0) if places else 0.0
