"""The whole graph with some channels held at zero: what the graph without them has to compute."""

from collections.abc import Collection

import onnx
from onnx import TensorProto, helper, numpy_helper

from workbench.engine.graph.channels.cut import Cut
from workbench.engine.graph.channels.flow import Flow

# What they give are truth values.
_LOGICAL = frozenset((
    "Equal", "Greater", "Less", "GreaterOrEqual", "LessOrEqual", "And", "Or", "Xor", "Not", "IsNaN", "IsInf",
))  # fmt: skip


def silence_channels(flow: Flow, gone: Collection[int]) -> onnx.ModelProto:
    """A model of the same shapes in which every tensor is zero at the channels that go, wherever it is read.

    Nothing is cut and no argument is touched, so that comparing with it proves both.

    Args:
        flow: of the model; its graph stays as it is.
        gone: units as `Units.resolved` gives them.
    """
    cut = Cut(flow, gone)
    proto = onnx.ModelProto()
    proto.CopyFrom(flow.proto)
    graph = proto.graph
    inner = {name for shuffle in flow.shuffles for name in shuffle.inner}
    dtype = _float_type(graph)
    nodes = []
    for node in flow.graph.node:
        copy = onnx.NodeProto()
        copy.CopyFrom(node)
        nodes.append(copy)
        for place, name in enumerate(node.output):
            labels = flow.labels.get(name)
            if labels is None or name in inner or node.op_type in _LOGICAL or cut.kept(labels).all():
                continue
            if labels.shape[0] > 1:
                # The batch shares this axis, so that a mask would fit one batch only; around it all is silenced.
                continue
            copy.output[place] = f"{name}_before_silence"
            mask, zero = f"{name}_kept", f"{name}_zero"
            graph.initializer.append(numpy_helper.from_array(cut.kept(labels).copy(), mask))
            graph.initializer.append(helper.make_tensor(zero, dtype, [], [0.0]))
            nodes.append(helper.make_node("Where", [mask, copy.output[place], zero], [name]))
    del graph.node[:]
    graph.node.extend(nodes)
    del graph.value_info[:]
    return proto


def _float_type(graph: onnx.GraphProto) -> int:
    types = [tensor.data_type for tensor in graph.initializer if len(tensor.dims) > 1]
    other = (TensorProto.FLOAT16, TensorProto.DOUBLE)
    return next((int(found) for found in types if found in other), int(TensorProto.FLOAT))
