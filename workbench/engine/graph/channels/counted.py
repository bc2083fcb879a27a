"""Where a model computes with the number of its own channels, as exporters do to find the sizes of a Reshape."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import onnx

from workbench.engine.graph.channels.flow import Flow, NotFollowed, integer, integers_of
from workbench.engine.graph.channels.units import Labels, squeezed, varying_axes
from workbench.engine.graph.node_value import node_value
from workbench.engine.graph.order import reads_of

# They move sizes about, or round and convert them.
_MOVING = frozenset((
    "Gather", "Slice", "Concat", "Unsqueeze", "Squeeze", "Reshape", "Cast", "Identity", "Transpose", "Flatten",
))  # fmt: skip
_ARITHMETIC = frozenset(("Add", "Sub", "Mul", "Div", "Mod", "Min", "Max", "Floor", "Ceil", "Neg", "Abs"))
# Places of inputs that say how large something has to be; cutting channels adjusts them, or they adjust by themselves.
_SIZES = {"Reshape": (1,), "Expand": (1,), "Resize": (3,), "Slice": (1, 2)}


@dataclass(frozen=True, slots=True, eq=False)
class _Counted:
    """A small tensor computed from sizes.

    Args:
        depends: which of its entries change when channels go; shape as the tensor.
        sources: labels of the channels that are counted.
        is_reckoned: whether it was computed with.
    """

    depends: npt.NDArray[np.bool_]
    sources: tuple[Labels, ...]
    is_reckoned: bool = False


def fix_counted(flow: Flow) -> None:
    """Fix channels whose number decides more than the sizes of what is made of them."""
    known: dict[str, _Counted] = {}
    for node in flow.graph.node:
        is_source = node.op_type in ("Shape", "Size")
        counted = _of_shape(node, flow) if is_source else _of_node(node, known, flow)
        if counted is not None and counted.depends.any():
            known[node.output[0]] = counted
    for info in flow.graph.output:
        if info.name in known:
            _fix(known[info.name].sources, f"their number is the model's output {info.name}", flow)


def _of_shape(node: onnx.NodeProto, flow: Flow) -> _Counted | None:
    labels = flow.labels.get(node.input[0])
    if labels is None or flow.units.is_fixed(labels).all():
        return None
    # Of a head that goes as a whole, the number of channels does not change.
    labels = squeezed(flow.units.resolved(labels))
    if node.op_type == "Size":
        return _Counted(np.array(True), (labels,), is_reckoned=True)
    depends = np.array([size > 1 for size in labels.shape], np.bool_)
    ends = integer(node, "end", labels.ndim)
    return _Counted(depends[integer(node, "start", 0) : ends], (labels,))


def _of_node(node: onnx.NodeProto, known: dict[str, _Counted], flow: Flow) -> _Counted | None:
    read = [name for name in reads_of(node) if name in known]
    if not read:
        return None
    found = [known[name] for name in read]
    sources = tuple(labels for counted in found for labels in counted.sources)
    is_reckoned = any(counted.is_reckoned for counted in found)
    if (node.op_type in _MOVING and node.input[0] in known) or node.op_type == "Concat":
        depends = _moved(node, known, flow)
        if depends is not None:
            return _Counted(depends, sources, is_reckoned)
    elif node.op_type in _ARITHMETIC:
        depends = _combined(node, known, flow)
        if depends is not None:
            return _Counted(depends, sources, is_reckoned=True)
    elif set(read) <= set(node.input) and all(
        _is_size(node, place, known[name], flow) for place, name in enumerate(node.input) if name in known
    ):
        return None
    _fix(sources, f"{node.op_type} {node.name or node.output[0]}: it computes with their number", flow)
    return None


def _moved(node: onnx.NodeProto, known: dict[str, _Counted], flow: Flow) -> npt.NDArray[np.bool_] | None:
    """Where the entries go; None if that is not known."""
    values: dict[str, npt.NDArray[np.generic]] = {}
    for place, name in enumerate(node.input):
        is_data = place == 0 or node.op_type == "Concat"
        if name in known:
            if not is_data:
                return None
            values[name] = known[name].depends.astype(np.int64)
        elif name and is_data:
            shape = flow.shapes.by_name.get(name)
            if shape is None or None in shape:
                return None
            values[name] = np.zeros([size or 0 for size in shape], np.int64)
        elif name:
            value = flow.value(name)
            if value is None:
                return None
            values[name] = value
    result = node_value(node, values, flow.opset)
    return None if result is None else np.asarray(result != 0)


def _combined(node: onnx.NodeProto, known: dict[str, _Counted], flow: Flow) -> npt.NDArray[np.bool_] | None:
    masks = []
    for name in node.input:
        shape = flow.shapes.by_name.get(name)
        if name in known:
            masks.append(known[name].depends)
        elif shape is None or None in shape or len(shape) > 1:
            # More than sizes: a tensor of the model is computed with them.
            return None
        else:
            masks.append(np.zeros([size or 0 for size in shape], np.bool_))
    try:
        return np.asarray(np.logical_or.reduce(np.broadcast_arrays(*masks)))
    except ValueError:
        return None


def _is_size(node: onnx.NodeProto, place: int, counted: _Counted, flow: Flow) -> bool:
    """Whether an input only says how large is what the node makes of channels that are followed."""
    labels = flow.labels.get(node.output[0])
    if place not in _SIZES.get(node.op_type, ()) or node.domain not in ("", "ai.onnx") or labels is None:
        return False
    if counted.is_reckoned and flow.value(node.input[place]) is None:
        return False
    places = np.flatnonzero(counted.depends).tolist()
    if node.op_type == "Slice":
        axes = _sliced_axes(node, counted.depends.size, flow)
        return axes is not None and all(axes[one] in varying_axes(flow.of(node.input[0])) for one in places)
    # The sizes asked for are those of the last axes.
    first = labels.ndim - counted.depends.size
    return all(labels.shape[first + one] > 1 for one in places)


def _sliced_axes(node: onnx.NodeProto, count: int, flow: Flow) -> Sequence[int] | None:
    ndim = flow.of(node.input[0]).ndim
    if len(node.input) < 4 or not node.input[3]:
        return integers_of(node, "axes") or range(count)
    try:
        return [axis % ndim for axis in flow.integers(node.input[3])]
    except NotFollowed:
        return None


def _fix(sources: Sequence[Labels], why: str, flow: Flow) -> None:
    for labels in sources:
        flow.units.fix(labels, why)
