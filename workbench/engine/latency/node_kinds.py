"""Which operators of ONNX cost alike, and which cost nothing."""

import onnx

from workbench.engine.graph.links import Links
from workbench.engine.graph.shapes import Shapes
from workbench.engine.latency.operator import Kind

WEIGHTED_TYPES = frozenset((
    "Conv", "ConvTranspose", "QLinearConv", "ConvInteger", "FusedConv", "NhwcFusedConv", "Gemm", "MatMul", "FusedGemm",
    "FusedMatMul", "QLinearMatMul", "MatMulInteger", "QGemm", "MatMulNBits", "DynamicQuantizeMatMul",
    "MatMulIntegerToFloat",
))  # fmt: skip
# Runtimes give the same memory another shape, or fold these when they load.
FREE = frozenset((
    "Reshape", "Flatten", "Squeeze", "Unsqueeze", "Identity", "Dropout", "Cast", "CastLike", "Shape", "Size",
    "Constant", "ConstantOfShape", "QuantizeLinear", "DequantizeLinear", "DynamicQuantizeLinear", "Range",
))  # fmt: skip

_CLASSES = {
    Kind.POOL: ("MaxPool", "AveragePool", "LpPool", "QLinearAveragePool"),
    Kind.GLOBAL_POOL: ("GlobalAveragePool", "GlobalMaxPool", "QLinearGlobalAveragePool"),
    Kind.MOVE: (
        "Concat", "Split", "Slice", "Transpose", "Gather", "GatherElements", "GatherND", "ScatterND", "Expand", "Tile",
        "Pad", "Resize", "Upsample", "DepthToSpace", "SpaceToDepth", "QLinearConcat", "Where", "Trilu",
    ),
    Kind.EXPONENTIAL: ("Sigmoid", "Swish", "QuickGelu", "Exp", "Log", "Tanh", "Softplus", "Mish", "Elu", "Selu",
                       "QLinearSigmoid"),
    Kind.NORM: (
        "Softmax", "LogSoftmax", "LayerNormalization", "InstanceNormalization", "GroupNormalization", "Gelu", "Erf",
        "RMSNormalization", "LpNormalization", "SkipLayerNormalization", "BiasGelu", "FastGelu",
    ),
    Kind.REDUCTION: (
        "LRN", "ReduceSum", "ReduceMax", "ReduceMin", "ReduceProd", "ReduceL1", "ReduceL2", "ArgMax", "ArgMin", "TopK",
        "NonMaxSuppression", "CumSum",
    ),
    Kind.ELEMENTWISE: (
        "Add", "Sub", "Mul", "Div", "Sum", "Mean", "Max", "Min", "Relu", "Clip", "LeakyRelu", "PRelu", "HardSigmoid",
        "HardSwish", "ThresholdedRelu", "BatchNormalization", "Neg", "Abs", "Sqrt", "Pow", "Reciprocal", "Sign",
        "Floor", "Ceil", "Round", "Equal", "Greater", "Less", "Not", "And", "Or", "QLinearAdd", "QLinearMul",
        "QLinearLeakyRelu",
    ),
}  # fmt: skip
_BY_TYPE = {name: kind for kind, names in _CLASSES.items() for name in names}
_SPATIAL = ((2, 3), (-2, -1))


def kind_of(node: onnx.NodeProto, links: Links, shapes: Shapes) -> Kind | None:
    """What costs like the node; None if nothing that was measured does."""
    if node.op_type in WEIGHTED_TYPES:
        is_product = "MatMul" in node.op_type and not any(links.is_constant(name) for name in node.input if name)
        return Kind.ATTENTION if is_product else Kind.CONV
    if node.op_type == "ReduceMean":
        return Kind.GLOBAL_POOL if _axes(node, shapes) in _SPATIAL else Kind.REDUCTION
    return _BY_TYPE.get(node.op_type)


def _axes(node: onnx.NodeProto, shapes: Shapes) -> tuple[int, ...]:
    given = next((tuple(int(axis) for axis in one.ints) for one in node.attribute if one.name == "axes"), None)
    if given is None and len(node.input) > 1:
        values = shapes.constants.get(node.input[1])
        given = tuple(int(axis) for axis in values.ravel()) if values is not None else ()
    return tuple(sorted(given or ()))
