"""What a criterion may look at to tell how much each unit of a group matters."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from onnx import numpy_helper

from workbench.engine.graph.channels.flow import Flow, Producer
from workbench.engine.graph.channels.unit_groups import UnitGroup

Floats = npt.NDArray[np.float32]
UnitIds = npt.NDArray[np.int64]
# Operators whose stored input of one number a channel scales the channels.
_SCALING = {"BatchNormalization": 1, "InstanceNormalization": 1}


@dataclass(frozen=True, slots=True, eq=False)
class GroupPart:
    """Numbers of one member of a group, a row a channel.

    Args:
        rows: shape (C, K), or (C,) for one number a channel.
        units: unit of each channel, shape (C,), as `Units.resolved` gives them; 0 for channels that always stay.
    """

    rows: Floats
    units: UnitIds


def filters_of(group: UnitGroup, flow: Flow) -> list[GroupPart]:
    """The weights that make the group's channels, one part a member: row c makes channel c, shape (C, K)."""
    return [
        GroupPart(_rows(producer, flow), flow.units.resolved(producer.labels)) for producer in _members(group, flow)
    ]


def scales_of(group: UnitGroup, flow: Flow) -> list[GroupPart]:
    """Factors by which normalizations scale the group's channels, shape (C,) each."""
    own = set(group.units.tolist())
    parts = []
    for node in flow.graph.node:
        place = _SCALING.get(node.op_type)
        if place is None or node.input[place] not in flow.params:
            continue
        units = flow.units.resolved(flow.params[node.input[place]][0])
        if own & set(units.tolist()):
            values = numpy_helper.to_array(flow.stored[node.input[place]])
            parts.append(GroupPart(np.asarray(values, np.float32), units))
    return parts


def outputs_of(group: UnitGroup, flow: Flow) -> dict[str, tuple[int, UnitIds]]:
    """The members' outputs, after a Relu or Clip or normalization that alone reads each: axis and units of channels."""
    found = {}
    for producer in _members(group, flow):
        name = _settled(producer.node_output, flow)
        labels = flow.of(name)
        # Of a single channel the labels vary along no axis; the samples' axis is none in any case.
        axis = max(range(labels.ndim), key=lambda one: (labels.shape[one], one > 0))
        found[name] = (axis, flow.units.resolved(flow.vector(name, axis)))
    return found


def _members(group: UnitGroup, flow: Flow) -> Iterator[Producer]:
    names = set(group.members)
    return (producer for producer in flow.producers if producer.node_output in names)


def _rows(producer: Producer, flow: Flow) -> Floats:
    node = flow.links.producer(producer.node_output)
    assert node is not None
    name = next(name for name in node.input[:2] if flow.is_param(name))
    weight = np.asarray(numpy_helper.to_array(flow.stored[name]), np.float32)
    num_channels = len(producer.labels)
    if node.op_type == "ConvTranspose":
        num_groups = num_channels // weight.shape[1]
        blocks = weight.reshape(num_groups, -1, *weight.shape[1:])
        return np.ascontiguousarray(np.moveaxis(blocks, 2, 1)).reshape(num_channels, -1)
    axis = next((axis for axis, vector in flow.params[name].items() if vector is producer.labels), 0)
    return np.moveaxis(weight, axis, 0).reshape(num_channels, -1)


def _settled(name: str, flow: Flow) -> str:
    """The tensor after the nodes that only scale, shift and bound it."""
    while (reader := flow.links.only_reader(name)) is not None:
        is_bounding = reader.op_type in ("Relu", "Clip", "BatchNormalization", "PRelu", "LeakyRelu")
        is_bias = reader.op_type == "Add" and any(flow.is_param(other) for other in reader.input)
        if not (is_bounding or is_bias) or reader.output[0] not in flow.labels:
            break
        name = str(reader.output[0])
    return name
