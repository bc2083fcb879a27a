"""An ONNX model that is open: its graph without big tensors, its layers, and its weights on demand."""

import mmap
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import onnx
from google.protobuf.message import DecodeError
from onnx import TensorProto, helper

from workbench.engine.core.digest import digest_of_bytes, digest_of_file
from workbench.engine.core.errors import ModelError
from workbench.engine.core.layer import ModelInfo, TensorInfo
from workbench.engine.graph.check import check_model
from workbench.engine.graph.file_kind import check_file_kind
from workbench.engine.graph.layers import FoundLayer, as_float, find_layers
from workbench.engine.graph.model_warnings import model_warnings
from workbench.engine.graph.opset import opset_of
from workbench.engine.graph.params import num_params
from workbench.engine.graph.shapes import Shapes, infer_shapes
from workbench.engine.graph.stored_tensors import stored_tensors
from workbench.engine.graph.tensor_data import TensorData, map_file
from workbench.engine.graph.text import check_text
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

    def weight_values(self, layer_name: str) -> npt.NDArray[np.floating]:
        """The same in the smallest element type that holds them all: that of the file, or that of the node."""
        chain = self.found[layer_name].chain
        if chain is None:
            raise ModelError(f"{layer_name}: its weights are not stored as such")
        return chain.value(self.data).astype(helper.tensor_dtype_to_np_dtype(self.stored_dtype(layer_name)), copy=False)

    def stored_dtype(self, layer_name: str) -> int:
        """ONNX element type of `weight_values`."""
        chain = self.found[layer_name].chain
        if chain is None:
            return int(TensorProto.FLOAT)
        stored, read = int(chain.tensor.data_type), chain.data_type
        return stored if item_bytes(stored) < item_bytes(read) else read

    def weight_dtype(self, layer_name: str) -> int:
        """ONNX element type that the layer's node expects of its weights."""
        chain = self.found[layer_name].chain
        return chain.data_type if chain is not None else int(TensorProto.FLOAT)

    def to_proto(self) -> onnx.ModelProto:
        """A copy of the whole model with all data inside, which belongs to the caller."""
        proto = onnx.ModelProto()
        proto.CopyFrom(self.proto)
        for tensor, key in stored_tensors(proto.graph):
            raw = self.data.raw(tensor, key)
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
    return _opened(path, map_file(path))


def model_of_bytes(data: bytes, path: Path) -> Model:
    """A model that was made in memory, without external data, as if it lay at `path`.

    Raises:
        ModelError: the bytes are no ONNX model.
    """
    return _opened(path, data)


def _opened(path: Path, mapped: mmap.mmap | bytes) -> Model:
    parsed = skeleton(mapped, str(path))
    proto = onnx.ModelProto()
    try:
        proto.ParseFromString(parsed.data)
    except DecodeError as error:
        raise ModelError(f"{path}: not an ONNX model, or damaged", "copy or export the file again") from error
    data = TensorData(path, mapped, parsed.places)
    check_text(proto, str(path))
    check_model(proto, data, str(path))
    shapes = infer_shapes(proto)
    found = find_layers(proto.graph, data, shapes)
    info = _info(path, mapped, proto, data, found, shapes)
    return Model(path, info, proto, data, {item.layer.name: item for item in found})


def _info(
    path: Path,
    mapped: mmap.mmap | bytes,
    proto: onnx.ModelProto,
    data: TensorData,
    found: Sequence[FoundLayer],
    shapes: Shapes,
) -> ModelInfo:
    layers = tuple(item.layer for item in found)
    external = data.external_paths()
    # Not through the map: pages that are read there count as memory.
    sha256 = digest_of_bytes(mapped) if isinstance(mapped, bytes) else digest_of_file(path)
    parts = [sha256, *(digest_of_file(other) for other in external)]
    macs = [layer.macs for layer in layers]
    stored = {tensor.name for tensor in proto.graph.initializer}
    return ModelInfo(
        path=str(path),
        sha256=sha256,
        digest=sha256 if not external else digest_of_bytes("".join(parts).encode()),
        opset=opset_of(proto),
        ir_version=proto.ir_version,
        producer=" ".join(part for part in (proto.producer_name, proto.producer_version) if part),
        num_params=num_params(proto, found),
        file_bytes=len(mapped) + sum(other.stat().st_size for other in external),
        macs=None if any(value is None for value in macs) else sum(value for value in macs if value is not None),
        inputs=tuple(_tensor_info(value) for value in proto.graph.input if value.name not in stored),
        outputs=tuple(_tensor_info(value) for value in proto.graph.output),
        layers=layers,
        warnings=model_warnings(proto, layers, shapes),
    )


def _tensor_info(value: onnx.ValueInfoProto) -> TensorInfo:
    tensor = value.type.tensor_type
    names = {number: name.lower() for name, number in TensorProto.DataType.items()}
    dims = tuple(dim.dim_value if dim.HasField("dim_value") else dim.dim_param or "?" for dim in tensor.shape.dim)
    return TensorInfo(value.name, names.get(tensor.elem_type, "other"), dims)


def item_bytes(dtype: int) -> int:
    """Bytes of one number of an ONNX element type."""
    return int(np.dtype(helper.tensor_dtype_to_np_dtype(dtype)).itemsize)
