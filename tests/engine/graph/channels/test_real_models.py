"""The proof on real models and real samples: what is cut computes what is held at zero, layer by layer."""

import json
import zlib
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import numpy.typing as npt
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from workbench.engine.core.errors import ModelError
from workbench.engine.data.dataset import open_dataset
from workbench.engine.graph.channels.cut import Cut
from workbench.engine.graph.channels.flow import Flow
from workbench.engine.graph.channels.removal import remove_channels
from workbench.engine.graph.channels.silenced import silence_channels
from workbench.engine.graph.channels.unit_groups import unit_groups
from workbench.engine.graph.channels.walk import walk
from workbench.engine.graph.fold_constants import fold_constants
from workbench.engine.graph.model import Model, load_model

pytestmark = pytest.mark.slow

_CNNS = (
    "cifar10/resnet20_cifar10_opset13.onnx",
    "cifar10/resnet20_cifar10_dynamo.onnx",
    "cifar10/resnet56_cifar10_opset13.onnx",
    "cifar10/resnet56_cifar10_dynamo.onnx",
    "cifar10/mlperf_tiny_resnet8.float.onnx",
    "imagenet_sample/squeezenet1.1_rgb224.onnx",
    "imagenet_sample/mobilenet_v1_0_25_224.float.onnx",
    "fashion_mnist/fmnist_shuf_legacy.onnx",
    "fashion_mnist/fmnist_shuf_dynamo.onnx",
    "stress/wild/ultraface_RFB320_raw_exporter_shape_ops.onnx",
    "mnist/Convnet_maxpool.onnx",
    "mnist/mnist_cntk_opset8.onnx",
)
_OTHERS = (
    "fashion_mnist/fmnist_vit_legacy.onnx",
    "fashion_mnist/fmnist_vit_dynamo.onnx",
    "mnist/mnist-net_256x2.onnx",
    "mnist/mnist-net_256x4.onnx",
    "hand_gesture/keypoint_classifier.onnx",
)
# Their weights are made by ConstantOfShape, all alike, so that seeded ones take their place.
_WITHOUT_WEIGHTS = (
    "stress/light/light_densenet121.onnx",
    "stress/light/light_resnet50.onnx",
    "stress/light/light_shufflenet.onnx",
    "stress/light/light_inception_v2.onnx",
)
_QUANTIZED = (
    "cifar10/mlperf_tiny_resnet8_quant.qdq.onnx",
    "imagenet_sample/mobilenet_v1_0_25_224.qdq.onnx",
    "stress/derived/resnet20_qdq_s8_perchannel.onnx",
    "stress/derived/resnet20_qoperator_u8s8.onnx",
)
# Another export of a model, with the same samples.
_SAME_SAMPLES = {
    "stress/wild/ultraface_RFB320_raw_exporter_shape_ops.onnx": "ultraface/version-RFB-320.onnx",
}
_RATIOS = (0.25, 0.5, 0.75)
_LAYERS = ("Conv", "ConvTranspose", "Gemm", "MatMul")

Arrays = Mapping[str, npt.NDArray[np.generic]]


def _model(folder: Path, name: str) -> Model:
    path = folder / "models" / name
    if not path.is_file():
        pytest.skip(f"needs {name}, which is not part of the project")
    return load_model(path)


def _proto(model: Model) -> onnx.ModelProto:
    """The model with constants stored, and with logits in the place of probabilities, which hide differences."""
    proto = model.to_proto()
    fold_constants(proto)
    outputs = {info.name for info in proto.graph.output}
    for node in proto.graph.node:
        if node.op_type == "Softmax" and node.output[0] in outputs:
            node.op_type = "Identity"
            del node.attribute[:]
    return proto


def _samples(folder: Path, name: str, model: Model) -> list[Arrays]:
    """Four real samples: in one batch where the model takes it, else one after another."""
    models = folder / "models"
    pairs = json.loads((models / "pairs.json").read_text(encoding="utf-8"))
    pair = next(item for item in pairs if item["model"] == _SAME_SAMPLES.get(name, name))
    given = {key: pair["pre"][key] for key in ("scale", "mean", "std", "resize") if key in pair["pre"]}
    data = open_dataset(models / pair["data"], given, model.info.inputs)
    if model.info.inputs[0].shape[0] == 1:
        return [data.batch([place]) for place in range(4)]
    return [data.batch([0, 1, 2, 3])]


def _with_seeded_weights(proto: onnx.ModelProto, kept: float) -> None:
    """Weights at which what is left of the channels passes signals on. Source: He et al. 2015, section 2.2."""
    for tensor in proto.graph.initializer:
        if tensor.data_type != TensorProto.FLOAT or not tensor.dims or np.prod(tensor.dims) <= 8:
            continue
        rng = np.random.default_rng(zlib.crc32(tensor.name.encode()))
        shape = tuple(tensor.dims)
        if len(shape) > 1:
            values = rng.normal(0, (2 / (np.prod(shape[1:]) * kept)) ** 0.5, shape)
        else:
            values = rng.uniform(0.5, 1.5, shape)
        tensor.CopyFrom(numpy_helper.from_array(values.astype(np.float32), tensor.name))


def _with_outputs(proto: onnx.ModelProto, names: list[str]) -> onnx.ModelProto:
    given = {info.name for info in proto.graph.output}
    proto.graph.output.extend(
        helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in names if name not in given
    )
    return proto


def _errors(flow: Flow, gone: set[int], feeds: Arrays, run) -> dict[str, float]:
    """Relative error of each layer's outputs and of the model's, where the whole graph is at zero."""
    layers = {producer.node_output: producer.axis for producer in flow.producers}
    small = remove_channels(flow, gone)
    onnx.checker.check_model(small, full_check=True)
    whole = run(_with_outputs(silence_channels(flow, gone), list(layers)), feeds)
    found = run(_with_outputs(small, list(layers)), feeds)
    errors = {}
    cut = Cut(flow, gone)
    for name, expected in whole.items():
        if name in layers:
            expected = np.compress(cut.kept_on(name, layers[name]), expected, axis=layers[name])
        assert found[name].shape == expected.shape, name
        assert np.isfinite(expected).all(), name
        assert np.isfinite(found[name]).all(), name
        greatest = float(np.abs(expected).max())
        assert greatest > 0, f"{name} is zero everywhere, which proves nothing"
        errors[name] = float(np.abs(found[name] - expected).max()) / greatest
    return errors


def _spread(flow: Flow, gone: set[int], feeds: list[Arrays], run) -> float:
    """How much outputs differ from sample to sample, as a share of the greatest: near zero proves nothing."""
    silenced = silence_channels(flow, gone)
    rows = [next(iter(run(silenced, one).values())) for one in feeds]
    joined = np.concatenate(rows)
    return float(np.ptp(joined, axis=0).max() / np.abs(joined).max())


@pytest.mark.parametrize("ratio", _RATIOS)
@pytest.mark.parametrize("name", [*_CNNS, *_OTHERS])
def test_what_is_cut_of_a_trained_model_computes_what_is_silenced(
    shared_data: Path, choose_gone, run, name: str, ratio: float
):
    model = _model(shared_data, name)
    flow = walk(_proto(model))
    gone = choose_gone(flow, ratio, np.random.default_rng(11))

    assert gone
    for feeds in _samples(shared_data, name, model):
        errors = _errors(flow, gone, feeds, run)
        assert max(errors.values()) < 1e-4, max(errors, key=lambda key: errors[key])


@pytest.mark.parametrize("ratio", _RATIOS)
@pytest.mark.parametrize("name", _WITHOUT_WEIGHTS)
def test_what_is_cut_of_a_seeded_model_computes_what_is_silenced(
    shared_data: Path, choose_gone, run, name: str, ratio: float
):
    model = _model(shared_data, name)
    proto = _proto(model)
    _with_seeded_weights(proto, 1 - ratio)
    flow = walk(proto)
    gone = choose_gone(flow, ratio, np.random.default_rng(11))
    rng = np.random.default_rng(0)
    feeds = [{model.info.inputs[0].name: rng.normal(size=(1, 3, 224, 224)).astype(np.float32)} for _ in range(2)]

    errors = _errors(flow, gone, feeds[0], run)

    assert max(errors.values()) < 1e-4, max(errors, key=lambda key: errors[key])
    assert _spread(flow, gone, feeds, run) > 1e-3


@pytest.mark.parametrize("name", [*_CNNS, *_WITHOUT_WEIGHTS])
def test_nearly_all_weights_of_a_convolutional_network_can_be_reached(shared_data: Path, name: str):
    flow = walk(_proto(_model(shared_data, name)))
    weights = {
        key for node in flow.graph.node if node.op_type in _LAYERS for key in node.input[:2] if flow.is_param(key)
    }

    sizes = {key: int(np.prod(flow.shape(key))) for key in weights}
    reached = sum(size for key, size in sizes.items() if _can_lose(flow, key))

    assert reached / sum(sizes.values()) >= 0.95


def _can_lose(flow: Flow, parameter: str) -> bool:
    return any(not flow.units.is_fixed(vector).all() for vector in flow.params.get(parameter, {}).values())


def test_every_file_that_can_be_opened_can_be_walked(shared_data: Path):
    paths = sorted((shared_data / "models").rglob("*.onnx"))
    walked = 0
    for path in paths:
        try:
            proto = load_model(path).to_proto()
        except ModelError:
            continue
        fold_constants(proto)
        unit_groups(walk(proto))
        walked += 1

    assert walked > len(paths) / 2


@pytest.mark.parametrize("name", _QUANTIZED)
def test_a_quantized_model_keeps_all_and_says_why(shared_data: Path, name: str):
    flow = walk(_proto(_model(shared_data, name)))

    assert all(flow.units.is_fixed(labels).all() for labels in flow.labels.values())
    layers = [node for node in flow.graph.node if node.op_type in (*_LAYERS, "QLinearConv")]
    assert layers
    for node in layers:
        assert flow.stopped[node.output[0]].startswith(f"{node.op_type} ")
        assert flow.stopped[node.output[0]].endswith(("quantized already", "channels are not followed through it"))
