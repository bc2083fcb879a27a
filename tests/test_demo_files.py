"""The built-in demo keeps its promises: good enough, small, and readable without what made it."""

from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import yaml


def test_the_demo_model_is_right_on_97_per_cent_of_samples_it_never_saw(demo_folder: Path) -> None:
    samples = np.load(demo_folder / "digits.npz")
    sidecar = yaml.safe_load((demo_folder / "digits.data.yaml").read_text(encoding="utf-8"))
    session = onnxruntime.InferenceSession(demo_folder / "digits.onnx", providers=["CPUExecutionProvider"])

    images = (samples["x"].transpose(0, 3, 1, 2) * np.float32(sidecar["scale"])).astype(np.float32)
    (scores,) = session.run(None, {session.get_inputs()[0].name: images})

    assert len(images) >= 500
    assert np.mean(scores.argmax(axis=1) == samples["y"]) >= 0.97


def test_the_demo_layers_differ_and_the_batch_size_is_free(demo_folder: Path) -> None:
    model = onnx.load(demo_folder / "digits.onnx")
    convolutions = [node for node in model.graph.node if node.op_type == "Conv"]
    groups = {attribute.i for node in convolutions for attribute in node.attribute if attribute.name == "group"}

    assert groups == {1, 72}, "plain and depthwise"
    assert {"Add", "Gemm"} <= {node.op_type for node in model.graph.node}
    assert model.graph.input[0].type.tensor_type.shape.dim[0].dim_param == "N"


def test_the_demo_is_small_enough_to_ship(demo_folder: Path) -> None:
    assert sum(file.stat().st_size for file in demo_folder.iterdir()) < 600_000
