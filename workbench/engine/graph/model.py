"""An ONNX model that is open: its graph without big tensors, its layers, and its weights on demand."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import onnx
from google.protobuf.message import DecodeError
from onnx import TensorProto

from workbench.engine.core.digest import digest_of_bytes, digest_of_file
from workbench.engine.core.errors import ModelError
from workbench.engine.core.layer import Layer, ModelInfo, TensorInfo
from workbench.engine.graph.check import check_model
from workbench.engine.graph.file_kind import check_file_kind
from workbench.engine.graph.layers import FoundLayer, as_float, find_layers
from workbench.engine.graph.opset import opset_of
from workbench.engine.graph.shapes import infer_shapes
from workbench.engine.graph.tensor_data import TensorData, is_float, map_file
from workbench.engine.graph.wire import skeleton


@dataclass(frozen=True, slots=True, eq=False)
class Model:
    """A model that is open. It never changes; compressing makes bytes of a new one.

    Args:
        path: of the file.
        info: what it looks like from outside.
        proto: the model without the data of big initializers; not to be changed.
        data: reads the tensors.
        found: the layers and where their weights come from.
    """

    path: Path
    info: ModelInfo
    proto: onnx.ModelProto
    data: TensorData
    found: dict[str, FoundLayer]

    def weight(self, layer_name: str) -> npt.NDArray[np.float32]:
        """The layer's weights as its node sees them, float32. Raises ModelError if they are no constant."""
        chain = self.found[layer_name].chain
        if chain is None:
            raise ModelError(f"{layer_name}: its weights are not stored as such")
        return as_float(chain.value(self.data))

    def weight_dtype(self, layer_name: str) -> int:
        """ONNX element type that the layer's node expects of its weights."""
        chain = self.found[layer_name].chain
        return chain.data_type if chain is not None else int(TensorProto.FLOAT)

    def to_proto(self) -> onnx.ModelProto:
        """A copy of the whole model with all data inside, which belongs to the caller."""
        proto = onnx.ModelProto()
        proto.CopyFrom(self.proto)
        for tensor in proto.graph.initializer:
            raw = self.data.raw(tensor)
            if raw is not None:
                tensor.raw_data = bytes(raw)
                tensor.ClearField("external_data")
                tensor.ClearField("data_location")
        return proto


def load_model(path: Path) -> Model:
    """Open an ONNX file. Weights stay on disk until they are read.

    Raises:
        ModelError: the file is not an ONNX model, is damaged, or reads outside its folder.
    """
    check_file_kind(path)
    mapped = map_file(path)
    parsed = skeleton(mapped, str(path))
    proto = onnx.ModelProto()
    try:
        proto.ParseFromString(parsed.data)
    except DecodeError as error:
        raise ModelError(f"{path}: not an ONNX model, or damaged", "copy or export the file again") from error
    data = TensorData(path, mapped, parsed.places)
    check_model(proto, data, str(path))
    shapes = infer_shapes(proto)
    found = find_layers(proto.graph, data, shapes)
    layers = tuple(item.layer for item in found)
    info = _info(path, proto, data, layers, [shapes.warning] if shapes.warning else [])
    return Model(path, info, proto, data, {item.layer.name: item for item in found})


def _info(
    path: Path, proto: onnx.ModelProto, data: TensorData, layers: tuple[Layer, ...], warnings: list[str]
) -> ModelInfo:
    external = data.external_paths()
    sha256 = digest_of_file(path)
    parts = [sha256, *(digest_of_file(other) for other in external)]
    macs = [layer.macs for layer in layers]
    stored = {tensor.name for tensor in proto.graph.initializer}
    warnings += [f"{layer.name}: {layer.reason}" for layer in layers if layer.reason]
    warnings += [] if layers else ["the model has no layers with weights"]
    return ModelInfo(
        path=str(path),
        sha256=sha256,
        digest=sha256 if not external else digest_of_bytes("".join(parts).encode()),
        opset=opset_of(proto),
        ir_version=proto.ir_version,
        producer=" ".join(part for part in (proto.producer_name, proto.producer_version) if part),
        num_params=_num_params(proto, layers),
        file_bytes=path.stat().st_size + sum(other.stat().st_size for other in external),
        macs=None if any(value is None for value in macs) else sum(value for value in macs if value is not None),
        inputs=tuple(_tensor_info(value) for value in proto.graph.input if value.name not in stored),
        outputs=tuple(_tensor_info(value) for value in proto.graph.output),
        layers=layers,
        warnings=tuple(warnings),
    )


def _num_params(proto: onnx.ModelProto, layers: tuple[Layer, ...]) -> int:
    """Floats stored as initializers or Constant nodes, and weights that are packed by their unpacked shape."""
    tensors = {tensor.name: tensor for tensor in proto.graph.initializer}
    for node in proto.graph.node:
        for attribute in node.attribute:
            if node.op_type == "Constant" and attribute.name == "value" and len(attribute.t.dims) > 0:
                tensors[node.output[0]] = attribute.t
    own = set(tensors)
    stored = sum(int(np.prod(t.dims, dtype=np.int64)) for t in tensors.values() if is_float(t.data_type))
    packed = {layer.weight_name: layer.num_weights for layer in layers if layer.weight_name not in own}
    unpacked_elsewhere = {layer.weight_name for layer in layers if layer.statistics is not None}
    return stored + sum(count for name, count in packed.items() if name not in unpacked_elsewhere)


def _tensor_info(value: onnx.ValueInfoProto) -> TensorInfo:
    tensor = value.type.tensor_type
    names = {number: name.lower() for name, number in TensorProto.DataType.items()}
    dims = tuple(dim.dim_value if dim.HasField("dim_value") else dim.dim_param or "?" for dim in tensor.shape.dim)
    return TensorInfo(value.name, names.get(tensor.elem_type, "other"), dims)
