"""What the recipe asks of each layer, with threshold and sparsity read from the layers' own tables."""

from dataclasses import dataclass

import numpy as np

from workbench.engine.core.layer import Layer, ModelInfo
from workbench.engine.core.recipe import LayerSettings, Prune, Recipe

_BISECTIONS = 40


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
    """Resolves layers when they are looked at, and remembers them until the recipe or the model changes."""

    def __init__(self) -> None:
        self._model: ModelInfo | None = None
        self._recipe = Recipe()
        self._states: dict[str, LayerState] = {}
        self._global: dict[Prune, float] = {}

    def reset(self, model: ModelInfo | None, recipe: Recipe) -> None:
        """From now on answer for this model and recipe."""
        kept = self._untouched(recipe) if model is self._model and model is not None else {}
        self._model, self._recipe, self._states = model, recipe, kept
        self._global.clear()

    def _untouched(self, recipe: Recipe) -> dict[str, LayerState]:
        """States that hold in a recipe that differs in one rule only: all but those that this rule selects."""
        old, new = self._recipe.rules, recipe.rules
        differing = [number for number, (a, b) in enumerate(zip(old, new, strict=False)) if a != b]
        if abs(len(old) - len(new)) + len(differing) > 1:
            return {}
        number = differing[0] if differing else min(len(old), len(new))
        changed = [*old[number : number + 1], *new[number : number + 1]]
        return {
            layer.name: state
            for layer in (self._model.layers if self._model else ())
            if (state := self._states.get(layer.name)) is not None
            and not any(rule.matches(layer.name, layer.op_type) for rule in changed)
            # A global threshold depends on other layers too.
            and (state.prune is None or state.prune.scope == "layer")
        }

    def of(self, layer: Layer) -> LayerState:
        """What is asked of a layer."""
        state = self._states.get(layer.name)
        if state is None:
            state = self._resolve(layer)
            self._states[layer.name] = state
        return state

    def _resolve(self, layer: Layer) -> LayerState:
        settings = self._recipe.settings_for(layer.name, layer.op_type)
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
        if prune not in self._global:
            self._global[prune] = self._global_threshold(prune)
        return self._global[prune]

    def _global_threshold(self, prune: Prune) -> float:
        """One threshold for all layers of which this very pruning is asked, by bisection on their tables."""
        layers = [
            layer
            for layer in (self._model.layers if self._model else ())
            if layer.prunable
            and layer.statistics is not None
            and self._recipe.settings_for(layer.name, layer.op_type).prune("weights") == prune
        ]
        low, high = 0.0, max((max_magnitude(layer) for layer in layers), default=0.0)
        wanted = (prune.sparsity or 0.0) * sum(layer.num_weights for layer in layers)
        tables = _Tables(layers)
        for _ in range(_BISECTIONS):
            middle = (low + high) / 2
            if tables.count_below(middle) < wanted:
                low = middle
            else:
                high = middle
        return high


class _Tables:
    """The cumulative tables of many layers behind each other, so that one threshold is one look-up for all."""

    def __init__(self, layers: list[Layer]) -> None:
        tables = [np.concatenate(([0], layer.statistics.magnitudes)) for layer in layers if layer.statistics]
        sizes = np.array([table.size for table in tables], np.int64)
        self._flat = np.concatenate(tables) if tables else np.zeros(0, np.int64)
        self._start = np.cumsum(sizes) - sizes
        self._steps = sizes - 1
        self._maximum = np.array([max_magnitude(layer) or 1.0 for layer in layers])

    def count_below(self, threshold: float) -> float:
        if not self._flat.size:
            return 0.0
        position = np.minimum(threshold / self._maximum, 1.0) * self._steps
        lower = np.minimum(position.astype(np.int64), self._steps - 1)
        below, above = self._flat[self._start + lower], self._flat[self._start + lower + 1]
        return float(np.sum(below + (position - lower) * (above - below)))


def max_magnitude(layer: Layer) -> float:
    """Largest |w| of a layer; 0 where the weights were not read."""
    statistics = layer.statistics
    if statistics is None:
        return 0.0
    largest = max(abs(statistics.minimum), abs(statistics.maximum))
    return largest if np.isfinite(largest) else 0.0


def sparsity_at(layer: Layer, threshold: float) -> float:
    """Fraction of a layer's weights with |w| < threshold, to within a step of its table."""
    statistics, largest = layer.statistics, max_magnitude(layer)
    if statistics is None or threshold <= 0 or not statistics.magnitudes.size:
        return 0.0
    if threshold > largest:
        return 1.0
    steps = np.linspace(0, largest, statistics.magnitudes.size + 1)
    counts = np.concatenate(([0], statistics.magnitudes))
    return float(np.interp(threshold, steps, counts) / max(1, counts[-1]))


def threshold_at(layer: Layer, sparsity: float) -> float:
    """The threshold that zeroes this fraction of a layer's weights, to within a step of its table."""
    statistics, largest = layer.statistics, max_magnitude(layer)
    if statistics is None or sparsity <= 0 or not statistics.magnitudes.size:
        return 0.0
    steps = np.linspace(0, largest, statistics.magnitudes.size + 1)
    counts = np.concatenate(([0], statistics.magnitudes))
    return float(np.interp(sparsity * counts[-1], counts, steps))
