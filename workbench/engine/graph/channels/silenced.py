"""The whole graph with some channels held at zero: what the graph without them has to compute."""

from collections.abc import Collection, Mapping

import numpy as np
import numpy.typing as npt
import onnx
from onnx import TensorProto, helper, numpy_helper, shape_inference

from workbench.engine.graph.channels.cut import Cut
from workbench.engine.graph.channels.flow import Flow
from workbench.engine.graph.opset import CONSTANT_INITIALIZERS_IR
from workbench.engine.graph.shapes import without_weights

_FLOATS = frozenset((TensorProto.FLOAT, TensorProto.FLOAT16, TensorProto.DOUBLE, TensorProto.BFLOAT16))
_FIRST_WITH_WHERE = 9


def silence_channels(flow: Flow, gone: Collection[int]) -> onnx.ModelProto:
    """A model of the same shapes in which every tensor is zero at the channels that go, wherever it is read.

    Nothing is cut and no argument is touched, so that comparing with it proves both. Before opset 9, which has no
    Where, tensors are multiplied by zeros instead: there a channel that is infinite or NaN without its inputs stays so.

    Args:
        flow: of the model; its graph stays as it is.
        gone: units as `Units.resolved` gives them.
    """
    cut = Cut(flow, gone)
    proto = onnx.ModelProto()
    proto.CopyFrom(flow.proto)
    # The masks are constants that are no inputs.
    proto.ir_version = max(proto.ir_version, CONSTANT_INITIALIZERS_IR)
    graph = proto.graph
    inner = {name for shuffle in flow.shuffles for name in shuffle.inner}
    types = _element_types(flow)
    nodes = []
    for node in flow.graph.node:
        copy = onnx.NodeProto()
        copy.CopyFrom(node)
        nodes.append(copy)
        for place, name in enumerate(node.output):
            labels = flow.labels.get(name)
            if labels is None or name in inner or cut.kept(labels).all():
                continue
            # Truth values and places are zero nowhere; what is made of them is silenced again.
            if types.get(name, TensorProto.FLOAT) not in _FLOATS:
                continue
            if labels.shape[0] > 1 and cut.grows_with_batch(name):
                # The batch shares this axis, so that a mask would fit one batch only; around it all is silenced.
                continue
            copy.output[place] = f"{name}_before_silence"
            tensors, silencing = _silencing(name, cut.kept(labels), types.get(name, TensorProto.FLOAT), flow.opset)
            graph.initializer.extend(tensors)
            nodes.append(silencing)
    del graph.node[:]
    graph.node.extend(nodes)
    del graph.value_info[:]
    return proto


def _silencing(
    name: str, kept: npt.NDArray[np.bool_], dtype: int, opset: int
) -> tuple[list[onnx.TensorProto], onnx.NodeProto]:
    """The node that lets through what is kept, and its constants."""
    before, mask, zero = f"{name}_before_silence", f"{name}_kept", f"{name}_zero"
    if opset < _FIRST_WITH_WHERE:
        factors = helper.make_tensor(mask, dtype, kept.shape, kept.astype(np.float32).ravel())
        return [factors], helper.make_node("Mul", [before, mask], [name])
    tensors = [numpy_helper.from_array(kept.copy(), mask), helper.make_tensor(zero, dtype, [], [0.0])]
    return tensors, helper.make_node("Where", [mask, before, zero], [name])


def _element_types(flow: Flow) -> Mapping[str, int]:
    """Element types of the tensors between nodes, as far as they can be inferred."""
    try:
        model = shape_inference.infer_shapes(without_weights(flow.proto))
    except Exception:
        # Shapes that contradict one another: whoever runs the model will say so.
        return {}
    return {info.name: info.type.tensor_type.elem_type for info in (*model.graph.value_info, *model.graph.output)}
