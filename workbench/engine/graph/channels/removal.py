"""The graph without some of its channels: parameters cut, arguments adjusted, everything else as it was."""

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import onnx
from onnx import helper, numpy_helper

from workbench.engine.core.errors import ModelError
from workbench.engine.graph.channels import argument_edits as edits
from workbench.engine.graph.channels.cut import Cut
from workbench.engine.graph.channels.flow import Flow, GroupedConv
from workbench.engine.graph.channels.units import Labels
from workbench.engine.graph.node_copy import node_copy
from workbench.engine.graph.opset import CONSTANT_INITIALIZERS_IR
from workbench.engine.graph.order import reads_of
from workbench.engine.graph.shapes import infer_shapes, without_weights

# A place in the order that a Gather reads.
_PLACE_BYTES = 8


def remove_channels(flow: Flow, gone: Collection[int]) -> onnx.ModelProto:
    """A new model without the units that go.

    Args:
        flow: of the model; its graph stays as it is.
        gone: units as `Units.resolved` gives them.

    Raises:
        ModelError: a tensor would be left without channels, or blocks of a convolution with unequal numbers; or what is
            left does not fit together, such as where a size is computed while the model runs.
    """
    cut = Cut(flow, gone)
    _check_choice(cut, flow)
    proto = _copy_without_data(flow.proto)
    graph = proto.graph
    del graph.value_info[:]
    reordered = _reordered(cut, flow)
    nodes = []
    for node in flow.graph.node:
        nodes += reordered[node.output[0]] if node.output[0] in reordered else [_edited(node, cut)]
    del graph.node[:]
    graph.node.extend(nodes)
    graph.initializer.extend(cut.new_tensors)
    _add_parameters(graph, cut, flow)
    _drop_listed_initializers(proto, flow)
    _check(proto, cut, flow)
    return proto


def _check_choice(cut: Cut, flow: Flow) -> None:
    """Whoever chose the units has to see to it; see `needed_units` and `UnitGroup.partitions`."""
    for name, labels in flow.labels.items():
        if not cut.kept(labels).any():
            raise ModelError(f"{name} would be left without channels", "let one of them stay")
    for conv in flow.grouped:
        for blocks in (conv.inputs, conv.outputs):
            if len(set(cut.kept(blocks).sum(axis=1).tolist())) > 1:
                raise ModelError(
                    f"{conv.node_output}: the blocks of its convolution would be left with unequal numbers of channels",
                    "let equally many of each block stay",
                )


def _copy_without_data(proto: onnx.ModelProto) -> onnx.ModelProto:
    copy = onnx.ModelProto()
    copy.CopyFrom(without_weights(proto))
    for name in ("producer_name", "producer_version", "domain", "model_version", "doc_string"):
        setattr(copy, name, getattr(proto, name))
    copy.metadata_props.extend(proto.metadata_props)
    copy.functions.extend(proto.functions)
    copy.graph.name = proto.graph.name
    copy.graph.doc_string = proto.graph.doc_string
    del copy.graph.initializer[:]
    copy.graph.sparse_initializer.extend(proto.graph.sparse_initializer)
    return copy


def _add_parameters(graph: onnx.GraphProto, cut: Cut, flow: Flow) -> None:
    """Those that are read still, cut where their channels are."""
    read = {name for node in graph.node for name in reads_of(node)} | {info.name for info in graph.output}
    for tensor in flow.graph.initializer:
        if tensor.name not in read:
            continue
        array = left_values(tensor, cut, flow)
        if array is None:
            graph.initializer.append(tensor)
            continue
        new = numpy_helper.from_array(np.ascontiguousarray(array), tensor.name)
        new.doc_string = tensor.doc_string
        graph.initializer.append(new)


def left_values(tensor: onnx.TensorProto, cut: Cut, flow: Flow) -> npt.NDArray[np.generic] | None:
    """What is left of a stored tensor; None where nothing of it goes."""
    axes = {axis: cut.kept(vector) for axis, vector in flow.params.get(tensor.name, {}).items()}
    conv = next((conv for conv in flow.grouped if _weight_of(conv, flow) == tensor.name), None)
    if conv is not None:
        return _cut_blocks(numpy_helper.to_array(tensor), conv, cut, flow)
    if all(bool(kept.all()) for kept in axes.values()):
        return None
    array: npt.NDArray[np.generic] = numpy_helper.to_array(tensor)
    for axis, kept in axes.items():
        array = np.compress(kept, array, axis=axis)
    return array


def _drop_listed_initializers(proto: onnx.ModelProto, flow: Flow) -> None:
    """Initializers that were listed as inputs have other shapes now. Before IR 4 they had to be listed."""
    proto.ir_version = max(proto.ir_version, CONSTANT_INITIALIZERS_IR)
    inputs = [info for info in proto.graph.input if not flow.is_param(info.name)]
    del proto.graph.input[:]
    proto.graph.input.extend(inputs)


def _weight_of(conv: GroupedConv, flow: Flow) -> str:
    node = flow.links.producer(conv.node_output)
    assert node is not None
    return str(node.input[1])


def _cut_blocks(weight: npt.NDArray[np.generic], conv: GroupedConv, cut: Cut, flow: Flow) -> npt.NDArray[np.generic]:
    """Both axes of a weight in blocks: the first lists the channels of all blocks, the second those of one."""
    node = flow.links.producer(conv.node_output)
    is_transposed = node is not None and node.op_type == "ConvTranspose"
    outer, inner = (conv.inputs, conv.outputs) if is_transposed else (conv.outputs, conv.inputs)
    blocks = weight.reshape(len(outer), outer.shape[1], *weight.shape[1:])
    left = [
        np.compress(cut.kept(inside), np.compress(cut.kept(rows), block, axis=0), axis=1)
        for block, rows, inside in zip(blocks, outer, inner, strict=True)
    ]
    return np.concatenate(left)


def _edited(node: onnx.NodeProto, cut: Cut) -> onnx.NodeProto:
    """The node with arguments and attributes for the channels that are left."""
    copy = node_copy(node)
    edit = edits.EDITS.get(node.op_type)
    if edit is not None and cut.touches(node):
        edit(copy, cut)
    return copy


def _reordered(cut: Cut, flow: Flow) -> dict[str, list[onnx.NodeProto]]:
    """Reorderings that lost channels, each as one Gather; by the outputs of the nodes that it replaces."""
    replaced: dict[str, list[onnx.NodeProto]] = {}
    for shuffle in flow.shuffles:
        kept = cut.kept(flow.vector(shuffle.source, shuffle.axis))
        if kept.all():
            continue
        place = np.cumsum(kept) - 1
        order = cut.store(f"{shuffle.output}_order", place[shuffle.order[kept[shuffle.order]]])
        output = f"{shuffle.output}_reordered" if shuffle.is_reshaped else shuffle.output
        nodes = [helper.make_node("Gather", [shuffle.source, order], [output], output, axis=shuffle.axis)]
        if shuffle.is_reshaped:
            last = flow.links.producer(shuffle.output)
            assert last is not None
            nodes.append(_edited(last, cut))
            nodes[-1].input[0] = output
        replaced |= {name: [] for name in shuffle.inner}
        replaced[shuffle.output] = nodes
    return replaced


@dataclass(frozen=True, slots=True, eq=False)
class ArgumentBytes:
    """What the file gains, beside all that is cut, once a node's channels are fewer.

    Args:
        labels: of the channels that the node reads, shape (C,).
        extra: bytes, whatever their number; fewer where nodes go.
        each: bytes for each channel that stays.
    """

    labels: Labels
    extra: int
    each: int = 0


def argument_bytes(flow: Flow, gone: Collection[int]) -> list[ArgumentBytes]:
    """What arguments and reorderings take that change with the channels.

    Args:
        flow: of the model.
        gone: any choice of units that leaves no tensor empty, and blocks equal, such as half of all.
    """
    cut = Cut(flow, gone)
    inner = {name for shuffle in flow.shuffles for name in (*shuffle.inner, shuffle.output)}
    found = []
    for shuffle in flow.shuffles:
        one = Cut(flow, gone)
        new = _reordered(one, replace(flow, shuffles=[shuffle])).get(shuffle.output, [])
        if new:
            old = [node for node in map(flow.links.producer, (*shuffle.inner, shuffle.output)) if node is not None]
            kept = int(one.kept(flow.vector(shuffle.source, shuffle.axis)).sum())
            gain = _gain(old, new, one.new_tensors, flow) - _PLACE_BYTES * kept
            found.append(ArgumentBytes(flow.vector(shuffle.source, shuffle.axis), gain, _PLACE_BYTES))
    for node in flow.graph.node:
        if node.op_type in edits.EDITS and node.output[0] not in inner and cut.touches(node):
            before = len(cut.new_tensors)
            new = [_edited(node, cut)]
            gain = _gain([node], new, cut.new_tensors[before:], flow)
            found.append(ArgumentBytes(flow.of(node.input[0]).reshape(-1), gain))
    return found


def _gain(
    old: Sequence[onnx.NodeProto], new: Sequence[onnx.NodeProto], stored: Sequence[onnx.TensorProto], flow: Flow
) -> int:
    """Bytes of new nodes and constants less those of old ones, and of constants that only these read."""
    read_by = Counter(name for node in flow.graph.node for name in set(reads_of(node)))
    still = {name for node in new for name in node.input}
    dropped = {name for node in old for name in node.input if flow.is_param(name) and read_by[name] == 1} - still
    return _listed_bytes([*new, *stored]) - _listed_bytes([*old, *(flow.stored[name] for name in dropped)])


def _listed_bytes(messages: Sequence[onnx.NodeProto | onnx.TensorProto]) -> int:
    """With what says how long each is: a byte for the field, and one or two for the length."""
    return sum((size := message.ByteSize()) + (2 if size < 128 else 3) for message in messages)


def _check(proto: onnx.ModelProto, cut: Cut, flow: Flow) -> None:
    """The shapes of what is left are those that were counted."""
    shapes = infer_shapes(without_weights(proto))
    # Where inference stops at the whole model already, nothing could be followed, and so nothing was cut.
    if shapes.warning and not flow.shapes.warning:
        raise ModelError(f"without the channels the model does not fit together: {shapes.warning}")
    for name, labels in flow.labels.items():
        found = shapes.by_name.get(name)
        if found is None:
            continue
        for axis, count in cut.counts(labels).items():
            if found[axis] not in (None, count):
                raise ModelError(
                    f"without the channels {name} has {found[axis]} along axis {axis}, not {count}",
                    "leave this group of channels whole",
                )
