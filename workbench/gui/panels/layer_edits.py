"""What a wish of the user means for the recipe: pure functions from a recipe to a recipe."""

from collections.abc import Sequence
from dataclasses import asdict, replace

from workbench.engine.core.channel_wishes import channel_prunes
from workbench.engine.core.layer import Layer, ModelInfo
from workbench.engine.core.recipe import (
    FLOAT,
    FLOAT16,
    ActivationRule,
    Prune,
    Recipe,
    WeightRule,
    WeightSettings,
    escape_selector,
)
from workbench.gui.panels.layer_state import weight_pruning


def selectors_for(model: ModelInfo, layers: Sequence[Layer]) -> tuple[str, ...]:
    """Selectors for these layers: a short one where they are all that can be edited, or all of one operator."""
    chosen = {layer.name for layer in layers}
    editable = [layer for layer in model.layers if layer.editable]
    if len(chosen) > 1 and chosen >= {layer.name for layer in editable}:
        return ("*",)
    op_types = {layer.op_type for layer in layers}
    if len(op_types) == 1 and len(chosen) > 1:
        (op_type,) = op_types
        if chosen >= {layer.name for layer in editable if layer.op_type == op_type}:
            return (f"op:{op_type}",)
    return tuple(escape_selector(layer.name) for layer in layers)


def with_sparsity(recipe: Recipe, model: ModelInfo, layers: Sequence[Layer], sparsity: float) -> Recipe:
    """Prune these layers to a sparsity of 0…1, in the scope that they have; 0 takes pruning back."""
    if sparsity <= 0:
        return without_pruning(recipe, model, layers)
    prune = Prune("weights", sparsity=round(min(1.0, sparsity), 4), scope=scope_of(recipe, layers))
    return _pruned(recipe, model, layers, prune)


def with_threshold(recipe: Recipe, model: ModelInfo, layers: Sequence[Layer], threshold: float) -> Recipe:
    """Prune every weight of these layers with |w| < threshold; 0 takes pruning back."""
    if threshold <= 0:
        return without_pruning(recipe, model, layers)
    return _pruned(recipe, model, layers, Prune("weights", threshold=float(f"{threshold:.4g}")))


def without_pruning(recipe: Recipe, model: ModelInfo, layers: Sequence[Layer]) -> Recipe:
    """No weights are pruned in these layers; the same recipe where none were."""
    if all(pruning_of(recipe, layer) is None for layer in layers):
        return recipe
    return _pruned(recipe, model, layers, _no_pruning(recipe, layers))


def with_scope(recipe: Recipe, model: ModelInfo, layers: Sequence[Layer], scope: str) -> Recipe:
    """One threshold per layer ("layer") or one for all layers of the rule ("global")."""
    prune = next((found for layer in layers if (found := pruning_of(recipe, layer))), None)
    if prune is None:
        prune = Prune("weights", sparsity=0.5)
    if prune.sparsity is None and scope == "global":
        # A threshold is the same for all layers by itself; the recipe's word for that is scope layer.
        return recipe
    return _pruned(recipe, model, layers, replace(prune, scope=scope))


def with_weights(recipe: Recipe, model: ModelInfo, layers: Sequence[Layer], weights: WeightRule) -> Recipe:
    """Quantization settings for those of the layers that can be quantized."""
    able = [layer for layer in layers if layer.quantizable]
    if weights.bits == FLOAT and all(bits_of(recipe, layer) is None for layer in able):
        return recipe
    return recipe.with_rule(selectors_for(model, able), weights=weights) if able else recipe


def with_activations(recipe: Recipe, model: ModelInfo, layers: Sequence[Layer], activations: ActivationRule) -> Recipe:
    """Settings of what goes in and out, for those of the layers that can be quantized."""
    able = [layer for layer in layers if layer.quantizable]
    if activations.bits == FLOAT and all(activation_bits_of(recipe, layer) is None for layer in able):
        return recipe
    return recipe.with_rule(selectors_for(model, able), activations=activations) if able else recipe


def with_float(recipe: Recipe, model: ModelInfo, layers: Sequence[Layer]) -> Recipe:
    """Weights and activations of these layers stay in float, whatever other rules say of them."""
    recipe = with_weights(recipe, model, layers, WeightRule(bits=FLOAT))
    return with_activations(recipe, model, layers, ActivationRule(bits=FLOAT))


def with_reset(recipe: Recipe, model: ModelInfo, layers: Sequence[Layer]) -> Recipe:
    """Nothing asked of these layers any more, whatever rules for other layers say of them too."""
    recipe = recipe.without([escape_selector(layer.name) for layer in layers])
    left = [layer for layer in layers if not recipe.settings_for(layer.name, layer.op_type).is_empty]
    if not left:
        return recipe
    recipe = with_activations(recipe, model, left, ActivationRule(bits=FLOAT))
    return recipe.with_rule(selectors_for(model, left), weights=WeightRule(bits=FLOAT), prune=Prune("none"))


def with_same_as(recipe: Recipe, model: ModelInfo, source: Layer, targets: Sequence[Layer]) -> Recipe:
    """The settings of one layer asked of others too."""
    settings = recipe.settings_for(source.name, source.op_type)
    weights = _weight_rule(settings.weights)
    activations = ActivationRule(**asdict(settings.activations)) if settings.activations is not None else None
    if activations is None and any(activation_bits_of(recipe, layer) is not None for layer in targets):
        activations = ActivationRule(bits=FLOAT)
    prune = settings.prune("weights") or _no_pruning(recipe, targets)
    return recipe.with_rule(selectors_for(model, targets), weights=weights, activations=activations, prune=prune)


def similar_layers(model: ModelInfo, layer: Layer) -> tuple[Layer, ...]:
    """Editable layers with the same operator and kernel, the layer itself among them."""
    return tuple(
        other
        for other in model.layers
        if other.editable and other.op_type == layer.op_type and other.weight_shape[2:] == layer.weight_shape[2:]
    )


def pruning_of(recipe: Recipe, layer: Layer) -> Prune | None:
    """Weight pruning that the recipe asks of a layer."""
    return weight_pruning(recipe.settings_for(layer.name, layer.op_type))


def bits_of(recipe: Recipe, layer: Layer) -> int | None:
    """Bit width that the recipe asks of a layer's weights; None for float."""
    weights = recipe.settings_for(layer.name, layer.op_type).weights
    return weights.bits if weights else None


def activation_bits_of(recipe: Recipe, layer: Layer) -> int | None:
    """Bit width that the recipe asks of what goes in and out of a layer; None for float."""
    activations = recipe.settings_for(layer.name, layer.op_type).activations
    return activations.bits if activations else None


def scope_of(recipe: Recipe, layers: Sequence[Layer]) -> str:
    """The scope of the first pruning that these layers have."""
    found = next((prune for layer in layers if (prune := pruning_of(recipe, layer))), None)
    return found.scope if found else "layer"


def _pruned(recipe: Recipe, model: ModelInfo, layers: Sequence[Layer], prune: Prune) -> Recipe:
    able = [layer for layer in layers if layer.prunable]
    return recipe.with_rule(selectors_for(model, able), prune=prune) if able else recipe


def _no_pruning(recipe: Recipe, layers: Sequence[Layer]) -> Prune:
    """What takes pruning of weights back, and leaves that of channels."""
    asked = (recipe.settings_for(layer.name, layer.op_type) for layer in layers)
    return Prune("weights", sparsity=0.0) if any(channel_prunes(item) for item in asked) else Prune("none")


def _weight_rule(weights: WeightSettings | None) -> WeightRule:
    """The rule that asks for these settings, and for nothing else."""
    if weights is None or weights.floating:
        return WeightRule(bits=FLOAT if weights is None else FLOAT16)
    said = asdict(weights)
    del said["floating"]
    return WeightRule(**said)
