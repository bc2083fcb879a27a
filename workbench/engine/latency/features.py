"""Features of all operators of a model for one backend: a matrix that costs are multiplied with."""

from collections.abc import Iterable, Sequence

import numpy as np
import numpy.typing as npt

from workbench.engine.core.device_profile import Backend
from workbench.engine.latency.accelerator_features import GPU_FEATURES, NPU_FEATURES, gpu_features, npu_features
from workbench.engine.latency.cpu_features import CPU_FEATURES, Features, cpu_features
from workbench.engine.latency.operator import Operator

FEATURES = {Backend.CPU: CPU_FEATURES, Backend.GPU: GPU_FEATURES, Backend.NPU: NPU_FEATURES}

# Their 3×3 convolutions are matrix products.
_WITHOUT_WINOGRAD = ("TFLite", "XNNPACK", "onnxruntime")
# These keep the tensors between operators as int8, others as float.
_ALL_INT8 = ("TFLite", "XNNPACK", "MNN", "onnxruntime")
# What a run has once: starting, and moving the model's first and last tensors.
ONCE_FEATURES = frozenset(("const", "e_io"))
_MILLION = 1e6


def feature_matrix(
    operators: Sequence[Operator], backend: Backend, runtime: str, *, is_all_int8: bool = False
) -> npt.NDArray[np.float64]:
    """Features of each operator, shape (operators, features of the backend), in the order of `FEATURES`.

    What a run has once, starting and moving the model's first and last tensors, belongs to the first operator.

    Args:
        operators: of the model in order.
        backend: what computes.
        runtime: its name, since kernels differ.
        is_all_int8: whether the whole model is quantized, and not only convolutions.
    """
    names = {name: place for place, name in enumerate(FEATURES[backend])}
    matrix = np.zeros((len(operators), len(names)))
    for row, operator in enumerate(operators):
        for name, value in operator_features(operator, backend, has_winograd(runtime), is_all_int8).items():
            matrix[row, names[name]] = value
    if len(operators) and "const" in names:
        matrix[0, names["const"]] = 1.0
    if len(operators) and "e_io" in names:
        matrix[0, names["e_io"]] = (operators[0].in_size + operators[-1].out_size) / _MILLION
    return matrix


def has_winograd(runtime: str) -> bool:
    """Whether a runtime has kernels that compute convolutions in the Winograd domain."""
    return not runtime.startswith(_WITHOUT_WINOGRAD)


def can_keep_int8(runtime: str) -> bool:
    """Whether a runtime leaves tensors between quantized operators as int8."""
    return runtime.startswith(_ALL_INT8)


def keeps_int8(runtime: str, operators: Iterable[Operator]) -> bool:
    """Whether tensors between the operators stay int8: the runtime does that, and every convolution is quantized."""
    flags = [operator.is_int8 for operator in operators if operator.macs]
    return can_keep_int8(runtime) and bool(flags) and all(flags)


def operator_features(operator: Operator, backend: Backend, winograd: bool, is_all_int8: bool) -> Features:
    """What one operator has of each feature, by name; what a run has once is not in it.

    Args:
        operator: of any model.
        backend: what computes.
        winograd: whether the runtime has such kernels.
        is_all_int8: whether the whole model is quantized, and not only convolutions.
    """
    if backend is Backend.NPU:
        return npu_features(operator)
    if backend is Backend.GPU:
        return gpu_features(operator, has_winograd=winograd)
    return cpu_features(operator, has_winograd=winograd, is_all_int8=is_all_int8)
