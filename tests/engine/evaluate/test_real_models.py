"""Real models on real samples, against accuracies that an independent script measured."""

import json
from pathlib import Path

import pytest

from workbench.engine.data.dataset import open_dataset
from workbench.engine.evaluate.evaluation import evaluate
from workbench.engine.runtime.session import RuntimeSession
from workbench.jobs import JobContext

# From the README beside each model: model, data, accuracy.
_PUBLISHED = [
    ("cifar10/resnet20_cifar10_opset13.onnx", "cifar10/cifar10_test_jpeg_A_subset.npz", 0.795),
    ("cifar10/mlperf_tiny_resnet8.float.onnx", "cifar10/cifar10_test_jpeg_halfA.zip", 0.7524),
    ("mnist/mnist-net_256x2.onnx", "mnist/t10k-images-idx3-ubyte.gz", 0.9808),
    ("hand_gesture/keypoint_classifier.onnx", "hand_gesture/keypoint_classifier.npz", 0.9652),
    ("fashion_mnist/fmnist_shuf_dynamo.onnx", "fashion_mnist/fmnist_test_even5000.npz", 0.8938),
    ("imagenet_sample/mobilenet_v1_0_25_224.float.onnx", "imagenet_sample/imagenet_sample_even500_224.zip", 0.564),
    ("imagenet_sample/squeezenet1.1_caffe_bgr227.onnx", "imagenet_sample/imagenet_sample_even500_224.zip", 0.594),
]
_SLOW = [("cifar10/resnet20_cifar10_opset13.onnx", "cifar10/cifar10_test_jpeg_halfA.zip", 0.81)]


def _accuracy(folder: Path, model: str, data: str) -> float:
    pairs = json.loads((folder / "pairs.json").read_text(encoding="utf-8"))
    pair = next(item for item in pairs if item["model"] == model and item["data"] == data)
    given = {"scale": pair["pre"]["scale"], "mean": pair["pre"]["mean"], "std": pair["pre"]["std"]}
    given |= {"labels_offset": pair["label_offset"], "channel_order": "bgr" if pair["pre"].get("bgr") else "rgb"}
    given |= {"resize": pair["pre"]["resize"]} if "resize" in pair["pre"] else {}
    session = RuntimeSession(folder / model)
    return list(evaluate(session, open_dataset(folder / data, given, session.inputs), JobContext()))[-1].figure.value


@pytest.mark.parametrize(("model", "data", "published"), _PUBLISHED, ids=[item[0] for item in _PUBLISHED])
def test_accuracy_is_the_published_one(shared_data: Path, model: str, data: str, published: float):
    assert _accuracy(shared_data / "models", model, data) == pytest.approx(published, abs=5.1e-5)


@pytest.mark.slow
@pytest.mark.parametrize(("model", "data", "published"), _SLOW, ids=[item[0] for item in _SLOW])
def test_accuracy_on_five_thousand_images_is_the_published_one(
    shared_data: Path, model: str, data: str, published: float
):
    assert _accuracy(shared_data / "models", model, data) == pytest.approx(published, abs=5.1e-5)
