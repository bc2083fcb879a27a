"""The graph with a gate on every channel: a factor that is an input of the model, and 1 where nothing is changed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import onnx
from onnx import helper

from workbench.engine.compress.structure.group_parts import UnitIds, outputs_of
from workbench.engine.graph.channels.flow import Flow, NotFollowed
from workbench.engine.graph.channels.unit_groups import UnitGroup

_PREFIX = "wb.gate."
# What a tensor is called before its gate.
BEFORE = f"{_PREFIX}before"


@dataclass(frozen=True, slots=True, eq=False)
class Gate:
    """The gates of one tensor.

    Args:
        name: of the model's input that holds them.
        tensor: what they multiply.
        axis: of the channels.
        ndim: of the tensor.
        units: of the channels, shape (C,); 0 for channels that always stay.
        element_type: numpy type of the tensor.
    """

    name: str
    tensor: str
    axis: int
    ndim: int
    units: UnitIds
    element_type: np.dtype[np.generic]

    def values(self, faded: Sequence[tuple[int, float]], num_rows: int) -> npt.NDArray[np.generic]:
        """Gates for a batch: row r has that value on the channels of that unit, 1 elsewhere.

        Args:
            faded: unit and value of each row; rows beyond have no unit.
            num_rows: of the batch.
        """
        rows = np.ones((num_rows, len(self.units)), self.element_type)
        for row, (unit, value) in enumerate(faded):
            rows[row, self.units == unit] = value
        shape = [1] * self.ndim
        shape[0], shape[self.axis] = num_rows, len(self.units)
        return rows.reshape(shape)


@dataclass(frozen=True, slots=True, eq=False)
class GatedGraph:
    """A model with gates.

    Args:
        proto: with one more input a gate.
        gates: all of them.
        ungated: why a group has none, by its first unit.
    """

    proto: onnx.ModelProto
    gates: tuple[Gate, ...]
    ungated: Mapping[int, str]


def gated_graph(flow: Flow, groups: Sequence[UnitGroup]) -> GatedGraph:
    """The model with gates on the outputs of all members, after the normalization and Relu that alone read them.

    Depthwise convolutions have none: the channel was faded before them. A group goes without gates whole or not at
    all, because a unit that is faded in some members only tells of another change than its removal.

    Args:
        flow: of the model; its graph stays as it is.
        groups: of the flow.
    """
    passing = {producer.node_output for producer in flow.producers if producer.is_depthwise}
    gates: dict[str, Gate] = {}
    ungated = {}
    for group in groups:
        if not len(group.units):
            continue
        try:
            gates |= {gate.tensor: gate for gate in _gates(group, passing, flow, len(gates))}
        except NotFollowed as problem:
            ungated[int(group.units[0])] = str(problem)
    return GatedGraph(_with_gates(flow.proto, gates), tuple(gates.values()), ungated)


def _gates(group: UnitGroup, passing: set[str], flow: Flow, first: int) -> list[Gate]:
    """Of one group. Raises NotFollowed."""
    made = [name for name in group.members if name not in passing]
    found = []
    for number, name in enumerate(made):
        alone = replace(group, members=(name,))
        for tensor, (axis, units) in outputs_of(alone, flow).items():
            shape = flow.shape(tensor)
            if axis == 0 or shape[0] != _batch_size(flow.proto.graph):
                raise NotFollowed(f"the samples of a batch lie on no axis of their own in {tensor}")
            node = flow.links.producer(name)
            assert node is not None
            weight = next(stored for stored in node.input[:2] if flow.is_param(stored))
            element_type = helper.tensor_dtype_to_np_dtype(flow.stored[weight].data_type)
            found.append(Gate(f"{_PREFIX}{first + number}", tensor, axis, len(shape), units, element_type))
    return found


def _batch_size(graph: onnx.GraphProto) -> int:
    """Of the shapes that the flow knows: the model's own where it is fixed, else 1."""
    stored = {tensor.name for tensor in graph.initializer}
    first = next(info for info in graph.input if info.name not in stored)
    dims = first.type.tensor_type.shape.dim
    return int(dims[0].dim_value) or 1 if dims else 1


def _with_gates(proto: onnx.ModelProto, gates: Mapping[str, Gate]) -> onnx.ModelProto:
    gated = onnx.ModelProto()
    gated.CopyFrom(proto)
    graph = gated.graph
    nodes = []
    for node in graph.node:
        copy = onnx.NodeProto()
        copy.CopyFrom(node)
        nodes.append(copy)
        for place, name in enumerate(node.output):
            if name in gates:
                copy.output[place] = f"{name}{BEFORE}"
                nodes.append(helper.make_node("Mul", [copy.output[place], gates[name].name], [name]))
    del graph.node[:]
    graph.node.extend(nodes)
    for gate in gates.values():
        dims: list[int | str] = [1] * gate.ndim
        dims[0], dims[gate.axis] = f"{_PREFIX}rows", len(gate.units)
        element_type = helper.np_dtype_to_tensor_dtype(gate.element_type)
        graph.input.append(helper.make_tensor_value_info(gate.name, element_type, dims))
    return gated
