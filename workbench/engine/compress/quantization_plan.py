"""What of the quantization that a recipe asks can be done to a layer, and why the rest cannot."""

from collections.abc import Callable
from dataclasses import dataclass, replace

from workbench.engine.compress.weights.compressed_layer import RANGE_ESTIMATORS
from workbench.engine.core.footprint import BLOCKS_OPSET
from workbench.engine.core.granularity import PerChannel, PerGroup, parse_granularity
from workbench.engine.core.layer import Layer
from workbench.engine.core.plain_containers import PLAIN, plain_weights
from workbench.engine.core.recipe import ActivationSettings, LayerSettings, Recipe, WeightSettings

Obstacle = Callable[[str], str]
_LARGEST_INTEGER_BITS = 8
# Two products of 255 and a 7-bit code fit into the 16 bits in which older CPUs add them, of 8-bit codes not.
_REDUCED_BITS = 7


@dataclass(frozen=True, slots=True)
class Abilities:
    """What a model and its surroundings allow.

    Args:
        has_samples: whether there are samples to calibrate with.
        integer_obstacle: why a layer cannot run on integers, by its name; empty if it can.
        dynamic_obstacle: why not with ranges that are found at run time; empty if it can.
        rounding_obstacle: why a layer's rounding cannot be learned; empty if it can.
        bias_obstacle: why a layer's bias cannot be corrected; empty if it can.
        half_obstacle: why a layer's weights are not stored as float16; empty if they can be.
        largest_opset: that the model has or can be raised to; counts for the plain encoding.
        beside_integers: whether tensors of the model are quantized, or will be.
    """

    has_samples: bool = False
    integer_obstacle: Obstacle = lambda _: ""
    dynamic_obstacle: Obstacle = lambda _: ""
    rounding_obstacle: Obstacle = lambda _: ""
    bias_obstacle: Obstacle = lambda _: ""
    half_obstacle: Obstacle = lambda _: ""
    largest_opset: int = BLOCKS_OPSET
    beside_integers: bool = False


def activations_done(
    layer: Layer, settings: LayerSettings, abilities: Abilities
) -> tuple[ActivationSettings | None, list[str]]:
    """How the activations will be quantized, and why that is not what was asked."""
    asked = settings.activations
    if asked is None:
        return None, []
    obstacle = (abilities.dynamic_obstacle if asked.is_dynamic else abilities.integer_obstacle)(layer.name)
    if obstacle:
        return None, [f"activations stay float: {obstacle}"]
    if asked.is_dynamic:
        return _dynamic_done(asked, settings.weights)
    if not abilities.has_samples:
        return None, ["activations stay float: their ranges need samples, and none are given"]
    return asked, []


def _dynamic_done(
    asked: ActivationSettings, weights: WeightSettings | None
) -> tuple[ActivationSettings | None, list[str]]:
    """ONNX finds ranges at run time for 8 bits and no other width, and multiplies such codes with codes alone."""
    if asked.bits != _LARGEST_INTEGER_BITS:
        return None, ["activations stay float: ranges at run time are for 8 bits"]
    has_codes = weights is not None and not weights.floating and weights.range in RANGE_ESTIMATORS
    if weights is None or not has_codes or weights.bits > _LARGEST_INTEGER_BITS:
        return None, ["activations stay float: ranges at run time need weights of 2 to 8 bits"]
    return asked, []


def weights_done(
    layer: Layer,
    asked: WeightSettings | None,
    activations: ActivationSettings | None,
    recipe: Recipe,
    abilities: Abilities,
) -> tuple[WeightSettings | None, list[str]]:
    """How the weights will be quantized, and why that is not what was asked."""
    if asked is None:
        return None, []
    if asked.floating:
        return _as_half_allows(layer, asked, activations, abilities)
    if activations is not None and asked.bits > _LARGEST_INTEGER_BITS:
        return None, [f"weights stay float: integer kernels take weights of 8 bits at most, not {asked.bits}"]
    if asked.range not in RANGE_ESTIMATORS:
        return None, [f"range {asked.range!r} is for activations; weights take {', '.join(RANGE_ESTIMATORS)}"]
    done, reasons = _as_samples_allow(layer, asked, abilities)
    if activations is not None:
        done, more = _as_integers_allow(done)
        reasons += more
    if recipe.encoding != PLAIN:
        return done, reasons
    is_dynamic = activations is not None and activations.is_dynamic
    kept, more = plain_weights(
        layer, done, abilities.largest_opset, whole_bytes=is_dynamic, beside_integers=abilities.beside_integers
    )
    return kept, [*reasons, *more]


def _as_half_allows(
    layer: Layer, asked: WeightSettings, activations: ActivationSettings | None, abilities: Abilities
) -> tuple[WeightSettings | None, list[str]]:
    if activations is not None:
        return None, ["weights stay as they are: integer kernels take weights of 8 bits at most, not float16"]
    obstacle = abilities.half_obstacle(layer.name)
    return (None, [obstacle]) if obstacle else (asked, [])


def _as_samples_allow(layer: Layer, asked: WeightSettings, abilities: Abilities) -> tuple[WeightSettings, list[str]]:
    if not asked.needs_samples:
        return asked, []
    if not abilities.has_samples:
        plain = replace(asked, rounding="nearest", bias_correction=False)
        return plain, ["learned rounding and bias correction need samples, and none are given: nearest instead"]
    reasons = []
    if asked.rounding == "learned" and (obstacle := abilities.rounding_obstacle(layer.name)):
        asked = replace(asked, rounding="nearest")
        reasons.append(f"rounding is to nearest: {obstacle}")
    if asked.bias_correction and (obstacle := abilities.bias_obstacle(layer.name)):
        asked = replace(asked, bias_correction=False)
        reasons.append(f"the bias is not corrected: {obstacle}")
    return asked, reasons


def _as_integers_allow(asked: WeightSettings) -> tuple[WeightSettings, list[str]]:
    """Integer kernels take one scale a channel at most, and one zero point for all of them."""
    reasons = []
    if isinstance(parse_granularity(asked.granularity), PerGroup):
        reasons.append("integer kernels have no scales per group: per channel instead")
        asked = replace(asked, granularity="per_channel")
    if not asked.symmetric and isinstance(parse_granularity(asked.granularity), PerChannel):
        reasons.append("integer kernels take one zero point for all channels: symmetric instead")
        asked = replace(asked, symmetric=True)
    if asked.reduce_range and asked.bits == _LARGEST_INTEGER_BITS:
        asked = replace(asked, bits=_REDUCED_BITS, reduce_range=False)
    return asked, reasons
