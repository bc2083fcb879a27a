from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from workbench.engine.compress.compressor import Compressor
from workbench.engine.compress.storage.weight_storage import planned_bytes, stored_smallest, written_tensors
from workbench.engine.core.recipe import Prune, Recipe, WeightRule
from workbench.engine.graph.model import load_model


def _matmul(path: Path, weight: np.ndarray, *, others: int = 0, opset: int = 17) -> Path:
    """One MatMul by the weight, and some initializers of 400 bytes that nothing reads."""
    batch = list(weight.shape[:-2])
    tensors = [numpy_helper.from_array(weight, "w")]
    tensors += [numpy_helper.from_array(np.zeros(100, np.float32), f"unread{number}") for number in range(others)]
    graph = helper.make_graph(
        [helper.make_node("MatMul", ["x", "w"], ["y"], name="mm")],
        "mm",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [*batch, 3, weight.shape[-2]])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [*batch, 3, weight.shape[-1]])],
        tensors,
    )
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=8), path)
    return path


def _foreseen(compressor: Compressor, recipe: Recipe) -> int:
    """Bytes of the file by the footprint's arithmetic."""
    footprint = compressor.footprint()
    tensors = written_tensors(compressor.model.info, compressor.plan(recipe).layers)
    return planned_bytes(tensors, stored_smallest(tensors, footprint), footprint)


# Headers are measured on a small weight with as many axes; one of four to each axis would here be one of 16 million.
@pytest.mark.parametrize("num_axes", [2, 5, 12])
def test_the_arithmetic_foresees_the_file_whatever_the_number_of_axes(tmp_path: Path, num_axes: int):
    weight = np.random.default_rng(0).normal(size=(2,) * (num_axes - 2) + (16, 8)).astype(np.float32)
    compressor = Compressor(load_model(_matmul(tmp_path / "m.onnx", weight)))
    recipe = Recipe().with_rule("*", weights=WeightRule(bits=4))

    assert abs(_foreseen(compressor, recipe) - len(compressor.build(compressor.plan(recipe)))) <= 3


def test_what_nothing_reads_is_not_counted_once_a_weight_is_compressed(tmp_path: Path):
    weight = np.random.default_rng(0).normal(size=(16, 8)).astype(np.float32)
    footprint = Compressor(load_model(_matmul(tmp_path / "m.onnx", weight, others=3))).footprint()

    # Three tensors of 400 bytes with 10 to 20 bytes of name and lengths each.
    assert 3 * 410 <= footprint.file_bytes - footprint.rewritten_bytes[8] <= 3 * 430


def _chain(path: Path, num_layers: int, *, opset: int = 17) -> Path:
    """So many square MatMuls of 31 by 31 weights: an odd number, so that codes and masks are padded."""
    weights = np.random.default_rng(0).normal(size=(num_layers, 31, 31)).astype(np.float32)
    nodes = [helper.make_node("MatMul", [f"x{k}", f"w{k}"], [f"x{k + 1}"], name=f"mm{k}") for k in range(num_layers)]
    graph = helper.make_graph(
        nodes,
        "chain",
        [helper.make_tensor_value_info("x0", TensorProto.FLOAT, [3, 31])],
        [helper.make_tensor_value_info(f"x{num_layers}", TensorProto.FLOAT, [3, 31])],
        [numpy_helper.from_array(weight, f"w{k}") for k, weight in enumerate(weights)],
    )
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=8), path)
    return path


@pytest.mark.parametrize("opset", [9, 17])
@pytest.mark.parametrize("select", ["mm10", "*"], ids=["the eleventh layer", "all layers"])
@pytest.mark.parametrize(
    "weights",
    [WeightRule(bits=3), WeightRule(bits=7, symmetric=False), WeightRule(bits=5, granularity="per_group_7")],
    ids=["3 bit", "7 bit asymmetric", "5 bit by ragged groups"],
)
def test_the_arithmetic_foresees_small_files_to_three_bytes(
    tmp_path: Path, weights: WeightRule, select: str, opset: int
):
    compressor = Compressor(load_model(_chain(tmp_path / "m.onnx", 12, opset=opset)))
    whole = Recipe().with_rule(select, weights=weights)

    for recipe in (whole, whole.with_rule(select, prune=Prune("weights", sparsity=0.9))):
        assert abs(_foreseen(compressor, recipe) - len(compressor.build(compressor.plan(recipe)))) <= 3


def test_pruning_that_leaves_the_floats_as_they_are_changes_no_byte(tmp_path: Path):
    compressor = Compressor(load_model(_chain(tmp_path / "m.onnx", 1)))
    recipe = Recipe().with_rule("*", prune=Prune("weights", sparsity=0.001))

    data = compressor.build(compressor.plan(recipe))

    assert len(data) == compressor.footprint().file_bytes == _foreseen(compressor, recipe)
