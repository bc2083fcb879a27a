"""Which input of a node is its weight."""

from collections.abc import Callable, Collection

import onnx

EDITABLE = ("Conv", "ConvTranspose", "Gemm", "MatMul")
# Listed only, standard operators and those of onnxruntime's optimizers and quantizers.
_PLACES = {
    "LSTM": 1, "GRU": 1, "RNN": 1, "DeformConv": 1, "QLinearConv": 3, "QLinearMatMul": 3, "ConvInteger": 1,
    "MatMulInteger": 1, "FusedConv": 1, "NhwcFusedConv": 1, "FusedGemm": 1, "FusedMatMul": 1, "MatMulNBits": 1,
    "MatMulBnb4": 1, "MatMulFpQ4": 1, "Attention": 1, "QAttention": 1, "DynamicQuantizeMatMul": 1,
    "MatMulIntegerToFloat": 1, "DynamicQuantizeLSTM": 1, "QGemm": 3,
}  # fmt: skip
_EITHER_SIDE = ("MatMul", "Gemm", "QLinearMatMul", "MatMulInteger", "FusedMatMul")
_FEWEST_AXES = 2


def is_standard(node: onnx.NodeProto) -> bool:
    """Whether the operator is one of the ONNX standard's default domain."""
    return node.domain in ("", "ai.onnx")


def weight_place(node: onnx.NodeProto, constant: Collection[str], ndim_of: Callable[[str], int]) -> int | None:
    """Which input of the node is its weight; None if it has none.

    Args:
        node: any node.
        constant: tensors that depend on constants alone.
        ndim_of: number of axes of a tensor; 0 if unknown.
    """
    inputs = list(node.input)
    if all(name in constant for name in inputs):
        return None
    fixed = [index for index, name in enumerate(inputs) if name and name in constant]
    place = 1 if node.op_type in EDITABLE else _PLACES.get(node.op_type)
    if place is not None and place in fixed:
        return place
    if node.op_type in _EITHER_SIDE and is_standard(node):
        return 0 if 0 in fixed else None
    if node.op_type == "Einsum" or (place is None and not is_standard(node) and node.domain != "ai.onnx.ml"):
        return next((index for index in fixed if ndim_of(inputs[index]) >= _FEWEST_AXES), None)
    return None
