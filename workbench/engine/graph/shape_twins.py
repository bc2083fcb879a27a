"""Standard operators that give the same shapes as onnxruntime's own, of which ONNX's shape inference knows nothing.

Source: docs/ContribOperators.md of onnxruntime.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import onnx

_DOMAIN = "com.microsoft"


@dataclass(frozen=True, slots=True)
class _Twin:
    """A standard operator.

    Args:
        op_type: of it.
        inputs: which of the other's inputs it reads.
        dropped: the other's attributes that it has not.
    """

    op_type: str
    inputs: slice
    dropped: tuple[str, ...] = ()


# Abs and Max give shapes as Identity and Add do, but nobody takes them for arguments that are worked out beforehand.
_ALIKE = _Twin("Abs", slice(0, 1), ("alpha", "axis", "opset"))
_ACTIVATION = ("activation", "activation_params", "activation_alpha", "activation_beta", "activation_gamma")
_TWINS = {
    "QLinearAdd": _Twin("Max", slice(0, 6, 3)),
    "QLinearMul": _Twin("Max", slice(0, 6, 3)),
    "QLinearConcat": _Twin("Concat", slice(2, None, 3)),
    "QLinearAveragePool": _Twin("AveragePool", slice(0, 1), ("channels_last",)),
    "QLinearGlobalAveragePool": _Twin("GlobalAveragePool", slice(0, 1), ("channels_last",)),
    "QLinearSigmoid": _ALIKE,
    "QLinearLeakyRelu": _ALIKE,
    "QLinearSoftmax": _ALIKE,
    "QGemm": _Twin("Gemm", slice(0, 6, 3)),
    "FusedConv": _Twin("Conv", slice(0, 3), _ACTIVATION),
    "FusedGemm": _Twin("Gemm", slice(0, 3), _ACTIVATION),
    "DynamicQuantizeMatMul": _Twin("MatMul", slice(0, 2)),
    "MatMulIntegerToFloat": _Twin("MatMul", slice(0, 2)),
    "Gelu": _ALIKE,
    "BiasGelu": _ALIKE,
    "FastGelu": _ALIKE,
    "QuickGelu": _ALIKE,
    "QuantizeLinear": _Twin("QuantizeLinear", slice(0, 3)),
    "DequantizeLinear": _Twin("DequantizeLinear", slice(0, 3)),
}


def has_twin(node: onnx.NodeProto) -> bool:
    """Whether the node is one of onnxruntime's own that has a twin."""
    is_known = node.domain == _DOMAIN and node.op_type in _TWINS
    # Channels last: the twin would read the picture's rows as channels.
    return is_known and not any(one.name == "channels_last" and one.i for one in node.attribute)


def with_twins(nodes: Sequence[onnx.NodeProto]) -> list[onnx.NodeProto]:
    """The nodes, with standard ones in place of those of onnxruntime's that have a twin; for shapes alone."""
    return [_twin(node) if has_twin(node) else node for node in nodes]


def _twin(node: onnx.NodeProto) -> onnx.NodeProto:
    twin = _TWINS[node.op_type]
    made = onnx.NodeProto(name=node.name, op_type=twin.op_type, output=node.output)
    made.input.extend(list(node.input)[twin.inputs])
    made.attribute.extend(one for one in node.attribute if one.name not in twin.dropped)
    return made
