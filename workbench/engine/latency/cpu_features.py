"""What an operator asks of a CPU: multiply-adds by how well they run, numbers moved, weights read, calls made."""

from collections.abc import Callable

from workbench.engine.latency.alignment import is_misaligned
from workbench.engine.latency.operator import WEIGHTED, Kind, Operator
from workbench.engine.latency.winograd import tile_area

# Products of a 1×1 convolution or a matrix product; of the Winograd domain; other dense; of a picture; narrow groups.
_COMPUTE = ("mac_1x1", "wino", "mac_gen", "mac_first", "mac_g", "mac_dw", "mac_att", "mis4", "mis8", "pool", "gpool")
_MEMORY = (
    "e_1x1", "e_wino", "e_col", "e_dw", "e_ew", "e_move", "e_exp", "e_norm", "e_slow", "emis", "w_conv", "w_fc",
)  # fmt: skip
_CALLS = ("n_conv", "n_ops")
_INT8_COMPUTE = (
    "mac_1x1_i8", "mac_3x3_i8", "mac_3x3_more_i8", "mac_gen_i8", "mac_first_i8", "mac_dw_i8", "mis_i8",
)  # fmt: skip
_INT8_MEMORY = ("e_conv_i8", "e_out_i8", "e_requant_i8", "w_conv_i8", "w_fc_i8")
_INT8_CALLS = ("n_i8",)

CPU_FEATURES = (*_COMPUTE, *_MEMORY, *_CALLS, *_INT8_COMPUTE, *_INT8_MEMORY, *_INT8_CALLS)
COMPUTE_FEATURES = frozenset((*_COMPUTE, *_INT8_COMPUTE))
OVERHEAD_FEATURES = frozenset((*_CALLS, *_INT8_CALLS))
INT8_FEATURES = frozenset((*_INT8_COMPUTE, *_INT8_MEMORY, *_INT8_CALLS))

# What kernels for Winograd take at least, and groups that run as well as dense ones.
_WINOGRAD_CHANNELS, _WIDE_GROUP, _PICTURE_CHANNELS = 8, 16, 4
# Of a 3×3 convolution on integers the channels that pay for what is copied or transformed before it; more multiply
# numbers that lie there already. A model that is cut to fewer channels is never estimated slower, as with two classes.
_PAYING_CHANNELS = 16
# An element of eight bits instead of 32.
_BYTE = 0.25

Features = dict[str, float]


def cpu_features(operator: Operator, *, has_winograd: bool = True, is_all_int8: bool = False) -> Features:
    """How much of each feature an operator has, in millions; calls are counted. Absent features are 0.

    Args:
        operator: as the runtime runs it.
        has_winograd: whether the runtime has such kernels; TFLite with XNNPACK has not.
        is_all_int8: whether tensors between operators are int8 as well, as TFLite keeps them, and not float.
    """
    if operator.kind not in WEIGHTED:
        return _without_weights(operator, _BYTE if is_all_int8 else 1.0)
    if operator.is_int8 or is_all_int8:
        return _int8(operator, is_all_int8)
    if operator.kind is Kind.FULLY_CONNECTED:
        return {"n_ops": 1.0} | _millions(w_fc=operator.num_params)
    features: Features = {"n_conv": 1.0}
    if is_misaligned(operator, 4):
        features |= _millions(mis4=operator.macs, emis=operator.in_size + operator.out_size)
    if is_misaligned(operator, 8):
        features |= _millions(mis8=operator.macs)
    return features | _float(operator, has_winograd)


def _float(operator: Operator, has_winograd: bool) -> Features:
    moved, columns = operator.in_size + operator.out_size, _columns(operator)
    macs, weights = operator.macs, operator.num_params
    if operator.kind is Kind.DEPTHWISE:
        return _millions(mac_dw=macs, e_dw=moved)
    if operator.kind is Kind.GROUPED:
        narrow = min(operator.in_channels, operator.out_channels) // operator.groups < _WIDE_GROUP
        return _millions(e_col=columns, w_conv=weights) | _millions(**{"mac_g" if narrow else "mac_gen": macs})
    if operator.kind is Kind.CONV and _is_pointwise(operator):
        return _millions(mac_1x1=macs, e_1x1=moved, w_conv=weights)
    if has_winograd and _takes_winograd(operator):
        area = tile_area(*operator.outputs[0][1:])
        channels = operator.in_channels, operator.out_channels
        return _millions(wino=area * channels[0] * channels[1], e_wino=area * sum(channels), w_conv=weights)
    if operator.in_channels <= _PICTURE_CHANNELS and operator.kind is Kind.CONV:
        return _millions(mac_first=macs, e_col=columns)
    return _millions(mac_gen=macs, e_col=columns, w_conv=weights)


def _int8(operator: Operator, is_all_int8: bool) -> Features:
    features: Features = {"n_i8": 1.0}
    if operator.kind is Kind.FULLY_CONNECTED:
        return features | _millions(w_fc_i8=operator.num_params)
    if is_all_int8:
        # Sums are brought to the next tensor's grid in integers; other runtimes turn them into float.
        features |= _millions(e_requant_i8=operator.in_size + operator.out_size)
    else:
        features |= _millions(e_conv_i8=operator.in_size, e_out_i8=operator.out_size)
    if is_misaligned(operator, 8):
        features |= _millions(mis_i8=operator.macs)
    if operator.kind is Kind.DEPTHWISE:
        return features | _millions(mac_dw_i8=operator.macs)
    features |= _millions(w_conv_i8=operator.num_params)
    if operator.in_channels <= _PICTURE_CHANNELS:
        return features | _millions(mac_first_i8=operator.macs)
    if operator.kind is Kind.CONV and _is_pointwise(operator):
        return features | _millions(mac_1x1_i8=operator.macs)
    if not _is_dense_3x3(operator):
        return features | _millions(mac_gen_i8=operator.macs)
    channels = min(operator.in_channels, operator.out_channels)
    paying = operator.macs if is_all_int8 else operator.macs * min(channels, _PAYING_CHANNELS) / channels
    return features | _millions(mac_3x3_i8=paying, mac_3x3_more_i8=operator.macs - paying)


def _without_weights(operator: Operator, element: float) -> Features:
    moved = operator.in_size + operator.out_size
    by_kind: dict[Kind, Callable[[], Features]] = {
        Kind.ATTENTION: lambda: _millions(mac_att=operator.macs, e_ew=moved, w_conv=operator.num_params),
        Kind.POOL: lambda: _millions(pool=operator.out_size * operator.kernel[0] * operator.kernel[1] * element),
        Kind.GLOBAL_POOL: lambda: _millions(gpool=operator.in_size * element),
        Kind.MOVE: lambda: _millions(e_move=moved * element),
        Kind.EXPONENTIAL: lambda: _millions(e_exp=operator.out_size),
        Kind.NORM: lambda: _millions(e_norm=operator.out_size),
        Kind.REDUCTION: lambda: _millions(e_slow=operator.in_size),
        Kind.ELEMENTWISE: lambda: _millions(e_ew=moved * element),
    }
    return {"n_ops": 1.0} | by_kind[operator.kind]()


def _columns(operator: Operator) -> int:
    """Numbers of the matrix that a convolution through a matrix product makes first."""
    kernel = operator.kernel[0] * operator.kernel[1]
    if operator.kind is Kind.TRANSPOSED:
        return operator.out_channels * kernel * operator.in_positions
    return operator.in_channels * kernel * operator.out_positions


def _is_pointwise(operator: Operator) -> bool:
    return operator.kernel == (1, 1)


def _is_dense_3x3(operator: Operator) -> bool:
    return operator.kind is Kind.CONV and operator.kernel == (3, 3) and operator.stride == (1, 1)


def _takes_winograd(operator: Operator) -> bool:
    has_channels = min(operator.in_channels, operator.out_channels) >= _WINOGRAD_CHANNELS
    return _is_dense_3x3(operator) and has_channels and len(operator.outputs[0]) == 3


def _millions(**counts: float) -> Features:
    return {name: count / 1e6 for name, count in counts.items() if count}
