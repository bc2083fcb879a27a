"""Shapes of all tensors at batch 1, by ONNX shape inference, on the model without its weights' data."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import onnx
from onnx import numpy_helper, shape_inference

from workbench.engine.graph.node_copy import node_copy
from workbench.engine.graph.node_value import node_value
from workbench.engine.graph.opset import opset_of
from workbench.engine.graph.order import run_order
from workbench.engine.graph.shape_twins import has_twin, with_twins

Shape = tuple[int | None, ...]

_SMALL = 256
# What arguments such as shapes and paddings take at most.
_MOST_BYTES = 4096
_MAX_ROUNDS = 8
_CONSTANT_INITIALIZERS_IR = 4
# What exporters compute the arguments of Pad, Reshape and Slice with; none makes a tensor much larger than its inputs.
_ARGUMENT_OPERATORS = frozenset((
    "Concat", "Reshape", "Slice", "Transpose", "Cast", "Unsqueeze", "Squeeze", "Gather", "Add", "Sub", "Mul", "Div",
    "Floor", "Identity",
))  # fmt: skip


@dataclass(frozen=True, slots=True)
class Shapes:
    """Shapes by tensor name at batch 1; a size that is not known is None.

    Args:
        warning: why inference failed; empty if it did not.
        constants: small constants, and what follows from them and from shapes, as they are at batch 1.
    """

    by_name: dict[str, Shape]
    warning: str = ""
    constants: Mapping[str, npt.NDArray[np.generic]] = field(default_factory=dict)

    def size(self, name: str) -> int | None:
        """Number of elements of a tensor, if it is known."""
        shape = self.by_name.get(name)
        if shape is None or any(dim is None for dim in shape):
            return None
        return math.prod(dim for dim in shape if dim is not None)


def infer_shapes(proto: onnx.ModelProto, batch: int = 1) -> Shapes:
    """Shapes at batch 1: the first dimension of each input is 1 where it is not fixed, or is fixed to more.

    The model is copied; its initializers may lack their data.

    Args:
        proto: the model.
        batch: another batch to take instead of 1.
    """
    model = _prepared(proto, batch)
    known: dict[str, Shape] = {}
    for _ in range(_MAX_ROUNDS):
        is_changed = _fold_small_constants(model.graph, known, opset_of(proto))
        if known and not is_changed:
            break
        try:
            model = shape_inference.infer_shapes(model, strict_mode=False, data_prop=True)
        except Exception as error:
            reason = str(error).splitlines()[0][:120]
            return Shapes({**known, **_stored_shapes(model.graph)}, f"shapes could not be inferred ({reason})")
        infos = (*model.graph.input, *model.graph.value_info, *model.graph.output)
        known = {info.name: _shape(info) for info in infos if info.type.tensor_type.HasField("shape")}
    return Shapes({**known, **_stored_shapes(model.graph)}, constants=_small_constants(model.graph))


def _stored_shapes(graph: onnx.GraphProto) -> dict[str, Shape]:
    """Of everything that the graph stores, and of what was folded into that."""
    shapes: dict[str, Shape] = {tensor.name: tuple(tensor.dims) for tensor in graph.initializer}
    return shapes | {tensor.values.name: tuple(tensor.dims) for tensor in graph.sparse_initializer}


def _prepared(proto: onnx.ModelProto, batch: int) -> onnx.ModelProto:
    """A copy for inference: this batch, nodes in order, and no shapes but those of the inputs."""
    model = onnx.ModelProto()
    model.CopyFrom(proto)
    # Below IR 4, inference takes only those initializers for constants that are inputs too.
    model.ir_version = max(model.ir_version, _CONSTANT_INITIALIZERS_IR)
    stored = {tensor.name for tensor in model.graph.initializer}
    for info in model.graph.input:
        shape = info.type.tensor_type.shape
        # A first dimension that is fixed stays: setting it to 1 would contradict Reshapes inside.
        if info.name not in stored and shape.dim and not shape.dim[0].dim_value:
            shape.dim[0].dim_value = batch
    del model.graph.value_info[:]
    given = stored | {info.name for info in model.graph.input}
    for info in model.graph.output:
        # An initializer or input that is an output too has no other shape to be found.
        if info.type.HasField("tensor_type") and info.name not in given:
            info.type.tensor_type.ClearField("shape")
    given |= {tensor.values.name for tensor in model.graph.sparse_initializer}
    order, _ = run_order(model.graph.node, given)
    if order != list(range(len(order))) or any(map(has_twin, proto.graph.node)):
        nodes = with_twins([proto.graph.node[index] for index in order])
        del model.graph.node[:]
        model.graph.node.extend(nodes)
    return model


def _fold_small_constants(graph: onnx.GraphProto, shapes: dict[str, Shape], opset: int) -> bool:
    """Replace what small constants and known shapes give by its value, which inference itself does not all do.

    Exporters compute Pad and Reshape arguments from constants, in a dozen nodes each.

    Returns:
        Whether anything was replaced.
    """
    known = _small_constants(graph)
    kept: list[onnx.NodeProto] = []
    for node in graph.node:
        value = _small_value(node, known, shapes, opset)
        if value is not None:
            known[node.output[0]] = value
        if value is None or node.op_type == "Constant":
            kept.append(node)
        else:
            graph.initializer.append(numpy_helper.from_array(value, node.output[0]))
    is_changed = len(kept) < len(graph.node)
    if is_changed:
        kept = [node_copy(node) for node in kept]
        del graph.node[:]
        graph.node.extend(kept)
    return is_changed


def _small_constants(graph: onnx.GraphProto) -> dict[str, npt.NDArray[np.generic]]:
    return {
        tensor.name: np.asarray(numpy_helper.to_array(tensor))
        for tensor in graph.initializer
        if math.prod(tensor.dims) <= _SMALL and tensor.data_location != onnx.TensorProto.EXTERNAL
    }


def _small_value(
    node: onnx.NodeProto, known: dict[str, npt.NDArray[np.generic]], shapes: dict[str, Shape], opset: int
) -> npt.NDArray[np.generic] | None:
    if len(node.output) != 1 or node.domain not in ("", "ai.onnx"):
        return None
    if node.op_type == "Shape" and not node.attribute:
        shape = shapes.get(node.input[0])
        return None if shape is None or None in shape else np.array(shape, np.int64)
    if node.op_type == "Constant":
        return _small_constant(node)
    if node.op_type == "ConstantOfShape":
        # Evaluated only if small: a file may ask for terabytes here.
        wanted = known.get(node.input[0])
        if wanted is None or wanted.size > _SMALL or math.prod(int(size) for size in wanted.ravel()) > _SMALL:
            return None
    elif node.op_type not in _ARGUMENT_OPERATORS:
        return None
    if any(name and name not in known for name in node.input):
        return None
    result = node_value(node, known, opset)
    return result if result is not None and result.size <= _SMALL else None


def _small_constant(node: onnx.NodeProto) -> npt.NDArray[np.generic] | None:
    for attribute in node.attribute:
        if attribute.name == "value" and attribute.HasField("t") and math.prod(attribute.t.dims) <= _SMALL:
            is_here = attribute.t.data_location != onnx.TensorProto.EXTERNAL
            return np.asarray(numpy_helper.to_array(attribute.t)) if is_here else None
        if attribute.name in ("value_int", "value_ints"):
            return np.array(attribute.i if attribute.name == "value_int" else list(attribute.ints), np.int64)
    return None


def _shape(info: onnx.ValueInfoProto) -> Shape:
    return tuple(dim.dim_value if dim.HasField("dim_value") else None for dim in info.type.tensor_type.shape.dim)


def without_weights(proto: onnx.ModelProto) -> onnx.ModelProto:
    """A copy for inference, which would copy the weights again."""
    light = onnx.ModelProto(ir_version=proto.ir_version, opset_import=proto.opset_import)
    light.graph.node.extend(proto.graph.node)
    light.graph.input.extend(proto.graph.input)
    light.graph.output.extend(proto.graph.output)
    for tensor in proto.graph.initializer:
        if tensor.ByteSize() <= _MOST_BYTES:
            light.graph.initializer.append(tensor)
        else:
            light.graph.initializer.add(name=tensor.name, data_type=tensor.data_type, dims=tensor.dims)
    return light
