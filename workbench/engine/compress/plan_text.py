"""What is asked and what is done, in words, as plans and reports show it."""

from collections.abc import Sequence

from workbench.engine.core.bit_layout import HALF_BYTE, WHOLE_BYTE
from workbench.engine.core.footprint import Containers
from workbench.engine.core.layer import ModelInfo
from workbench.engine.core.plan import LayerPlan
from workbench.engine.core.recipe import ActivationSettings, LayerSettings, Prune, WeightSettings
from workbench.engine.runtime.saturation import saturates

# ONNX Runtime makes MatMulNBits of these where weights alone are quantized.
_MULTIPLIED_IN_BITS = ("MatMul", "Gemm")
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
    parts += [f"{what} without bits" for what in settings.without_bits]
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


_KERNEL_BITS = 8


def plan_notes(info: ModelInfo, entries: Sequence[LayerPlan], containers: Containers) -> tuple[str, ...]:
    """What concerns the whole model: which speed may be expected of what is done."""
    notes = []
    weight_only = [entry for entry in entries if entry.weights is not None and entry.activations is None]
    in_containers = [entry for entry in weight_only if entry.weights is not None and not entry.weights.floating]
    if in_containers and containers is not Containers.ANY:
        notes += _container_notes([info.layer(entry.layer).op_type for entry in in_containers])
    elif weight_only:
        notes.append("weights alone are quantized: the file gets smaller, the speed stays that of the float model")
    if any(entry.activations is not None and entry.weights is None for entry in entries):
        notes += _activation_notes(
            [entry.activations.bits for entry in entries if entry.activations and not entry.weights]
        )
    in_float = sum(_is_kept_from_integers(entry) for entry in entries) if containers is Containers.STANDARD else 0
    if in_float:
        layers = "this layer" if in_float == 1 else f"{in_float} layers"
        notes.append(
            f"ONNX Runtime runs {layers} in float: it has no integer kernels for the int4 containers that the plain "
            "encoding keeps up to 4 bits in; for its speed ask 5 bits or more, or encoding: auto"
        )
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


def _container_notes(op_types: Sequence[str]) -> list[str]:
    notes = []
    if any(op_type not in _MULTIPLIED_IN_BITS for op_type in op_types):
        notes.append(
            "weights alone are quantized, in containers that ONNX Runtime converts at every run: the file gets "
            "smaller, the model slower"
        )
    if any(op_type in _MULTIPLIED_IN_BITS for op_type in op_types):
        # Measured with 1.32: MatMulNBits with its default accuracy level, outputs 0.5 % off.
        notes.append(
            "ONNX Runtime may run MatMul and Gemm layers on such containers directly, and then rounds what goes into "
            "them to 8 bits: the accuracy measured here is that of its answers"
        )
    return notes


def _is_kept_from_integers(entry: LayerPlan) -> bool:
    weights, activations = entry.weights, entry.activations
    has_ranges = activations is not None and not activations.is_dynamic
    return weights is not None and has_ranges and weights.bits <= HALF_BYTE


def _may_saturate(entry: LayerPlan) -> bool:
    weights, activations = entry.weights, entry.activations
    return weights is not None and activations is not None and weights.bits == activations.bits == WHOLE_BYTE


def _activation_notes(bits: Sequence[int]) -> list[str]:
    """Of layers whose weights stay in float: how ONNX Runtime runs them."""
    notes = []
    if any(one == _KERNEL_BITS for one in bits):
        # Seen in its optimized graph: the layer is a QLinearConv there, with weights that the file does not have.
        notes.append(
            "activations alone are quantized to 8 bits: ONNX Runtime runs convolutions between them on integers, and "
            "quantizes their weights to 8 bits itself, which may saturate; quantize the weights, too"
        )
    if any(one != _KERNEL_BITS for one in bits):
        notes.append("activations alone are quantized: such layers run in float, and slower")
    return notes
