"""Shapes of all tensors at batch 1, by ONNX shape inference, on the model without its weights' data."""

import math
from dataclasses import dataclass

import onnx
from onnx import shape_inference

Shape = tuple[int | None, ...]


@dataclass(frozen=True, slots=True)
class Shapes:
    """Shapes by tensor name at batch 1; a size that is not known is None.

    Args:
        warning: why inference failed; empty if it did not.
    """

    by_name: dict[str, Shape]
    warning: str = ""

    def size(self, name: str) -> int | None:
        """Number of elements of a tensor, if it is known."""
        shape = self.by_name.get(name)
        if shape is None or any(dim is None for dim in shape):
            return None
        return math.prod(dim for dim in shape if dim is not None)


def infer_shapes(proto: onnx.ModelProto) -> Shapes:
    """Shapes at batch 1: the first dimension of each input is 1 where it is not fixed, or is fixed to more.

    The model is copied; its initializers may lack their data.
    """
    model = onnx.ModelProto()
    model.CopyFrom(proto)
    stored = {tensor.name for tensor in model.graph.initializer}
    for info in model.graph.input:
        shape = info.type.tensor_type.shape
        # A first dimension that is fixed stays: setting it to 1 would contradict Reshapes inside.
        if info.name not in stored and shape.dim and not shape.dim[0].dim_value:
            shape.dim[0].dim_value = 1
    del model.graph.value_info[:]
    for info in model.graph.output:
        info.type.tensor_type.ClearField("shape") if info.type.HasField("tensor_type") else None
    warning = ""
    try:
        model = shape_inference.infer_shapes(model, strict_mode=False, data_prop=True)
    except Exception as error:
        warning = f"shapes could not be inferred ({str(error).splitlines()[0][:120]}); multiply-adds are unknown"
    by_name = {tensor.name: tuple(tensor.dims) for tensor in proto.graph.initializer}
    infos = (*model.graph.input, *model.graph.value_info, *model.graph.output)
    known: dict[str, Shape] = {info.name: _shape(info) for info in infos if info.type.tensor_type.HasField("shape")}
    return Shapes({**known, **by_name}, warning)


def _shape(info: onnx.ValueInfoProto) -> Shape:
    return tuple(dim.dim_value if dim.HasField("dim_value") else None for dim in info.type.tensor_type.shape.dim)
