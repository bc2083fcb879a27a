"""Raising a model's opset and IR version where an encoding needs operators that the old one lacks."""

import onnx
from onnx import helper, version_converter

from workbench.engine.core.errors import ModelError

# Initializers of IR 3 are graph inputs too, which from IR 4 on makes them variable and so never folded.
CONSTANT_INITIALIZERS_IR = 4


def opset_of(proto: onnx.ModelProto) -> int:
    """The version of the default operator set; 0 if none is imported."""
    versions = [entry.version for entry in proto.opset_import if entry.domain in ("", "ai.onnx")]
    return max(versions, default=0)


def raised(proto: onnx.ModelProto, minimum: int) -> onnx.ModelProto:
    """The model with at least this opset, and with initializers that are constants.

    Args:
        proto: a complete model; may be changed.
        minimum: version of the default operator set.

    Raises:
        ModelError: the model cannot be converted.
    """
    if 0 < opset_of(proto) < minimum:
        _list_initializers_as_inputs(proto)
        try:
            proto = version_converter.convert_version(proto, minimum)
        except Exception as error:
            reason = str(error).splitlines()[0][:160]
            raise ModelError(
                f"the model's opset {opset_of(proto)} cannot be raised to {minimum} ({reason})",
                "export the model with a newer opset",
            ) from error
    if proto.ir_version < CONSTANT_INITIALIZERS_IR:
        proto.ir_version = CONSTANT_INITIALIZERS_IR
    stored = {tensor.name for tensor in proto.graph.initializer}
    kept = [info for info in proto.graph.input if info.name not in stored]
    if len(kept) < len(proto.graph.input):
        del proto.graph.input[:]
        proto.graph.input.extend(kept)
    return proto


def _list_initializers_as_inputs(proto: onnx.ModelProto) -> None:
    """The converter finds initializers only among the graph's inputs, whatever the IR version."""
    listed = {info.name for info in proto.graph.input}
    proto.graph.input.extend(
        helper.make_tensor_value_info(tensor.name, tensor.data_type, tuple(tensor.dims))
        for tensor in proto.graph.initializer
        if tensor.name not in listed
    )
