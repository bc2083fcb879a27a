"""What a plan stores is never larger than what it could store instead."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import onnxruntime as ort
import pytest
from onnx import TensorProto, helper, numpy_helper

from workbench.engine.core.recipe import Recipe, WeightRule
from workbench.session import Session

KEYPOINTS = "models/hand_gesture/keypoint_classifier.onnx"


def _matmul_file(path: Path, weight: np.ndarray, opset: int = 17) -> Path:
    graph = helper.make_graph(
        [helper.make_node("MatMul", ["x", "w"], ["y"], name="mm")],
        "mm",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [3, weight.shape[0]])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [3, weight.shape[1]])],
        [numpy_helper.from_array(weight, "w")],
    )
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=8), path)
    return path


def _bits(bits: int, **more: object) -> Recipe:
    return Recipe().with_rule("*", weights=WeightRule(bits=bits, **more))


def test_fewer_bits_never_make_a_larger_file(shared_data: Path):
    session = Session()
    session.open_model(shared_data / KEYPOINTS)

    sizes = [session.preview_bytes(_bits(bits)) for bits in range(2, 9)]

    assert sizes == sorted(sizes)


@pytest.mark.parametrize("symmetric", [True, False], ids=["symmetric", "asymmetric"])
def test_no_file_is_larger_than_the_rounded_floats_would_be(tmp_path: Path, symmetric: bool):
    # Four weights: any node costs more than the twelve bytes that codes could save.
    weight = np.float32([[0.3, -1.0], [0.7, 0.1]])
    session = Session()
    model = session.open_model(_matmul_file(tmp_path / "m.onnx", weight))

    assert session.preview_bytes(_bits(2, symmetric=symmetric)) <= model.file_bytes


def test_rounded_floats_are_what_the_codes_stand_for(tmp_path: Path):
    # Two bits, symmetric: codes −1, 0, 1 of a scale that is the largest of each column, 0.7 and 1.
    weight = np.float32([[0.3, -1.0], [0.7, 0.1]])
    session = Session()
    session.open_model(_matmul_file(tmp_path / "m.onnx", weight))

    session.export(_bits(2), tmp_path / "out.onnx")

    run = ort.InferenceSession(tmp_path / "out.onnx").run(None, {"x": np.eye(3, 2, dtype=np.float32)})[0]
    assert run[:2].tolist() == np.float32([[0, -1], [0.7, 0]]).tolist()


def test_a_file_that_grows_says_so_in_the_plan(tmp_path: Path):
    weight = np.float32([[0.3, -1.0], [0.7, 0.1]])
    session = Session()
    model = session.open_model(_matmul_file(tmp_path / "m.onnx", weight))
    recipe = replace(_bits(8), encoding="plain")

    grows = [note for note in session.plan(recipe).notes if "grows" in note]

    assert session.preview_bytes(recipe) > model.file_bytes
    assert len(grows) == 1
    assert f"from {model.file_bytes:,} " in grows[0]
    assert not [note for note in session.plan(_bits(8)).notes if "grows" in note]
