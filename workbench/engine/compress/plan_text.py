"""What is asked and what is done, in words, as plans and reports show it."""

from collections.abc import Sequence

from workbench.engine.core.plan import LayerPlan
from workbench.engine.core.recipe import ActivationSettings, LayerSettings, Prune, Recipe, WeightSettings
from workbench.engine.runtime.saturation import saturates

_WHOLE_BYTE = 8
_AVOIDED = "weights of 8 bits can saturate on x86 processors without VNNI, which reduce_range: true avoids"
_SATURATION = {
    True: f"{_AVOIDED}; this computer is one, phones are not: there the accuracy may be better than measured here",
    False: f"{_AVOIDED}; this computer does not saturate, such a target may be worse than measured here",
    None: f"{_AVOIDED}; whether this computer does is not known",
}


def describe_settings(settings: LayerSettings) -> str:
    """What is asked of a layer, in words."""
    parts = []
    for pruning in settings.prunes:
        parts.append(_describe_prune(pruning))
    if settings.weights is not None:
        parts.append(describe_weights(settings.weights))
    if settings.activations is not None:
        parts.append(describe_activations(settings.activations))
    return "; ".join(parts)


def describe_weights(weights: WeightSettings) -> str:
    """How weights are quantized, in words: "weights 4 bit per channel, symmetric, by mse"."""
    if weights.floating:
        return f"weights float{weights.bits}"
    parts = [
        f"weights {weights.bits} bit {weights.granularity.replace('_', ' ')}",
        "symmetric" if weights.symmetric else "asymmetric",
        f"by {weights.range}",
    ]
    parts += ["rounding learned"] if weights.rounding == "learned" else []
    parts += ["bias corrected"] if weights.bias_correction else []
    return ", ".join(parts)


def _describe_prune(pruning: Prune) -> str:
    if pruning.threshold is not None:
        return f"prune {pruning.kind} below {pruning.threshold:g}"
    if pruning.pattern is not None:
        share = "" if pruning.sparsity is None else f", {pruning.sparsity:.1%} of them"
        return f"prune {pruning.kind} in the pattern {pruning.pattern}{share}"
    if pruning.sparsity is not None:
        scope = " over all layers of the rule" if pruning.scope == "global" else ""
        return f"prune {pruning.sparsity:.1%} of the {pruning.kind}{scope}"
    return f"remove {pruning.ratio or 0:.1%} of the {pruning.kind}"


def describe_activations(activations: ActivationSettings) -> str:
    """How activations are quantized, in words: "activations 8 bit, asymmetric, by minmax"."""
    if activations.is_dynamic:
        return f"activations {activations.bits} bit, ranges at run time"
    kind = "symmetric" if activations.symmetric else "asymmetric"
    signed = ", signed" if activations.signed else ""
    return f"activations {activations.bits} bit, {kind}{signed}, by {activations.range}"


def plan_notes(entries: Sequence[LayerPlan], recipe: Recipe) -> tuple[str, ...]:
    """What concerns the whole model: which speed may be expected of what is done."""
    notes = []
    weight_only = [entry for entry in entries if entry.weights is not None and entry.activations is None]
    in_containers = [entry for entry in weight_only if entry.weights is not None and not entry.weights.floating]
    if in_containers and recipe.encoding == "plain":
        notes.append(
            "weights alone are quantized, in containers that ONNX Runtime converts at every run: the file gets "
            "smaller, the model slower"
        )
    elif weight_only:
        notes.append("weights alone are quantized: the file gets smaller, the speed stays that of the float model")
    if any(entry.activations is not None and entry.weights is None for entry in entries):
        notes.append("activations alone are quantized: such layers run in float, and slower")
    if any(_may_saturate(entry) for entry in entries):
        notes.append(_SATURATION[saturates()])
    patterns = dict.fromkeys(str(entry.pattern) for entry in entries if entry.pattern is not None)
    if patterns:
        notes.append(
            f"zeros in the pattern {', '.join(patterns)}: ONNX Runtime multiplies them like any other weight, only a "
            "runtime with kernels for the pattern gets faster"
        )
    odd = sorted({entry.activations.bits for entry in entries if entry.activations is not None} - {8})
    if odd:
        widths = ", ".join(str(bits) for bits in odd)
        notes.append(f"activations of {widths} bits are simulated: ONNX Runtime has integer kernels for 8 bits only")
    return tuple(notes)


def _may_saturate(entry: LayerPlan) -> bool:
    weights, activations = entry.weights, entry.activations
    return weights is not None and activations is not None and weights.bits == activations.bits == _WHOLE_BYTE
