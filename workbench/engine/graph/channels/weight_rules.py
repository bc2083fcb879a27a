"""Operators with weights: they read some channels and make others."""

import numpy as np
import onnx

from workbench.engine.graph.channels.flow import Flow, GroupedConv, NotFollowed, Producer, attribute, integer
from workbench.engine.graph.channels.units import Labels, on_axis, unlabelled, varying_axes


def conv(node: onnx.NodeProto, flow: Flow) -> None:
    """Conv: weight (C_out, C_in / group, …). ConvTranspose: weight (C_in, C_out / group, …)."""
    weight = _stored_weight(node, flow)
    shape = flow.whole_shape(weight)
    num_groups = integer(node, "group", 1)
    out_axis, in_axis = (1, 0) if node.op_type == "ConvTranspose" else (0, 1)
    num_out = shape[out_axis] * (num_groups if out_axis else 1)
    inputs = flow.vector(node.input[0], 1)
    is_depthwise = num_groups > 1 and num_groups == len(inputs)
    if is_depthwise:
        outputs = np.repeat(inputs, num_out // num_groups)
        if out_axis == 1 and num_out != num_groups:
            flow.units.fix(inputs, "a transposed depthwise convolution gives several channels of each")
        flow.cut_param(weight, 0, outputs if out_axis == 0 else inputs)
    elif num_groups > 1:
        outputs = flow.units.fresh(num_out)
        _cut_blocks(node, inputs.reshape(num_groups, -1), outputs.reshape(num_groups, -1), flow)
    else:
        outputs = flow.units.fresh(num_out)
        flow.cut_param(weight, out_axis, outputs)
        flow.cut_param(weight, in_axis, inputs)
    _give(node, outputs, 1, len(shape), flow, is_depthwise=is_depthwise)


def gemm(node: onnx.NodeProto, flow: Flow) -> None:
    """Y = A B + C with a stored B, shape (K, N), or (N, K) with transB."""
    weight = _stored_weight(node, flow)
    if integer(node, "transA", 0) or flow.is_param(node.input[0]):
        raise NotFollowed("its input is transposed or stored")
    shape = flow.whole_shape(weight)
    out_axis = 0 if integer(node, "transB", 0) else 1
    inputs = flow.vector(node.input[0], 1)
    outputs = flow.units.fresh(shape[out_axis])
    flow.cut_param(weight, out_axis, outputs)
    flow.cut_param(weight, 1 - out_axis, inputs)
    _give(node, outputs, 1, 2, flow)


def matmul(node: onnx.NodeProto, flow: Flow) -> None:
    """A stored matrix makes channels; two computed ones, as in attention, couple theirs."""
    left, right = node.input
    if flow.is_param(right) and len(flow.shape(right)) == 2 and len(flow.shape(left)) >= 2:
        _with_stored(node, 1, flow)
    elif flow.is_param(left) and len(flow.shape(left)) == 2 and len(flow.shape(right)) >= 2:
        _with_stored(node, 0, flow)
    elif flow.is_param(left) or flow.is_param(right):
        raise NotFollowed("what is stored is no matrix, or meets a vector")
    else:
        _refuse_quantized(node, flow)
        _attention(node, flow)


def _with_stored(node: onnx.NodeProto, place: int, flow: Flow) -> None:
    """The stored matrix stands at `place`; its inner axis meets the data's last axis, or last but one."""
    weight, data = node.input[place], node.input[1 - place]
    inner, outer = (0, 1) if place == 1 else (1, 0)
    ndim = len(flow.shape(data))
    axis = ndim - 1 if place == 1 else ndim - 2
    inputs = flow.vector(data, axis)
    outputs = flow.units.fresh(flow.whole_shape(weight)[outer])
    flow.cut_param(weight, outer, outputs)
    flow.cut_param(weight, inner, inputs)
    _give(node, outputs, axis, ndim, flow)


def _attention(node: onnx.NodeProto, flow: Flow) -> None:
    """Products of two computed tensors: whole heads go, along the axes before the last two.

    What is summed over belongs to the head it lies in; where there are no heads, it stays.
    """
    left, right = flow.of(node.input[0]), flow.of(node.input[1])
    ndim = max(left.ndim, right.ndim)
    if min(left.ndim, right.ndim) < 2:
        raise NotFollowed("it multiplies a vector")
    left = left.reshape((1,) * (ndim - left.ndim) + left.shape)
    right = right.reshape((1,) * (ndim - right.ndim) + right.shape)
    for labels in (left, right):
        _couple_heads(labels, flow)
    outer = left.take([0], axis=-1).take([0], axis=-2), right.take([0], axis=-1).take([0], axis=-2)
    on_heads = [labels for labels in outer if varying_axes(labels)]
    if len(on_heads) == 2:
        flow.units.join(*outer, "heads are multiplied with heads that stay")
        flow.heads.extend(outer)
        flow.put(node.output[0], outer[0])
        return
    for labels in (left, right):
        flow.units.fix(labels, "they are multiplied with a tensor that is not divided into heads")
    flow.put(node.output[0], unlabelled(ndim))


def _couple_heads(labels: Labels, flow: Flow) -> None:
    """Everything inside one head goes with it."""
    for axis in (labels.ndim - 1, labels.ndim - 2):
        if labels.shape[axis] > 1:
            if len(varying_axes(labels)) == 1:
                flow.units.fix(labels, "it sums over them in a product of two computed tensors")
            else:
                flow.units.join_along(labels, axis)


def batch_norm(node: onnx.NodeProto, flow: Flow) -> None:
    """BatchNormalization and InstanceNormalization: one of each parameter a channel."""
    if integer(node, "training_mode", 0) or [name for name in node.output[1:] if name]:
        raise NotFollowed("it is in training mode")
    if not all(flow.is_param(name) for name in node.input[1:]):
        raise NotFollowed("its parameters are computed while the model runs")
    vector = flow.vector(node.input[0], 1)
    for name in node.input[1:]:
        flow.cut_param(name, 0, vector)
    flow.put(node.output[0], flow.of(node.input[0]))


def layer_norm(node: onnx.NodeProto, flow: Flow) -> None:
    """Every channel of what is normalized changes the mean and variance of the others."""
    labels = flow.of(node.input[0])
    axis = integer(node, "axis", -1) % labels.ndim
    if any(node.output[1:]):
        raise NotFollowed("it gives mean and variance, too")
    _fix_from(labels, axis, "it takes mean and variance over the channels", flow)
    flow.put(node.output[0], labels)


def softmax(node: onnx.NodeProto, flow: Flow) -> None:
    """Softmax, LogSoftmax, Hardmax: every entry changes the others; before opset 13 over all later axes."""
    labels = flow.of(node.input[0])
    given = attribute(node, "axis")
    axis = (int(given) if isinstance(given, int) else (1 if flow.opset < 13 else -1)) % max(1, labels.ndim)
    axes = range(axis, labels.ndim) if flow.opset < 13 else (axis,)
    if any(labels.shape[one] > 1 for one in axes):
        flow.units.fix(labels, "it is taken over the channels")
    flow.put(node.output[0], labels)


def _fix_from(labels: Labels, axis: int, why: str, flow: Flow) -> None:
    if any(labels.shape[one] > 1 for one in range(axis, labels.ndim)):
        flow.units.fix(labels, why)


def _stored_weight(node: onnx.NodeProto, flow: Flow) -> str:
    """Name of the node's weight. Raises NotFollowed unless it and the bias are stored."""
    if not flow.is_param(node.input[1]):
        _refuse_quantized(node, flow)
        raise NotFollowed("its weights are computed while the model runs")
    if len(node.input) > 2 and node.input[2] and not flow.is_param(node.input[2]):
        raise NotFollowed("its bias is computed while the model runs")
    return str(node.input[1])


def _refuse_quantized(node: onnx.NodeProto, flow: Flow) -> None:
    """Raises NotFollowed if a matrix or filter that the node reads is stored as integers."""
    for name in node.input[:2]:
        source = flow.links.producer(name)
        if source is not None and source.op_type == "DequantizeLinear" and flow.is_param(source.input[0]):
            raise NotFollowed("its weights are quantized already")


def _cut_blocks(node: onnx.NodeProto, inputs: Labels, outputs: Labels, flow: Flow) -> None:
    """Both axes are cut block by block: each must keep as many channels as the others."""
    weight = node.input[1]
    if len(flow.links.readers(weight)) > 1:
        raise NotFollowed("its weights are shared")
    flow.cut_param(weight, 0, (inputs if node.op_type == "ConvTranspose" else outputs).reshape(-1))
    flow.grouped.append(GroupedConv(node.output[0], inputs, outputs))


def _give(
    node: onnx.NodeProto, outputs: Labels, axis: int, ndim: int, flow: Flow, *, is_depthwise: bool = False
) -> None:
    """The node's output, along one of its axes, and its bias are labelled by what it makes."""
    flow.producers.append(Producer(node.output[0], node.op_type, outputs, is_depthwise, axis - ndim))
    flow.put(node.output[0], on_axis(outputs, axis, ndim))
    if len(node.input) > 2 and node.input[2]:
        shape = flow.whole_shape(node.input[2])
        if shape and shape[-1] == len(outputs) and len(outputs) > 1:
            flow.cut_param(node.input[2], len(shape) - 1, outputs)
