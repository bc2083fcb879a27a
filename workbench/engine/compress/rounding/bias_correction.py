"""Bias correction: the bias takes back what the weights' error does to the mean of the outputs."""

import numpy as np
import numpy.typing as npt
import onnx
from onnx import helper

from workbench.engine.graph.links import Links

Array = npt.NDArray[np.float32]


def bias_obstacle(node: onnx.NodeProto | None, links: Links) -> str:
    """Why the bias of a layer's node cannot be corrected; empty if it can."""
    if node is None:
        return "the layer is in a body"
    if node.op_type not in ("Conv", "Gemm"):
        return f"that is for Conv and Gemm, not {node.op_type}"
    values = {attribute.name: helper.get_attribute_value(attribute) for attribute in node.attribute}
    if values.get("alpha", 1.0) != 1.0 or values.get("beta", 1.0) != 1.0 or values.get("transA", 0):
        return "a Gemm with alpha or beta other than 1, or transA, is not corrected"
    return "it is not stored but computed" if links.has_computed_bias(node) else ""


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
