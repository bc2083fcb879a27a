"""What the plain encoding can keep of a layer's weight settings: the standard containers, and the opsets they need."""

import math
from dataclasses import replace

from workbench.engine.core.bit_layout import HALF_BYTE, WHOLE_BYTE
from workbench.engine.core.footprint import BLOCKS_OPSET, CHANNELS_OPSET, CONTAINER_OPSET, INT4_OPSET, Containers
from workbench.engine.core.granularity import PerChannel, PerGroup, parse_granularity
from workbench.engine.core.layer import Layer
from workbench.engine.core.recipe import WeightSettings
from workbench.engine.core.scale_blocks import rows_are_channels, scale_blocks, summed_axes

PLAIN = "plain"
# ONNX Runtime 1.32 makes integer kernels of these where Q and DQ stand around them, also of weights in blocks, and
# then fails on the shape of the scales. It leaves int4 codes alone.
_FAIL_ON_BLOCKS = ("Conv", "MatMul")


def containers_of(encoding: str, largest_opset: int) -> Containers:
    """The containers that an encoding writes.

    Args:
        encoding: of the recipe.
        largest_opset: that the model has or can be raised to.
    """
    if encoding != PLAIN:
        return Containers.ANY
    return Containers.STANDARD if largest_opset >= INT4_OPSET else Containers.WHOLE_BYTES


def bytes_of(containers: Containers) -> Containers:
    """The same containers without those of less than a byte, which MatMulInteger does not read."""
    return Containers.WHOLE_BYTES if containers is Containers.STANDARD else containers


def plain_weights(
    layer: Layer,
    asked: WeightSettings,
    largest_opset: int,
    *,
    whole_bytes: bool = False,
    beside_integers: bool = False,
) -> tuple[WeightSettings | None, list[str]]:
    """What the plain encoding writes of the settings, and why that is not what was asked.

    Args:
        layer: whose weights they are.
        asked: what else can be done.
        largest_opset: that the model has or can be raised to.
        whole_bytes: the codes are read by an operator that takes int8 alone.
        beside_integers: tensors of the model are quantized.
    """
    if asked.floating:
        return asked, []
    if asked.bits > WHOLE_BYTE:
        return None, [f"the plain encoding has no container for {asked.bits} bits; 2 to 8 bits are written"]
    done, reasons = _scales_done(layer, asked, largest_opset, beside_integers=beside_integers)
    if done is None:
        return None, reasons
    return done, [*reasons, *_container_reasons(asked.bits, largest_opset, whole_bytes=whole_bytes)]


def _scales_done(
    layer: Layer, asked: WeightSettings, largest_opset: int, *, beside_integers: bool
) -> tuple[WeightSettings | None, list[str]]:
    granularity, reasons = parse_granularity(asked.granularity), []
    if isinstance(granularity, PerGroup):
        obstacle = _block_obstacle(layer, granularity, largest_opset)
        if _is_whole_row(layer, granularity):
            reasons.append("a group holds a whole row: one scale per channel is the same")
        elif obstacle:
            return None, [f"weights stay float: {obstacle}; ask per_channel"]
        elif beside_integers and asked.bits > HALF_BYTE and layer.op_type in _FAIL_ON_BLOCKS:
            reasons.append("ONNX Runtime fails on int8 codes in blocks beside quantized tensors: per channel instead")
        else:
            return asked, []
        asked = replace(asked, granularity=str(PerChannel()))
    needed = CHANNELS_OPSET if asked.granularity == str(PerChannel()) else CONTAINER_OPSET
    if largest_opset < needed:
        what = "scales per channel" if needed == CHANNELS_OPSET else "int8 containers"
        return None, [f"weights stay float: {what} need opset {needed}, {_stops_at(largest_opset)}"]
    return asked, reasons


def _is_whole_row(layer: Layer, granularity: PerGroup) -> bool:
    assert layer.axis is not None
    shape, axis = layer.weight_shape, layer.axis
    length = math.prod(shape[place] for place in summed_axes(shape, axis, is_stacked=layer.is_stacked))
    return granularity.size >= length and rows_are_channels(shape, axis, is_stacked=layer.is_stacked)


def _block_obstacle(layer: Layer, granularity: PerGroup, largest_opset: int) -> str:
    """Why the groups are not written as blocks; empty if they can be."""
    assert layer.axis is not None
    if largest_opset < BLOCKS_OPSET:
        return f"scales per group need opset {BLOCKS_OPSET} in the plain encoding, {_stops_at(largest_opset)}"
    if scale_blocks(layer.weight_shape, layer.axis, granularity.size, is_stacked=layer.is_stacked) is None:
        shape = "×".join(str(size) for size in layer.weight_shape)
        return (
            f"groups of {granularity.size} run over several axes of its {shape} weights, "
            "and blocks of the plain encoding lie along one"
        )
    return ""


def _container_reasons(bits: int, largest_opset: int, *, whole_bytes: bool) -> list[str]:
    """Why the container has more bits than were asked."""
    if HALF_BYTE < bits < WHOLE_BYTE:
        return ["the plain encoding keeps these bits in an int8 container: no smaller than 8"]
    if bits > HALF_BYTE:
        return []
    if whole_bytes:
        return ["ranges at run time go with int8 codes alone: an int8 container, no smaller than 8"]
    if largest_opset < INT4_OPSET:
        why = f"int4 containers need opset {INT4_OPSET}, {_stops_at(largest_opset)}"
        return [f"{why}: an int8 container, no smaller than 8"]
    if bits < HALF_BYTE:
        return ["the plain encoding keeps these bits in an int4 container: no smaller than 4"]
    return []


def _stops_at(opset: int) -> str:
    return f"and the model cannot be raised beyond {opset}"
