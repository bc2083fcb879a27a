"""Padding of convolutions in numbers, where a model leaves it to the size of the input."""

from collections.abc import Sequence

import onnx
from onnx import helper

from workbench.engine.graph.shapes import Shape, Shapes, infer_shapes

_CONVS = {"Conv": 1, "QLinearConv": 3}


def write_pads(model: onnx.ModelProto) -> None:
    """Replace `auto_pad = SAME_…` where the sizes are known; the model is changed in place.

    Source: ONNX Conv 11, auto_pad: the output has the size of the input divided by the stride, rounded up.
    """
    wanted = [node for node in model.graph.node if node.op_type in _CONVS and _text(node, "auto_pad")[:4] == "SAME"]
    shapes = infer_shapes(model) if wanted else Shapes({})
    for node in wanted:
        size = shapes.by_name.get(node.input[0])
        kernel = shapes.by_name.get(node.input[_CONVS[node.op_type]])
        if size is None or kernel is None or None in (*size[2:], *kernel[2:]):
            continue
        pads = _pads(node, _known(size[2:]), _known(kernel[2:]))
        kept = [attribute for attribute in node.attribute if attribute.name not in ("auto_pad", "pads")]
        del node.attribute[:]
        node.attribute.extend([*kept, helper.make_attribute("pads", pads)])


def same_pads(
    size: Sequence[int], kernel: Sequence[int], strides: Sequence[int], dilations: Sequence[int], *, upper: bool
) -> list[int]:
    """Padding before each axis, then behind each; what is odd goes behind if `upper`.

    >>> same_pads([224], [3], [2], [1], upper=True), same_pads([7], [4], [1], [1], upper=False)
    ([0, 1], [2, 1])
    """
    less, more = [], []
    for length, taps, stride, step in zip(size, kernel, strides, dilations, strict=True):
        total = max(0, (-(-length // stride) - 1) * stride + (taps - 1) * step + 1 - length)
        less.append(total // 2)
        more.append(total - total // 2)
    return less + more if upper else more + less


def _pads(node: onnx.NodeProto, size: Sequence[int], kernel: Sequence[int]) -> list[int]:
    ones = [1] * len(kernel)
    strides, dilations = _numbers(node, "strides") or ones, _numbers(node, "dilations") or ones
    return same_pads(size, kernel, strides, dilations, upper=_text(node, "auto_pad") == "SAME_UPPER")


def _known(sizes: Shape) -> list[int]:
    return [size for size in sizes if size is not None]


def _text(node: onnx.NodeProto, name: str) -> str:
    return next((attribute.s.decode() for attribute in node.attribute if attribute.name == name), "")


def _numbers(node: onnx.NodeProto, name: str) -> list[int]:
    return next((list(attribute.ints) for attribute in node.attribute if attribute.name == name), [])
