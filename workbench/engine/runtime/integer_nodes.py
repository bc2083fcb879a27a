"""Nodes of a fused graph that multiply unsigned activations with signed weights, and what is needed of them."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import onnx
from onnx import TensorProto, helper, numpy_helper

from workbench.engine.graph.order import bodies
from workbench.engine.runtime.saturating_pairs import SaturatingPairs, saturating_pairs

_TO_UNSIGNED = 128
Array = npt.NDArray[np.generic]


@dataclass(frozen=True, slots=True)
class Places:
    """Where an operator's inputs stand; −1 for those that it does not have."""

    weight: int
    weight_scale: int
    weight_zero: int
    data_scale: int
    data_zero: int
    bias: int = -1
    output_scale: int = -1
    output_zero: int = -1


# Source: ONNX QLinearConv 10, QLinearMatMul 10, MatMulInteger 10; ONNX Runtime's contrib operators.
PLACES: Mapping[str, Places] = {
    "QLinearConv": Places(3, 4, 5, 1, 2, bias=8, output_scale=6, output_zero=7),
    "QLinearMatMul": Places(3, 4, 5, 1, 2, output_scale=6, output_zero=7),
    "QGemm": Places(3, 4, 5, 1, 2, bias=6, output_scale=7, output_zero=8),
    "MatMulInteger": Places(1, -1, 3, -1, 2),
    "MatMulIntegerToFloat": Places(1, 3, 5, 2, 4, bias=6),
    "DynamicQuantizeMatMul": Places(1, 2, 3, -1, -1, bias=4),
}
# These multiply integers as well, but are written by nobody here.
_OTHERS = ("ConvInteger", "QLinearConvTranspose", "QAttention", "DynamicQuantizeLSTM", "QOrderedMatMul")


@dataclass(frozen=True, slots=True, eq=False)
class IntegerNode:
    """One node with int8 weights.

    Args:
        weight: codes as they are stored, int8.
        zero_point: of the weights, int8.
        constants: values of those inputs that are stored, by name.
        pairs: that may saturate.
        obstacle: why the node cannot be computed by other rules; empty if it can.
    """

    proto: onnx.NodeProto
    weight: npt.NDArray[np.int8]
    zero_point: npt.NDArray[np.int8]
    constants: Mapping[str, Array]
    pairs: SaturatingPairs
    obstacle: str

    @property
    def places(self) -> Places:
        """Where its inputs stand."""
        return PLACES[self.proto.op_type]

    @property
    def attributes(self) -> dict[str, object]:
        """Its attributes' values, by name."""
        return _attributes(self.proto)

    @property
    def is_conv(self) -> bool:
        """Whether it is a convolution, with channels on axis 1."""
        return bool(self.proto.op_type == "QLinearConv")

    def input(self, place: int) -> str:
        """The tensor at a place; "" where there is none."""
        return _input(self.proto, place)

    def value(self, place: int) -> Array | None:
        """The stored values at a place; None where there are none."""
        return self.constants.get(self.input(place))

    @property
    def unsigned_weight(self) -> npt.NDArray[np.uint8]:
        """The codes moved by 128."""
        return (self.weight.astype(np.int16) + _TO_UNSIGNED).astype(np.uint8)

    @property
    def unsigned_zero_point(self) -> npt.NDArray[np.uint8]:
        """The zero point that gives the moved codes the same values."""
        return (self.zero_point.astype(np.int16) + _TO_UNSIGNED).astype(np.uint8)


def find_integer_nodes(graph: onnx.GraphProto) -> Iterator[IntegerNode]:
    """The nodes with stored int8 weights that kernels for u8·s8 run, in the graph's order."""
    stored = {tensor.name: tensor for tensor in graph.initializer}
    for proto in graph.node:
        places = PLACES.get(proto.op_type)
        if places is None:
            continue
        weight = stored.get(_input(proto, places.weight))
        if weight is None or weight.data_type != TensorProto.INT8:
            continue
        constants = {name: np.asarray(numpy_helper.to_array(stored[name])) for name in proto.input if name in stored}
        codes = np.asarray(constants[weight.name], np.int8)
        zero = constants.get(_input(proto, places.weight_zero), np.int8(0))
        pairs = saturating_pairs(_as_matrix(proto, codes))
        obstacle = _obstacle(proto, places, constants, stored)
        yield IntegerNode(proto, codes, np.asarray(zero, np.int8), constants, pairs, obstacle)


def unreadable_nodes(graph: onnx.GraphProto) -> Iterator[tuple[str, str]]:
    """Names of nodes that may saturate and of which that cannot be told, each with the reason."""
    signed = {tensor.name for tensor in graph.initializer if tensor.data_type == TensorProto.INT8}
    for proto in graph.node:
        if proto.op_type in _OTHERS and signed & set(proto.input):
            yield proto.name, f"{proto.op_type} is not emulated"
        if any(inner.op_type in PLACES for body in bodies(proto) for inner in body.node):
            yield proto.name, "what is in its body is not emulated"


def num_integer_nodes(graph: onnx.GraphProto) -> int:
    """How many nodes multiply integers, of whatever kind, also in bodies of others."""
    inner = (node for proto in graph.node for body in bodies(proto) for node in body.node)
    known = (*PLACES, *_OTHERS)
    return sum(node.op_type in known for node in (*graph.node, *inner))


def is_depthwise(weight_shape: tuple[int, ...], groups: int) -> bool:
    """Whether a convolution has a filter for each channel alone."""
    return weight_shape[1] == 1 and weight_shape[0] == groups


def _as_matrix(proto: onnx.NodeProto, codes: npt.NDArray[np.int8]) -> npt.NDArray[np.int8]:
    """The weights as a kernel multiplies them, shape (K, N); without rows where no pairs are added."""
    attributes = _attributes(proto)
    if proto.op_type == "QLinearConv":
        if is_depthwise(codes.shape, _whole(attributes.get("group", 1))):
            return codes[:0].reshape(0, 1)
        # From M, C, positions to positions, C, M.
        return np.moveaxis(codes, (0, 1), (-1, -2)).reshape(-1, len(codes))
    if codes.ndim != 2:
        return codes.reshape(-1, codes.shape[-1])
    return codes.T if attributes.get("transB", 0) else codes


def _obstacle(
    proto: onnx.NodeProto, places: Places, constants: Mapping[str, Array], stored: Mapping[str, TensorProto]
) -> str:
    data_zero = constants.get(_input(proto, places.data_zero))
    if data_zero is not None and data_zero.dtype != np.uint8:
        return "its activations are signed in the file"
    if _input(proto, places.weight_zero) and _input(proto, places.weight_zero) not in stored:
        return "the zero point of its weights is computed"
    if proto.op_type.startswith("Q"):
        scales = [_input(proto, place) for place in (places.weight_scale, places.data_scale, places.output_scale)]
        if any(name and name not in stored for name in scales):
            return "its scales are computed"
    if len(stored[_input(proto, places.weight)].dims) != 2 and proto.op_type != "QLinearConv":
        return "its weights are several matrices"
    attributes = _attributes(proto)
    strides = attributes.get("strides")
    has_strides = isinstance(strides, list) and any(stride != 1 for stride in strides)
    if str(attributes.get("auto_pad", "")).startswith("SAME") and has_strides:
        return "its padding follows from the size of what it reads"
    return ""


def _attributes(proto: onnx.NodeProto) -> dict[str, object]:
    values = {attribute.name: helper.get_attribute_value(attribute) for attribute in proto.attribute}
    return {name: value.decode() if isinstance(value, bytes) else value for name, value in values.items()}


def _whole(value: object) -> int:
    assert isinstance(value, int)
    return value


def _input(proto: onnx.NodeProto, place: int) -> str:
    return str(proto.input[place]) if 0 <= place < len(proto.input) else ""
