"""Resolving a recipe on a model: what will be done to each layer, and why it differs from what was asked."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType

import numpy as np
import numpy.typing as npt

from workbench.engine.compress.plan_text import (
    describe_activations,
    describe_settings,
    describe_weights,
    plan_notes,
)
from workbench.engine.compress.quantization_plan import Abilities, activations_done, weights_done
from workbench.engine.compress.structure_plan import Aside
from workbench.engine.compress.weights.magnitude import kept_mask, threshold_for_sparsity
from workbench.engine.core.errors import RecipeError
from workbench.engine.core.layer import Layer, ModelInfo
from workbench.engine.core.plain_containers import containers_of
from workbench.engine.core.plan import LayerPlan, Plan
from workbench.engine.core.recipe import LayerSettings, Prune, Recipe, Rule
from workbench.engine.core.weight_pattern import Blocks, WeightPattern, num_zeros, pattern_of, pattern_remainder

ReadWeight = Callable[[str], npt.NDArray[np.float32]]
_NOTHING = "nothing"
_NO_ASIDES: Mapping[str, Aside] = MappingProxyType({})


def resolve_plan(
    info: ModelInfo,
    recipe: Recipe,
    read_weight: ReadWeight,
    abilities: Abilities | None = None,
    *,
    asides: Mapping[str, Aside] = _NO_ASIDES,
    source: str = "recipe",
) -> Plan:
    """The recipe resolved on one model.

    Args:
        info: the model's layers.
        recipe: what is asked.
        read_weight: gives the float weights of a layer by its name.
        abilities: what can be done beyond storing weights in fewer bits.
        asides: what is said of layers whose channels are asked to go, or go along.
        source: name of the recipe's text, for messages.

    Raises:
        RecipeError: a selector matches no layer, or a setting is one that nothing here knows.
    """
    _check_selectors(info, recipe, source)
    thresholds = _Thresholds(info, recipe, read_weight)
    settings = {layer.name: recipe.settings_for(layer.name, layer.op_type) for layer in info.layers}
    touched = [
        layer
        for layer in info.layers
        if not settings[layer.name].is_empty
        or settings[layer.name].without_bits
        or (layer.name in asides and asides[layer.name].done)
    ]
    abilities = abilities or Abilities()
    if any(_gets_ranges(layer, settings[layer.name], abilities) for layer in touched):
        abilities = replace(abilities, beside_integers=True)
    entries = [
        _with_aside(
            _layer_plan(layer, settings[layer.name], recipe, thresholds, read_weight, abilities),
            asides.get(layer.name, Aside()),
        )
        for layer in touched
    ]
    notes = plan_notes(info, entries, containers_of(recipe.encoding, abilities.largest_opset))
    return Plan(tuple(entries), notes, recipe.equalize and bool(entries))


def _gets_ranges(layer: Layer, settings: LayerSettings, abilities: Abilities) -> bool:
    """Whether tensors around the layer will be quantized by known ranges."""
    if not layer.editable:
        return False
    done, _ = activations_done(layer, settings, abilities)
    return done is not None and not done.is_dynamic


def _check_selectors(info: ModelInfo, recipe: Recipe, source: str) -> None:
    for rule in recipe.rules:
        for selector in rule.select:
            alone = Rule((selector,))
            if not any(alone.matches(layer.name, layer.op_type) for layer in info.layers):
                where = f"{source}, line {rule.line}" if rule.line is not None else source
                names = ", ".join(layer.name for layer in info.layers[:3])
                raise RecipeError(
                    f"{where}: {selector!r} matches no layer", f"the model's layers are named like {names or '(none)'}"
                )


def _layer_plan(
    layer: Layer,
    settings: LayerSettings,
    recipe: Recipe,
    thresholds: "_Thresholds",
    read_weight: ReadWeight,
    abilities: Abilities,
) -> LayerPlan:
    asked = describe_settings(settings)
    if not layer.editable:
        quantizes = settings.weights or settings.activations or settings.without_bits
        asks_for_weights = quantizes or settings.prune("weights")
        reason = (layer.reason or "the layer cannot be changed") if asks_for_weights else ""
        return LayerPlan(layer.name, asked, _NOTHING, reason)
    activations, why_activations = activations_done(layer, settings, abilities)
    weights, why_weights = weights_done(layer, settings.weights, activations, recipe, abilities)
    threshold, num_kept = None, layer.num_weights
    pruning = settings.prune("weights")
    done = []
    pattern, why_pattern = _pattern_done(layer, pruning)
    if pattern is not None:
        num_kept -= num_zeros(pattern, layer)
        done.append(f"zero {1 - num_kept / layer.num_weights:.1%} of the weights, in the pattern {pattern}")
    elif pruning is not None and pruning.pattern is None:
        threshold = thresholds.of(layer, pruning)
        num_kept = int(kept_mask(read_weight(layer.name), threshold).sum()) if threshold else layer.num_weights
        done.append(f"zero {1 - num_kept / max(1, layer.num_weights):.1%} of the weights (|w| < {threshold:.6g})")
    if weights is not None:
        done.append(describe_weights(weights))
    if activations is not None:
        done.append(describe_activations(activations))
    reasons, cautions = (
        [*why_pattern, *why_weights, *why_activations, *_lacking_bits(settings)],
        _emptied(layer, num_kept),
    )
    return LayerPlan(
        layer=layer.name,
        asked=asked,
        done="; ".join(done) or _NOTHING,
        reason="; ".join([*reasons, *cautions]),
        threshold=threshold,
        num_kept=num_kept,
        weights=weights,
        activations=activations,
        pattern=pattern,
        is_caution=bool(cautions) and not reasons,
    )


def _with_aside(entry: LayerPlan, aside: Aside) -> LayerPlan:
    """What is done to the channels comes first, as it is done first."""
    done = [part for part in (aside.done, entry.done) if part and part != _NOTHING]
    reasons = [part for part in (aside.reason, entry.reason) if part]
    is_caution = entry.is_caution and not aside.reason
    return replace(entry, done="; ".join(done) or _NOTHING, reason="; ".join(reasons), is_caution=is_caution)


def _pattern_done(layer: Layer, pruning: Prune | None) -> tuple[WeightPattern | None, list[str]]:
    """The pattern that the weights get, and why that is less than what was asked. Raises RecipeError."""
    if pruning is None or pruning.pattern is None:
        return None, []
    try:
        pattern = pattern_of(pruning)
    except ValueError as error:
        raise RecipeError(f"{layer.name}: {error}", 'write "2:4", or "4x1" and a sparsity') from error
    assert pattern is not None
    reasons = [remainder] if (remainder := pattern_remainder(pattern, layer)) else []
    if isinstance(pattern, Blocks) and pruning.scope == "global":
        reasons.append("blocks are chosen layer by layer, not over all layers of the rule")
    if num_zeros(pattern, layer):
        return pattern, reasons
    return None, [f"pattern {pattern} is not applied: {remainder or 'there is no whole run or block to zero'}"]


def _lacking_bits(settings: LayerSettings) -> list[str]:
    return [f"{what} stay as they are: no rule says their bits, such as bits: 8" for what in settings.without_bits]


def _emptied(layer: Layer, num_kept: int) -> list[str]:
    return ["every weight of this layer becomes zero"] if layer.num_weights and num_kept == 0 else []


@dataclass
class _Thresholds:
    """Thresholds of |w|; a global one is found once for all layers of its rule."""

    info: ModelInfo
    recipe: Recipe
    read_weight: ReadWeight

    def __post_init__(self) -> None:
        self._found: dict[int | None, float] = {}

    def of(self, layer: Layer, pruning: Prune) -> float:
        """The threshold that the pruning gives for the layer."""
        if pruning.threshold is not None:
            return pruning.threshold
        if pruning.sparsity is None:
            return 0.0
        if pruning.scope == "layer":
            return threshold_for_sparsity([self.read_weight(layer.name)], pruning.sparsity)
        rule = self._rule_of(layer)
        if rule not in self._found:
            weights = [self.read_weight(name) for name in self._same(rule)]
            self._found[rule] = threshold_for_sparsity(weights, pruning.sparsity)
        return self._found[rule]

    def _rule_of(self, layer: Layer) -> int | None:
        return self.recipe.pruning_rule(layer.name, layer.op_type, "weights")

    def _same(self, rule: int | None) -> Sequence[str]:
        """Names of the layers for which this very rule has the last word."""
        return [layer.name for layer in self.info.layers if layer.editable and self._rule_of(layer) == rule]
