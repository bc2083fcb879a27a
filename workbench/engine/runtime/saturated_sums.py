"""One integer layer in plain operators, with sums of pairs that saturate at 16 bits.

The layer's sum is the exact one minus what each pair has too much: max(0, |w₁|·a₁ + |w₂|·a₂ − limit), with the sign of
its weights. Only pairs that can saturate are looked at, which are a few in a hundred. Every number is whole, and
float32 holds whole numbers up to 2²⁴.

Source: of the scales that integers are multiplied with, ONNX Runtime's QLinearConv, QLinearMatMul, QGemm and
MatMulIntegerToFloat; of the rounding, MlasRequantizeOutput.
"""

from collections.abc import Sequence
from itertools import groupby

import numpy as np
import numpy.typing as npt
from onnx import TensorProto

from workbench.engine.runtime.conv_windows import ConvWindows
from workbench.engine.runtime.integer_nodes import IntegerNode
from workbench.engine.runtime.part_of_graph import PartOfGraph
from workbench.engine.runtime.saturating_pairs import HIGHEST_SUM, LOWEST_SUM

# Pairs whose sums are in memory together: each takes as much as a channel of what the layer gives.
_AT_ONCE = 256
_CONV_ATTRIBUTES = ("auto_pad", "dilations", "group", "kernel_shape", "pads", "strides")
Floats = npt.NDArray[np.float32]
Whole = npt.NDArray[np.int64]


def add_saturated_node(part: PartOfGraph, node: IntegerNode, share: str) -> str:
    """Add what takes the node's place; gives `share`, the name of a scalar: the share of outputs with a saturated pair.

    Args:
        part: gets the nodes.
        node: without an obstacle.
        share: name of the scalar.
    """
    data, data_zero, data_scale = _data(part, node)
    exact = _exact_sums(part, node, data, data_zero)
    codes = part.add("Cast", data, to=TensorProto.FLOAT)
    excess = _conv_excess(part, node, codes, data_zero) if node.is_conv else _product_excess(part, node, codes, exact)
    touched = part.add("Abs", part.add("Sign", excess))
    part.add("ReduceMean", touched, output=share, keepdims=0)
    sums = part.add("Sub", exact, part.add("Cast", excess, to=TensorProto.INT32))
    _finish(part, node, sums, data_scale)
    return share


def _data(part: PartOfGraph, node: IntegerNode) -> tuple[str, str, str]:
    """Codes, zero point and scale of what the node reads; the last two are "" where it has none."""
    places, name = node.places, node.input(0)
    if node.proto.op_type == "DynamicQuantizeMatMul":
        codes = part.add("DynamicQuantizeLinear", name)
        scale, zero = f"{codes}.scale", f"{codes}.zero"
        part.nodes[-1].output.extend([scale, zero])
        return codes, zero, scale
    if node.attributes.get("transA", 0):
        name = part.add("Transpose", name, perm=[1, 0])
    return name, node.input(places.data_zero), node.input(places.data_scale)


def _exact_sums(part: PartOfGraph, node: IntegerNode, data: str, data_zero: str) -> str:
    """The sums in 32 bits, by the kernels for unsigned weights."""
    weight = node.unsigned_weight.T if node.attributes.get("transB", 0) else node.unsigned_weight
    if not node.is_conv:
        zeros = part.constant(node.unsigned_zero_point)
        return part.add("MatMulInteger", data, part.constant(weight), data_zero, zeros)
    # A QLinearConv's zero points are all the same, and ConvInteger wants one.
    zero = part.constant(node.unsigned_zero_point.reshape(-1)[0])
    sums = part.add("ConvInteger", data, part.constant(weight), data_zero, zero)
    part.nodes[-1].attribute.extend(item for item in node.proto.attribute if item.name in _CONV_ATTRIBUTES)
    return sums


def _product_excess(part: PartOfGraph, node: IntegerNode, codes: str, exact: str) -> str:
    """What the sums of a matrix product have too much, float32, in the shape of its exact sums."""
    pairs, is_transposed = node.pairs, node.attributes.get("transB", 0)
    num_columns, num_rows = node.weight.shape if is_transposed else node.weight.shape[::-1]
    flat = part.add("Reshape", codes, part.constant(np.array([-1, num_rows], np.int64)))
    # Whole rows are gathered many times faster than single numbers out of rows.
    turned = part.add("Transpose", flat, perm=[1, 0])
    first, second = (part.add("Gather", turned, part.constant(pairs.first + step), axis=0) for step in (0, 1))
    signs, excess = _pairs_excess(part, (first, second), pairs.weights, (len(pairs), 1))
    into = np.zeros((num_columns, len(pairs)), np.float32)
    into[pairs.column, np.arange(len(pairs))] = signs
    by_column = part.add("MatMul", part.constant(into), excess)
    return part.add("Reshape", part.add("Transpose", by_column, perm=[1, 0]), part.add("Shape", exact))


def _conv_excess(part: PartOfGraph, node: IntegerNode, codes: str, data_zero: str) -> str:
    """What the sums of a convolution have too much, float32, in the shape of its result."""
    windows = ConvWindows(node)
    seen = windows.padded(part, codes, data_zero)
    first, second = (windows.taps(node.pairs.first + step, node.pairs.column) for step in (0, 1))
    # Pairs at the same positions of the kernel are taken together.
    order = np.lexsort((second[:, 0], first[:, 0]))
    sums = []
    for start in range(0, len(order), _AT_ONCE):
        rows = order[start : start + _AT_ONCE]
        sums.append(_some_conv_excess(part, node, windows, seen, (first, second), rows))
    return part.add("Sum", *sums) if len(sums) > 1 else sums[0]


def _some_conv_excess(
    part: PartOfGraph,
    node: IntegerNode,
    windows: ConvWindows,
    padded: str,
    taps: tuple[Whole, Whole],
    rows: Whole,
) -> str:
    """The same of some pairs, in the order of the positions of their taps."""
    excesses, signs, columns = [], [], []
    for _, group in groupby(rows, lambda row: (taps[0][row, 0], taps[1][row, 0])):
        some = np.array(list(group))
        operands = [windows.taken(part, padded, tap[some]) for tap in taps]
        sign, excess = _pairs_excess(part, operands, node.pairs.weights[some], (len(some), *[1] * windows.rank))
        excesses.append(excess)
        signs.append(sign)
        columns.append(node.pairs.column[some])
    into = np.zeros((len(node.weight), len(rows)), np.float32)
    into[np.concatenate(columns), np.arange(len(rows))] = np.concatenate(signs)
    together = part.add("Concat", *excesses, axis=1) if len(excesses) > 1 else excesses[0]
    return part.add("Conv", together, part.constant(into.reshape(*into.shape, *[1] * windows.rank)))


def _pairs_excess(
    part: PartOfGraph, operands: Sequence[str], weights: npt.NDArray[np.int32], shape: tuple[int, ...]
) -> tuple[Floats, str]:
    """The pairs' signs, shape (P,), and how far their sums are beyond the limit of that sign; never below 0."""
    signs = np.sign(weights.sum(axis=1)).astype(np.float32)
    magnitudes = np.abs(weights).astype(np.float32)
    products = [
        part.add("Mul", operand, part.constant(magnitudes[:, column].reshape(shape)))
        for column, operand in enumerate(operands)
    ]
    limits = np.where(signs > 0, np.float32(HIGHEST_SUM), np.float32(-LOWEST_SUM)).reshape(shape)
    beyond = part.add("Sub", part.add("Add", *products), part.constant(limits))
    return signs, part.add("Relu", beyond)


def _finish(part: PartOfGraph, node: IntegerNode, sums: str, data_scale: str) -> None:
    """From sums in 32 bits to what the node gives."""
    places, output = node.places, str(node.proto.output[0])
    if node.proto.op_type == "MatMulInteger":
        part.add("Identity", sums, output=output)
        return
    bias = node.input(places.bias)
    if node.input(places.output_scale) or node.proto.op_type.startswith("Q"):
        shape = [-1, *[1] * (node.weight.ndim - 2)] if node.is_conv else [-1]
        if bias:
            sums = part.add("Add", sums, part.add("Reshape", bias, part.constant(np.array(shape, np.int64))))
        scale = part.constant(_result_scale(node).reshape(shape))
        real = part.add("Mul", part.add("Cast", sums, to=TensorProto.FLOAT), scale)
        if node.input(places.output_scale):
            one, zero = part.constant(np.array(1, np.float32)), node.input(places.output_zero)
            part.add("QuantizeLinear", real, one, zero, output=output)
        else:
            part.add("Identity", real, output=output)
        return
    scale = part.add("Mul", data_scale, node.input(places.weight_scale))
    real = part.add("Mul", part.add("Cast", sums, to=TensorProto.FLOAT), scale)
    part.add("Add", real, bias, output=output) if bias else part.add("Identity", real, output=output)


def _result_scale(node: IntegerNode) -> Floats:
    """What sums in 32 bits are multiplied with, shape (N,) or (1,), in the order in which onnxruntime computes it."""
    places = node.places
    data, weight = (
        np.asarray(node.value(place), np.float32).reshape(-1) for place in (places.data_scale, places.weight_scale)
    )
    alpha = node.attributes.get("alpha", 1.0)
    assert isinstance(alpha, float)
    scale = np.float32(alpha) * data * weight
    output = node.value(places.output_scale)
    return scale if output is None else scale / np.asarray(output, np.float32).reshape(-1)
