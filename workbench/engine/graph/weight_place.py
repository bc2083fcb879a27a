"""Which inputs of a node are its weights, and what a node is known by."""

from collections.abc import Callable, Collection

import onnx

# Their weights: of what comes in, W, and of what they gave at the step before, R.
RECURRENT = ("LSTM", "GRU", "RNN")
EDITABLE = ("Conv", "ConvTranspose", "Gemm", "MatMul", *RECURRENT)
RECURRENT_PLACES = (1, 2)
# Listed only, standard operators and those of onnxruntime's optimizers and quantizers.
_PLACES = {
    "DeformConv": 1, "QLinearConv": 3, "QLinearMatMul": 3, "ConvInteger": 1,
    "MatMulInteger": 1, "FusedConv": 1, "NhwcFusedConv": 1, "FusedGemm": 1, "FusedMatMul": 1, "MatMulNBits": 1,
    "MatMulBnb4": 1, "MatMulFpQ4": 1, "Attention": 1, "QAttention": 1, "DynamicQuantizeMatMul": 1,
    "MatMulIntegerToFloat": 1, "DynamicQuantizeLSTM": 1, "QGemm": 3,
}  # fmt: skip
_EITHER_SIDE = ("MatMul", "Gemm", "QLinearMatMul", "MatMulInteger", "FusedMatMul")
_FEWEST_AXES = 2


def is_standard(node: onnx.NodeProto) -> bool:
    """Whether the operator is one of the ONNX standard's default domain."""
    return node.domain in ("", "ai.onnx")


def first_output(node: onnx.NodeProto) -> str:
    """What a node is known by: its first output that has a name, since a recurrent node may leave out the first."""
    return next((name for name in node.output if name), "")


def weight_places(node: onnx.NodeProto, constant: Collection[str], ndim_of: Callable[[str], int]) -> tuple[int, ...]:
    """Which inputs of the node are its weights: none, one, or both of a recurrent node.

    Args:
        node: any node.
        constant: tensors that depend on constants alone.
        ndim_of: number of axes of a tensor; 0 if unknown.
    """
    if node.op_type in RECURRENT and is_standard(node):
        places = [place for place in RECURRENT_PLACES if place < len(node.input)]
        return tuple(place for place in places if node.input[place] and node.input[place] in constant)
    place = _only_place(node, constant, ndim_of)
    return () if place is None else (place,)


def _only_place(node: onnx.NodeProto, constant: Collection[str], ndim_of: Callable[[str], int]) -> int | None:
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
