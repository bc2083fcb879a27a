"""The part of a gated graph that its gates reach: what lies before them is the same however they are set."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np
import onnx
from onnx import helper

from workbench.engine.compress.structure.gated_graph import BEFORE, GatedGraph
from workbench.engine.core.layer import TensorInfo
from workbench.engine.graph.opset import CONSTANT_INITIALIZERS_IR
from workbench.engine.graph.order import reads_of
from workbench.engine.runtime.session import RuntimeSession

# ONNX Runtime's words for what can stand in the middle of a float model and is no size or index.
_REAL = {"float": np.float32, "float16": np.float16, "double": np.float64}


@dataclass(frozen=True, slots=True, eq=False)
class FadedTail:
    """What is behind the gates.

    Args:
        nodes: in the order of running.
        reads: the tensors before the gates that it needs.
    """

    nodes: tuple[onnx.NodeProto, ...]
    reads: tuple[str, ...]

    @property
    def sources(self) -> tuple[str, ...]:
        """What the graph without gates calls what is read."""
        return tuple(name.removesuffix(BEFORE) for name in self.reads)


def faded_tail(graph: GatedGraph) -> FadedTail | None:
    """What lies behind the gates; None where that is not all that gives the outputs, or reads the inputs themselves."""
    model = graph.proto.graph
    gates = {gate.name for gate in graph.gates}
    given = {tensor.name for tensor in model.initializer} | {one.values.name for one in model.sparse_initializer}
    behind: set[str] = set()
    nodes = []
    for node in model.node:
        if not reads_of(node).isdisjoint(gates | behind):
            behind.update(name for name in node.output if name)
            nodes.append(node)
    if not all(info.name in behind for info in model.output):
        return None
    names = dict.fromkeys(name for node in nodes for name in sorted(reads_of(node)))
    reads = tuple(name for name in names if name not in behind | gates | given)
    if not {info.name for info in model.input}.isdisjoint(reads):
        return None
    return FadedTail(tuple(nodes), reads)


def has_rows(front: RuntimeSession, names: Collection[str]) -> bool:
    """Whether the first axis of these outputs surely lists the samples of a batch, so that they can be repeated.

    Args:
        front: the model with these tensors among its outputs.
        names: of the tensors.
    """
    first = front.inputs[0].shape
    rows = first[0] if first else "?"
    infos = [info for info in front.outputs if info.name in names]
    return rows != "?" and all(info.dtype in _REAL and info.shape[:1] == (rows,) for info in infos)


def tail_model(graph: GatedGraph, tail: FadedTail, front: RuntimeSession) -> bytes:
    """The tail as a model of its own: inputs are what it reads, in that order, then the gates.

    Args:
        graph: with the gates.
        tail: of it.
        front: gives what it reads, see `has_rows`.
    """
    model = graph.proto
    infos = {info.name: info for info in front.outputs}
    read = {name for node in tail.nodes for name in reads_of(node)}
    gates = {gate.name for gate in graph.gates}
    made = onnx.ModelProto(ir_version=max(model.ir_version, CONSTANT_INITIALIZERS_IR))
    made.opset_import.extend(model.opset_import)
    made.functions.extend(model.functions)
    made.graph.name = model.graph.name or "tail"
    made.graph.node.extend(tail.nodes)
    made.graph.initializer.extend(tensor for tensor in model.graph.initializer if tensor.name in read)
    made.graph.sparse_initializer.extend(one for one in model.graph.sparse_initializer if one.values.name in read)
    made.graph.input.extend(_info(name, infos[source]) for name, source in zip(tail.reads, tail.sources, strict=True))
    made.graph.input.extend(info for info in model.graph.input if info.name in gates)
    made.graph.output.extend(model.graph.output)
    data: bytes = made.SerializeToString()
    return data


def _info(name: str, info: TensorInfo) -> onnx.ValueInfoProto:
    dims: Sequence[int | str | None] = [None if size == "?" else size for size in info.shape]
    return helper.make_tensor_value_info(name, helper.np_dtype_to_tensor_dtype(np.dtype(_REAL[info.dtype])), dims)
