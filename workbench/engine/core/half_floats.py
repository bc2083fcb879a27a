"""Which weights 16-bit floats can stand for."""

from workbench.engine.core.layer import Layer

# From here on float16 rounds to infinity: half a step above its largest number, 65504.
_TOO_LARGE = 65520.0
_HALF_BYTES = 2


def float16_obstacle(layer: Layer, stored_bytes: int) -> str:
    """Why a layer's weights are not stored as float16; empty if they can be.

    Args:
        layer: the layer, with statistics of its weights if they are known.
        stored_bytes: of each of its floats now.
    """
    if stored_bytes <= _HALF_BYTES:
        return "its weights take 16 bits as they are"
    statistics = layer.statistics
    if statistics is None:
        return ""
    largest = max(-statistics.minimum, statistics.maximum)
    if largest >= _TOO_LARGE:
        return f"float16 holds numbers up to 65504, and a weight is {largest:.6g}: they stay as they are"
    return ""
