"""What a plan stores is never larger than what it could store instead."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import onnxruntime as ort
import pytest
from onnx import TensorProto, helper, numpy_helper

from workbench.engine.compress.compressor import Compressor
from workbench.engine.compress.storage.weight_storage import planned_bytes, stored_smallest, written_tensors
from workbench.engine.core.recipe import Prune, Recipe, WeightRule
from workbench.engine.graph.model import load_model
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


def _in_own_type(path: Path, dtype: int, *, stored: int) -> Path:
    """One MatMul of 24 by 24 weights that are stored in one element type and read in another."""
    values = np.random.default_rng(0).normal(size=(24, 24)).astype(helper.tensor_dtype_to_np_dtype(stored))
    nodes = [helper.make_node("MatMul", ["x", "w"], ["y"], name="mm")]
    if stored != dtype:
        nodes.insert(0, helper.make_node("Cast", ["stored"], ["w"], to=dtype))
    graph = helper.make_graph(
        nodes,
        "mm",
        [helper.make_tensor_value_info("x", dtype, [24, 24])],
        [helper.make_tensor_value_info("y", dtype, [24, 24])],
        [numpy_helper.from_array(values, "stored" if stored != dtype else "w")],
    )
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), path)
    return path


_TYPES = pytest.mark.parametrize(
    ("dtype", "stored"),
    [
        (TensorProto.FLOAT16, TensorProto.FLOAT16),
        (TensorProto.DOUBLE, TensorProto.DOUBLE),
        (TensorProto.BFLOAT16, TensorProto.BFLOAT16),
        (TensorProto.FLOAT, TensorProto.FLOAT16),
        (TensorProto.DOUBLE, TensorProto.FLOAT),
    ],
    ids=["float16", "float64", "bfloat16", "float16 read as float32", "float32 read as float64"],
)


@_TYPES
def test_pruning_makes_no_model_larger_whatever_its_element_type(tmp_path: Path, dtype: int, stored: int):
    compressor = Compressor(load_model(_in_own_type(tmp_path / "m.onnx", dtype, stored=stored)))

    for sparsity in (0.01, 0.5, 0.9):
        data, foreseen = _built(compressor, Recipe().with_rule("*", prune=Prune("weights", sparsity=sparsity)))

        assert abs(foreseen - len(data)) <= 3
        # A Cast reads a name of five characters where it read one of six.
        assert len(data) <= compressor.footprint().file_bytes


@_TYPES
def test_the_weights_that_pruning_leaves_are_the_very_same(tmp_path: Path, dtype: int, stored: int):
    path = _in_own_type(tmp_path / "m.onnx", dtype, stored=stored)
    compressor, before = Compressor(load_model(path)), _weight_as_read(path.read_bytes())

    for sparsity in (0.01, 0.9):
        data, _ = _built(compressor, Recipe().with_rule("*", prune=Prune("weights", sparsity=sparsity)))

        after = _weight_as_read(data)
        assert np.array_equal(after[after != 0], before[after != 0])
        # In bfloat16 two weights may have the same magnitude.
        assert np.count_nonzero(after == 0) == pytest.approx(sparsity * after.size, abs=2)


def _weight_as_read(data: bytes) -> np.ndarray:
    """The weights that reach the MatMul, in double precision; onnxruntime multiplies no bfloat16."""
    proto = onnx.load_from_string(data)
    (node,) = [node for node in proto.graph.node if node.op_type == "MatMul"]
    node.CopyFrom(helper.make_node("Cast", [node.input[1]], ["y"], to=TensorProto.DOUBLE))
    del proto.graph.input[:]
    proto.graph.output[0].type.tensor_type.elem_type = TensorProto.DOUBLE
    found: np.ndarray = ort.InferenceSession(proto.SerializeToString()).run(None, {})[0]
    return found


def _built(compressor: Compressor, recipe: Recipe) -> tuple[bytes, int]:
    """The file that the recipe gives, and the size that the arithmetic foresees."""
    plan, footprint = compressor.plan(recipe), compressor.footprint()
    tensors = written_tensors(compressor.model.info, plan.layers)
    return compressor.build(plan), planned_bytes(tensors, stored_smallest(tensors, footprint), footprint)
