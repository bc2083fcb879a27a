"""Whether channels come in the packs that kernels for vector units take."""

from workbench.engine.latency.operator import Kind, Operator

_PICTURE_CHANNELS = 4


def is_misaligned(operator: Operator, pack: int) -> bool:
    """Whether a convolution's channels are no multiple of a pack; the channels of a picture may be.

    Args:
        operator: one that has weights.
        pack: 4 for float32 kernels, 8 for float16 and int8.
    """
    given, made = operator.in_channels, operator.out_channels
    if operator.kind is Kind.DEPTHWISE:
        return made % pack != 0
    if operator.kind is Kind.GROUPED:
        return (given // operator.groups) % pack != 0 or (made // operator.groups) % pack != 0
    return (given % pack != 0 and given > _PICTURE_CHANNELS) or made % pack != 0
