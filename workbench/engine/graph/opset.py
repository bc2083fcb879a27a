"""Raising a model's opset and IR version where an encoding needs operators that the old one lacks."""

import onnx
from onnx import helper, version_converter

from workbench.engine.core.errors import ModelError

# Initializers of IR 3 are graph inputs too, which from IR 4 on makes them variable and so never folded.
CONSTANT_INITIALIZERS_IR = 4
# The IR version that came with opset 21, and with four-bit element types.
_FOUR_BITS_IR, _FOUR_BITS_OPSET = 10, 21


def opset_of(proto: onnx.ModelProto) -> int:
    """The version of the default operator set; 0 if none is imported."""
    versions = [entry.version for entry in proto.opset_import if entry.domain in ("", "ai.onnx")]
    return max(versions, default=0)


def raised(proto: onnx.ModelProto, minimum: int) -> onnx.ModelProto:
    """The model with at least this opset, the IR version that goes with it, and initializers that are constants.

    Args:
        proto: a complete model; may be changed, but means the same where it cannot be converted.
        minimum: version of the default operator set.

    Raises:
        ModelError: the model cannot be converted.
    """
    if 0 < opset_of(proto) < minimum:
        proto = _converted(proto, minimum)
    least_ir = _FOUR_BITS_IR if minimum >= _FOUR_BITS_OPSET else CONSTANT_INITIALIZERS_IR
    if proto.ir_version < least_ir:
        proto.ir_version = least_ir
    _drop_inputs_of_initializers(proto)
    return proto


def _converted(proto: onnx.ModelProto, minimum: int) -> onnx.ModelProto:
    described = {info.name for info in proto.graph.value_info}
    _list_initializers_as_inputs(proto)
    try:
        made = version_converter.convert_version(proto, minimum)
    except Exception as error:
        _drop_inputs_of_initializers(proto)
        reason = str(error).splitlines()[0][:160]
        raise ModelError(
            f"the model's opset {opset_of(proto)} cannot be raised to {minimum} ({reason})",
            "export the model with a newer opset",
        ) from error
    # The converter describes every tensor, which readers infer by themselves: 5 % of a file of few bits a weight.
    kept = [info for info in made.graph.value_info if info.name in described]
    del made.graph.value_info[:]
    made.graph.value_info.extend(kept)
    return made


def _drop_inputs_of_initializers(proto: onnx.ModelProto) -> None:
    stored = {tensor.name for tensor in proto.graph.initializer}
    kept = [info for info in proto.graph.input if info.name not in stored]
    if len(kept) < len(proto.graph.input):
        del proto.graph.input[:]
        proto.graph.input.extend(kept)


def _list_initializers_as_inputs(proto: onnx.ModelProto) -> None:
    """The converter finds initializers only among the graph's inputs, whatever the IR version."""
    listed = {info.name for info in proto.graph.input}
    proto.graph.input.extend(
        helper.make_tensor_value_info(tensor.name, tensor.data_type, tuple(tensor.dims))
        for tensor in proto.graph.initializer
        if tensor.name not in listed
    )
