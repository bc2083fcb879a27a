"""Operators that combine tensors entry by entry, broadcasting them: channels at the same place go together."""

import numpy as np
import onnx

from workbench.engine.graph.channels.flow import Flow, NotFollowed, attribute
from workbench.engine.graph.channels.units import Labels, squeezed, varying_axes

UNARY = frozenset((
    "Relu", "LeakyRelu", "Elu", "Selu", "Celu", "ThresholdedRelu", "Sigmoid", "HardSigmoid", "HardSwish", "Tanh",
    "Softplus", "Softsign", "Mish", "Gelu", "Swish", "Erf", "Exp", "Log", "Sqrt", "Reciprocal", "Abs", "Neg", "Sign",
    "Floor", "Ceil", "Round", "Sin", "Cos", "Tan", "Not", "Identity", "Dropout", "Cast", "Clip", "Shrink", "IsNaN",
    "IsInf", "Atan", "Asin", "Acos", "Sinh", "Cosh", "CastLike",
))  # fmt: skip
BROADCASTING = frozenset((
    "Add", "Sub", "Mul", "Div", "Pow", "Min", "Max", "Sum", "Mean", "Where", "PRelu", "Mod", "And", "Or", "Xor",
    "Equal", "Greater", "Less", "GreaterOrEqual", "LessOrEqual",
))  # fmt: skip


def unary(node: onnx.NodeProto, flow: Flow) -> None:
    """What goes in comes out in the same place; Clip's limits and Dropout's ratio are scalars."""
    labels = flow.of(node.input[0])
    for name in node.output:
        if name:
            flow.put(name, labels)


def broadcasting(node: onnx.NodeProto, flow: Flow) -> None:
    """Inputs are joined where they meet; a stored input is cut as its channels are."""
    if attribute(node, "broadcast") is not None:
        raise NotFollowed("it broadcasts in the way of opsets before 7")
    names = [name for name in node.input if name]
    ndim = max(len(flow.shape(name)) for name in names)
    moving = [name for name in dict.fromkeys(names) if not flow.is_param(name)]
    joined = _joined(moving, ndim, flow)
    for name in dict.fromkeys(names):
        if flow.is_param(name) and joined is not None:
            _cut_param(name, joined, flow)
    if joined is not None:
        flow.put(node.output[0], joined)


def _joined(names: list[str], ndim: int, flow: Flow) -> Labels | None:
    """Labels of the result; all channels that meet are one from now on."""
    aligned = [_aligned(flow.of(name), ndim) for name in names]
    axes = {axis for labels in aligned for axis in varying_axes(labels)}
    joined: Labels | None = None
    for name, labels in zip(names, aligned, strict=True):
        sizes = (1,) * (ndim - len(flow.shape(name))) + flow.shape(name)
        for axis in axes:
            if labels.shape[axis] == 1 and sizes[axis] != 1:
                _fix_on(aligned, "they are combined with a tensor whose channels all stay", flow)
        spans = any(sizes[axis] != 1 for axis in axes)
        if not spans:
            continue
        if joined is None:
            joined = labels
        else:
            flow.units.join(joined, labels, "they are combined with channels that stay")
            # The one that varies along more axes tells more.
            joined = squeezed(np.maximum(*np.broadcast_arrays(joined, labels)))
    return joined if joined is not None else (aligned[0] if aligned else None)


def _fix_on(arrays: list[Labels], why: str, flow: Flow) -> None:
    for labels in arrays:
        if varying_axes(labels):
            flow.units.fix(labels, why)


def _cut_param(name: str, labels: Labels, flow: Flow) -> None:
    shape = flow.shape(name)
    if len(shape) > labels.ndim:
        raise NotFollowed("a stored tensor has more axes than what it is combined with")
    padded = (1,) * (labels.ndim - len(shape)) + shape
    covered = [axis for axis in varying_axes(labels) if padded[axis] != 1]
    if not covered:
        return
    own = labels
    for axis in varying_axes(labels):
        if axis != covered[-1]:
            # A stored tensor is cut along one axis; along the others its channels go together.
            flow.units.join_along(own, axis)
            own = own.take([0], axis=axis)
    flow.cut_param(name, covered[-1] - (labels.ndim - len(shape)), own.reshape(-1))


def _aligned(labels: Labels, ndim: int) -> Labels:
    return labels.reshape((1,) * (ndim - labels.ndim) + labels.shape)
