"""The weights that read a group's channels."""

from collections.abc import Iterator

import numpy as np
import onnx
from onnx import numpy_helper

from workbench.engine.compress.structure.group_parts import Floats, GroupPart
from workbench.engine.graph.channels.flow import Flow, GroupedConv, Producer, integer
from workbench.engine.graph.channels.unit_groups import UnitGroup


def readers_of(group: UnitGroup, flow: Flow) -> list[GroupPart]:
    """The weights that are multiplied with the group's channels, one part a node: row c reads channel c, shape (C, K).

    Depthwise convolutions are left out: what reads a channel there also makes it, see `filters_of`.
    """
    own = set(group.units.tolist())
    blocks = {conv.node_output: conv for conv in flow.grouped}
    found = []
    for producer in flow.producers:
        if not producer.is_depthwise:
            found += [part for part in _parts(producer, blocks, flow) if own & set(part.units.tolist())]
    return found


def _parts(producer: Producer, blocks: dict[str, GroupedConv], flow: Flow) -> Iterator[GroupPart]:
    node = flow.links.producer(producer.node_output)
    assert node is not None
    name = next(name for name in node.input[:2] if flow.is_param(name))
    weight = np.asarray(numpy_helper.to_array(flow.stored[name]), np.float32)
    if producer.node_output in blocks:
        conv = blocks[producer.node_output]
        rows = _block_rows(weight, conv, is_transposed=node.op_type == "ConvTranspose")
        yield GroupPart(rows, flow.units.resolved(conv.inputs.reshape(-1)))
        return
    axis = _input_axis(node, name)
    if axis in flow.params.get(name, {}):
        rows = np.moveaxis(weight, axis, 0).reshape(weight.shape[axis], -1)
        yield GroupPart(rows, flow.units.resolved(flow.params[name][axis]))


def _input_axis(node: onnx.NodeProto, weight: str) -> int:
    if node.op_type == "Gemm":
        return 1 if integer(node, "transB", 0) else 0
    if node.op_type == "MatMul":
        return 1 if node.input[0] == weight else 0
    return 0 if node.op_type == "ConvTranspose" else 1


def _block_rows(weight: Floats, conv: GroupedConv, *, is_transposed: bool) -> Floats:
    """Of a convolution in blocks: its inputs, block by block."""
    if is_transposed:
        return weight.reshape(conv.inputs.size, -1)
    by_block = weight.reshape(len(conv.inputs), -1, *weight.shape[1:])
    return np.ascontiguousarray(np.moveaxis(by_block, 2, 1)).reshape(conv.inputs.size, -1)
