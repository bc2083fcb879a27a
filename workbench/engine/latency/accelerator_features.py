"""What an operator asks of a GPU or an NPU: fewer classes than on a CPU, and a price for starting at all."""

from dataclasses import replace

from workbench.engine.latency.cpu_features import Features, cpu_features
from workbench.engine.latency.operator import WEIGHTED, Kind, Operator

_GPU_COMPUTE = ("mac_1x1", "wino", "mac_gen", "mac_first", "mac_g", "mac_dw", "mac_att", "mis4", "pool", "gpool")
_GPU_MEMORY = (
    "e_1x1", "e_wino", "e_col", "e_dw", "e_ew", "e_concat", "e_move", "e_exp", "e_norm", "e_slow", "w_conv", "w_fc",
)  # fmt: skip
# A fallback is an operator that the CPU computes, and for which tensors are copied there and back.
_GPU_CALLS = ("n_conv", "n_ops", "n_fallback", "const")
GPU_FEATURES = (*_GPU_COMPUTE, *_GPU_MEMORY, *_GPU_CALLS)

_NPU_COMPUTE = ("mac_1x1", "mac_k", "mac_first", "mac_g", "mac_dw", "mac_mm", "mac_att", "pool")
_NPU_MEMORY = (
    "e_conv", "e_dw", "e_ew", "e_concat", "e_move", "e_exp", "e_norm", "e_io", "w_conv", "w_fc",
)  # fmt: skip
_NPU_CALLS = ("n_ops", "const")
NPU_FEATURES = (*_NPU_COMPUTE, *_NPU_MEMORY, *_NPU_CALLS)

_PICTURE_CHANNELS = 4


def gpu_features(operator: Operator, *, has_winograd: bool = True) -> Features:
    """As on a CPU in float: GPU runtimes compute int8 models in float."""
    features = cpu_features(replace(operator, is_int8=False), has_winograd=has_winograd)
    if operator.op_type == "Concat":
        features["e_concat"] = features.pop("e_move", 0.0)
    if operator.kind is Kind.REDUCTION:
        elements = features.pop("e_slow", 0.0)
        # Normalization across channels has a kernel on the GPU; other reductions have none.
        features |= {"e_norm": elements} if operator.op_type == "LRN" else {"e_slow": elements, "n_fallback": 1.0}
    return {name: value for name, value in features.items() if name in GPU_FEATURES}


def npu_features(operator: Operator) -> Features:
    """How much of each feature an operator has, in millions; calls are counted."""
    moved, kind = (operator.in_size + operator.out_size) / 1e6, operator.kind
    macs, weights = operator.macs / 1e6, operator.num_params / 1e6
    calls = {"n_ops": 1.0}
    if kind in WEIGHTED:
        return calls | _with_weights(operator, macs, moved, weights)
    by_kind = {
        Kind.ATTENTION: {"mac_att": macs, "e_ew": moved},
        Kind.POOL: {"pool": moved},
        Kind.GLOBAL_POOL: {"pool": operator.in_size / 1e6},
        Kind.MOVE: {"e_concat" if operator.op_type == "Concat" else "e_move": moved},
        Kind.EXPONENTIAL: {"e_exp": operator.out_size / 1e6},
        Kind.NORM: {"e_norm": operator.out_size / 1e6},
        Kind.REDUCTION: {"e_ew": moved},
        Kind.ELEMENTWISE: {"e_ew": moved},
    }
    return calls | by_kind[kind]


def _with_weights(operator: Operator, macs: float, moved: float, weights: float) -> Features:
    kind = operator.kind
    if kind is Kind.FULLY_CONNECTED:
        return {"w_fc": weights}
    if kind is Kind.DEPTHWISE:
        return {"mac_dw": macs, "e_dw": moved}
    if kind is Kind.GROUPED:
        return {"mac_g": macs, "e_conv": moved, "w_conv": weights}
    if operator.in_channels <= _PICTURE_CHANNELS:
        return {"mac_first": macs, "e_conv": moved}
    name = "mac_1x1" if operator.kernel == (1, 1) else "mac_k"
    if operator.op_type in ("MatMul", "Gemm"):
        name = "mac_mm"
    return {name: macs, "e_conv": moved, "w_conv": weights}
