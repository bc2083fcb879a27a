"""Bias correction: the bias takes back what the weights' error does to the mean of the outputs."""

import numpy as np
import numpy.typing as npt
import onnx

from workbench.engine.compress.rounding.output_problem import geometry_of
from workbench.engine.core.layer import Layer
from workbench.engine.graph.links import Links

Array = npt.NDArray[np.float32]
_WITH_BIAS = ("Conv", "Gemm")


def computed_bias(node: onnx.NodeProto, links: Links) -> str:
    """Why another bias cannot be put in the place of the node's; empty if it can."""
    if node.op_type not in _WITH_BIAS or len(node.input) < 3 or not node.input[2] or links.is_constant(node.input[2]):
        return ""
    return "it is computed while the model runs"


def bias_obstacle(node: onnx.NodeProto, layer: Layer, links: Links) -> str:
    """Why a layer's bias cannot be corrected; empty if it can."""
    if node.op_type not in _WITH_BIAS:
        return f"{node.op_type} has none"
    if layer.weight_name not in list(node.input)[1:2]:
        return "the layer's weights stand on the left"
    if node.op_type == "Gemm" and geometry_of(node, layer.weight_shape) is None:
        return "that of a Gemm with alpha, beta or transA is not found"
    return computed_bias(node, links)


def corrected_bias(bias: Array | None, error: Array, input_mean: Array, axis: int) -> Array:
    """The bias with which the mean output is that of the float weights.

    The mean output of a layer is linear in the mean of its input, so an error of the weights moves it by the error
    times that mean. Zeros that a convolution pads with are not counted.

    Args:
        bias: shape (C,); None for zero.
        error: quantized less float weights: (C, I/groups, …) for axis 0, (I, C) for axis 1.
        input_mean: of each input channel, shape (I,).
        axis: of the output channels.

    Returns:
        Shape (C,).

    Source: Nagel et al. 2019 (arXiv:1906.04721), section 4.2, eq. 14 to 16, with means from samples.
    """
    summed = error.reshape(*error.shape[:2], -1).sum(axis=2)
    by_input = summed.T if axis else summed
    num_outputs, per_group = by_input.shape
    groups = max(1, len(input_mean) // per_group)
    means = np.repeat(input_mean.reshape(groups, per_group), num_outputs // groups, axis=0)
    moved = np.einsum("oi,oi->o", by_input, means)
    return np.asarray((0.0 if bias is None else bias) - moved, np.float32)
