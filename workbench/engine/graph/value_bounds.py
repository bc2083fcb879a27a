"""How large what a node makes of constants can be, known before it is made: a file may ask for terabytes."""

import math
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import onnx

Value = npt.NDArray[np.generic]


def most_entries(node: onnx.NodeProto, inputs: Sequence[Value]) -> int:
    """An upper bound for the number of entries of a node's output.

    Args:
        node: of the default domain; an operator that moves entries, combines them one by one, or is named below.
        inputs: the values that it reads, in order; what is left out is left out here, too.

    >>> node = onnx.helper.make_node("Tile", ["a", "repeats"], ["b"])
    >>> most_entries(node, [np.zeros((2, 3)), np.array([2, 10])])
    120
    """
    if not inputs:
        return sum(math.prod(attribute.t.dims) for attribute in node.attribute)
    first, last = inputs[0], inputs[-1]
    match node.op_type:
        case "ConstantOfShape":
            return _product(first)
        case "Tile":
            return first.size * _product(last)
        case "Expand":
            return _broadcast([first.shape, _sizes(last)])
        case "Range":
            return _steps(*(float(value) for value in inputs))
        case "OneHot":
            return first.size * _product(inputs[1])
        case "Pad":
            pads = next((list(item.ints) for item in node.attribute if item.name == "pads"), None)
            extra = sum(abs(pad) for pad in (pads if pads is not None else _sizes(inputs[1])))
            return math.prod(size + extra for size in first.shape)
        case "MatMul" | "Gemm" | "Einsum" | "GatherND":
            return math.prod(value.size for value in inputs[:2]) // max(1, _summed(node, inputs))
        case "Gather":
            axis = next((int(item.i) for item in node.attribute if item.name == "axis"), 0)
            return int(inputs[1].size) * int(first.size) // max(1, int(first.shape[axis]))
    shapes = [value.shape for value in inputs]
    try:
        return _broadcast(shapes)
    except ValueError:
        return sum(math.prod(shape) for shape in shapes)


def _summed(node: onnx.NodeProto, inputs: Sequence[Value]) -> int:
    """By how much a product of two matrices is smaller than all pairs of their entries."""
    left, right = inputs[0], inputs[1]
    if node.op_type == "MatMul" and left.ndim and right.ndim:
        return int(left.shape[-1]) ** 2
    if node.op_type == "Gemm" and left.ndim == 2:
        is_turned = any(item.name == "transA" and item.i for item in node.attribute)
        return int(left.shape[0 if is_turned else 1]) ** 2
    return 1


def _steps(start: float, limit: float, step: float) -> int:
    if step == 0 or not all(map(math.isfinite, (start, limit, step))):
        return 0
    return max(0, math.ceil((limit - start) / step))


def _sizes(value: Value) -> list[int]:
    return [int(size) for size in np.ravel(value)]


def _product(value: Value) -> int:
    return math.prod(abs(size) for size in _sizes(value))


def _broadcast(shapes: Sequence[Sequence[int]]) -> int:
    """Entries of what shapes broadcast to; Python's integers do not overflow. Raises ValueError if they do not fit."""
    ndim = max(len(shape) for shape in shapes)
    padded = [(1,) * (ndim - len(shape)) + tuple(shape) for shape in shapes]
    total = 1
    for sizes in zip(*padded, strict=True):
        others = {size for size in sizes if size != 1}
        if len(others) > 1:
            raise ValueError("shapes do not broadcast")
        total *= abs(next(iter(others), 1))
    return total
