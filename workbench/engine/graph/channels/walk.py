"""Walking a graph once, in the order of running, to find which channels go together."""

from collections.abc import Callable, Mapping
from types import MappingProxyType

import onnx

from workbench.engine.graph.channels import elementwise_rules as elementwise
from workbench.engine.graph.channels import shape_rules as shape
from workbench.engine.graph.channels import weight_rules as weights
from workbench.engine.graph.channels.counted import fix_counted
from workbench.engine.graph.channels.flow import Flow, NotFollowed
from workbench.engine.graph.channels.units import squeezed, varying_axes
from workbench.engine.graph.links import Links
from workbench.engine.graph.opset import opset_of
from workbench.engine.graph.order import bodies, reads_of
from workbench.engine.graph.shapes import infer_shapes, without_weights

Rule = Callable[[onnx.NodeProto, Flow], None]


def _rules() -> Mapping[str, Rule]:
    rules: dict[str, Rule] = dict.fromkeys(elementwise.UNARY, elementwise.unary)
    rules |= dict.fromkeys(elementwise.BROADCASTING, elementwise.broadcasting)
    rules |= dict.fromkeys(("Conv", "ConvTranspose"), weights.conv)
    rules |= dict.fromkeys(("BatchNormalization", "InstanceNormalization"), weights.batch_norm)
    rules |= dict.fromkeys(("LayerNormalization", "RMSNormalization"), weights.layer_norm)
    rules |= dict.fromkeys(("Softmax", "LogSoftmax", "Hardmax"), weights.softmax)
    rules |= dict.fromkeys(("Reshape", "Flatten", "Squeeze", "Unsqueeze"), shape.reshape)
    rules |= dict.fromkeys((
        "MaxPool", "AveragePool", "LpPool", "GlobalAveragePool", "GlobalMaxPool", "GlobalLpPool", "Resize", "Upsample",
    ), shape.spatial)  # fmt: skip
    rules |= dict.fromkeys((
        "ReduceMean", "ReduceSum", "ReduceMax", "ReduceMin", "ReduceProd", "ReduceL1", "ReduceL2", "ReduceLogSum",
        "ReduceLogSumExp", "ReduceSumSquare",
    ), shape.reduce)  # fmt: skip
    rules |= {
        "Gemm": weights.gemm, "MatMul": weights.matmul, "Transpose": shape.transpose, "Concat": shape.concat,
        "Split": shape.split, "Slice": shape.slice_, "Gather": shape.gather, "Pad": shape.pad, "Expand": shape.expand,
        "DepthToSpace": shape.depth_to_space, "SpaceToDepth": shape.space_to_depth,
    }  # fmt: skip
    return MappingProxyType(rules)


_RULES = _rules()
# They read how large a tensor is, not what is in it.
_SHAPE_READERS = ("Shape", "Size")
CONTRADICTION = "the shapes around it do not fit together"


def walk(proto: onnx.ModelProto) -> Flow:
    """Follow the channels of a model through its graph.

    Args:
        proto: nodes in the order of running, constants stored; see `fold_constants`. Not changed.
    """
    graph = proto.graph
    flow = Flow(graph, infer_shapes(without_weights(proto)), Links(graph), opset_of(proto), proto)
    for node in graph.node:
        if node.op_type not in _SHAPE_READERS:
            _step(node, flow)
    flow.units.place = ""
    for info in graph.output:
        if info.name in flow.labels:
            flow.units.fix(flow.labels[info.name], f"they are the model's output {info.name}")
        if flow.is_param(info.name):
            flow.keep_param(info.name, "a parameter is an output of the model")
    _make_rectangular(flow)
    fix_counted(flow)
    # What is fixed by then can leave part of a row free.
    _make_rectangular(flow)
    return flow


def _step(node: onnx.NodeProto, flow: Flow) -> None:
    flow.touched.clear()
    flow.units.place = f"{node.op_type} {node.name or next(filter(None, node.output), '')}"
    is_known = node.domain in ("", "ai.onnx") and next(bodies(node), None) is None
    try:
        (_RULES.get(node.op_type, _unknown) if is_known else _unknown)(node, flow)
    except NotFollowed as problem:
        _stop_at(node, str(problem), flow)
        flow.touched.clear()
    except (IndexError, ValueError):
        # Labels as the rules derive them against shapes as inference does: the model contradicts itself.
        _stop_at(node, CONTRADICTION, flow)
        flow.touched.clear()
    for name in reads_of(node):
        if flow.is_param(name) and name not in flow.touched:
            flow.keep_param(name)


def _unknown(node: onnx.NodeProto, flow: Flow) -> None:
    raise NotFollowed("channels are not followed through it")


def _stop_at(node: onnx.NodeProto, why: str, flow: Flow) -> None:
    """Nothing that the node reads or gives may change."""
    flow.stopped[node.output[0]] = f"{flow.units.place}: {why}"
    for name in (*reads_of(node), *node.output):
        labels = flow.labels.get(name)
        if labels is not None:
            flow.units.fix(labels, why)
    for name in node.output:
        flow.labels.pop(name, None)


def _make_rectangular(flow: Flow) -> None:
    """Where channels lie on several axes of a tensor, whole rows go: what is left must have a shape again."""
    inner = {name for shuffle in flow.shuffles for name in shuffle.inner}
    is_changed = True
    while is_changed:
        is_changed = False
        for name, labels in flow.labels.items():
            if name in inner or len(varying_axes(labels)) < 2:
                continue
            for axis in varying_axes(squeezed(flow.units.resolved(labels)))[:-1]:
                flow.units.join_along(labels, axis)
                is_changed = True
