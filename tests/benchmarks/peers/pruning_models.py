"""The real models that channel pruning is tried on, opened with their samples."""

import json
import zlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, numpy_helper

from workbench.engine.graph.fold_constants import fold_constants
from workbench.session import Session


@dataclass(frozen=True, slots=True)
class PruningModel:
    """One model.

    Args:
        path: within the folder of models.
        samples_of: the model whose samples it takes; its own without.
        num_gradients: samples for gradients, whose cost is two runs a channel and sample; 0 for none.
        least_reach: share of the layers' weights that can lose channels.
        has_weights: whether the stored weights are more than one number over and over.
    """

    path: str
    samples_of: str = ""
    num_gradients: int = 4
    least_reach: float = 0.95
    has_weights: bool = True

    @property
    def title(self) -> str:
        """The file's name."""
        return Path(self.path).stem[:32]


_ULTRAFACE = "ultraface/version-RFB-320.onnx"
MODELS = (
    PruningModel("cifar10/resnet20_cifar10_opset13.onnx"),
    PruningModel("cifar10/resnet20_cifar10_dynamo.onnx"),
    PruningModel("cifar10/resnet56_cifar10_opset13.onnx", num_gradients=1),
    PruningModel("cifar10/resnet56_cifar10_dynamo.onnx", num_gradients=1),
    PruningModel("cifar10/mlperf_tiny_resnet8.float.onnx"),
    PruningModel("imagenet_sample/squeezenet1.1_rgb224.onnx", num_gradients=0),
    PruningModel("imagenet_sample/mobilenet_v1_0_25_224.float.onnx", num_gradients=1),
    PruningModel("imagenet_sample/mobilenet_v1_0_5_224.float.onnx", num_gradients=0),
    PruningModel("fashion_mnist/fmnist_shuf_legacy.onnx"),
    PruningModel("fashion_mnist/fmnist_shuf_dynamo.onnx"),
    PruningModel("fashion_mnist/fmnist_vit_legacy.onnx"),
    PruningModel("fashion_mnist/fmnist_vit_dynamo.onnx"),
    PruningModel("stress/wild/ultraface_RFB320_raw_exporter_shape_ops.onnx", _ULTRAFACE, num_gradients=0),
    PruningModel("mnist/Convnet_maxpool.onnx"),
    PruningModel("mnist/mnist_cntk_opset8.onnx"),
    PruningModel("mnist/mnist-net_256x2.onnx"),
    PruningModel("mnist/mnist-net_256x4.onnx"),
    PruningModel("hand_gesture/keypoint_classifier.onnx"),
    PruningModel("hand_gesture/point_history_classifier.onnx"),
    PruningModel("stress/light/light_densenet121.onnx", has_weights=False),
    PruningModel("stress/light/light_resnet50.onnx", has_weights=False),
    PruningModel("stress/light/light_shufflenet.onnx", has_weights=False),
    PruningModel("stress/light/light_inception_v2.onnx", has_weights=False),
)


def opened(model: PruningModel, models: Path, folder: Path) -> Session:
    """A session with the model, and its samples where there are some."""
    session, path = Session(), models / model.path
    if not model.has_weights:
        path = folder / path.name
        path.write_bytes(_with_seeded_weights(models / model.path).SerializeToString())
    session.open_model(path)
    pairs = json.loads((models / "pairs.json").read_text(encoding="utf-8"))
    pair = next((item for item in pairs if item["model"] == (model.samples_of or model.path)), None)
    if pair is None:
        return session
    settings = {key: pair["pre"][key] for key in ("scale", "mean", "std", "resize") if key in pair["pre"]}
    data = models / pair["data"]
    if "ultraface" in pair["data"]:
        # Beside the images the file holds texts, which are no samples.
        with np.load(data) as stored:
            np.savez(folder / "images.npz", x=stored["x"])
        data = folder / "images.npz"
    else:
        settings["labels_offset"] = pair["label_offset"]
    session.open_data(data, settings)
    return session


def _with_seeded_weights(path: Path) -> onnx.ModelProto:
    """Weights at which signals pass on, in the place of one number. Source: He et al. 2015 (arXiv:1502.01852), 2.2."""
    proto = onnx.load(path)
    fold_constants(proto)
    for tensor in proto.graph.initializer:
        if tensor.data_type != TensorProto.FLOAT or not tensor.dims or np.prod(tensor.dims) <= 8:
            continue
        random, shape = np.random.default_rng(zlib.crc32(tensor.name.encode())), tuple(tensor.dims)
        if len(shape) > 1:
            values = random.normal(0, (2 / np.prod(shape[1:])) ** 0.5, shape)
        else:
            values = random.uniform(0.5, 1.5, shape)
        tensor.CopyFrom(numpy_helper.from_array(values.astype(np.float32), tensor.name))
    return proto
