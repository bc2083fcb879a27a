"""Packed weights come back bit by bit when an unmodified onnxruntime opens the file, and it folds them."""

from pathlib import Path

import numpy as np
import onnx
import onnxruntime as ort
import pytest
from onnx import TensorProto, helper

from workbench.engine.compress.storage.node_list import NodeList
from workbench.engine.compress.storage.packing import add_weight
from workbench.engine.compress.storage.unpack_nodes import LookUpTables
from workbench.engine.compress.weights.compressed_layer import compress_weight
from workbench.engine.compress.weights.compressed_weight import CompressedWeight
from workbench.engine.core.bit_layout import packed_arrays
from workbench.engine.core.footprint import Encoding, Storage
from workbench.engine.core.recipe import WeightSettings
from workbench.engine.core.storage_choice import possible_storages


def _model(weight: CompressedWeight, storage: Storage, opset: int) -> bytes:
    shared, own = NodeList("t", ()), NodeList("w", ())
    add_weight(own, LookUpTables(shared), weight, storage, opset=opset, dtype=TensorProto.FLOAT, output="weight")
    zero = helper.make_tensor_value_info("x", TensorProto.FLOAT, [1])
    graph = helper.make_graph(
        [*shared.nodes, *own.nodes, helper.make_node("Add", ["weight", "x"], ["y"])],
        "g",
        [zero],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, weight.rows.shape)],
        [*shared.initializers, *own.initializers],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=8)
    onnx.checker.check_model(model, full_check=True)
    return bytes(model.SerializeToString())


def _opened(data: bytes, tmp_path: Path) -> tuple[np.ndarray, list[str]]:
    """The weight as onnxruntime has it, and the operators that are left after folding."""
    options = ort.SessionOptions()
    options.optimized_model_filepath = str(tmp_path / "optimized.onnx")
    options.log_severity_level = 3
    session = ort.InferenceSession(data, options)
    left = [node.op_type for node in onnx.load(options.optimized_model_filepath).graph.node]
    return session.run(None, {"x": np.zeros(1, np.float32)})[0], left


@pytest.mark.parametrize("shape", [(7, 5, 3, 3), (8, 16)], ids=["odd", "even"])
@pytest.mark.parametrize("granularity", ["per_tensor", "per_channel", "per_group_8", "per_group_6"])
@pytest.mark.parametrize("symmetric", [True, False], ids=["symmetric", "asymmetric"])
@pytest.mark.parametrize("bits", [2, 3, 4, 5, 6, 7, 8, 9, 12, 16])
def test_every_width_comes_back_bit_by_bit(
    bits: int, symmetric: bool, granularity: str, shape: tuple[int, ...], tmp_path: Path
):
    weight = np.random.default_rng(bits).standard_normal(shape).astype(np.float32)
    compressed = compress_weight(weight, 0, None, WeightSettings(bits, granularity, symmetric))

    found, left = _opened(_model(compressed, Storage(Encoding.BITS, bits if bits <= 8 else 16), 9), tmp_path)

    assert np.array_equal(found, compressed.dense())
    assert left == ["Add"], "everything else is folded at load"
    assert len(np.unique(compressed.codes)) <= 1 << bits


@pytest.mark.parametrize("threshold", [0.5, 1.5, 99.0], ids=["some", "most", "all"])
@pytest.mark.parametrize(
    "settings",
    [None, WeightSettings(3), WeightSettings(8), WeightSettings(16)],
    ids=["float", "3 bit", "8 bit", "16 bit"],
)
def test_sparse_weights_come_back_bit_by_bit(settings: WeightSettings | None, threshold: float, tmp_path: Path):
    weight = np.random.default_rng(5).standard_normal((9, 5, 3, 3)).astype(np.float32)
    compressed = compress_weight(weight, 0, np.abs(weight) >= threshold, settings)

    found, left = _opened(_model(compressed, Storage(Encoding.MASK, settings and settings.bits), 11), tmp_path)

    assert np.array_equal(found, compressed.dense())
    assert left == ["Add"], "everything else is folded at load"
    assert np.all(found[np.abs(weight) < threshold] == 0)


@pytest.mark.parametrize("stored_bits", [4, 8, None], ids=["wider codes", "whole bytes", "rounded floats"])
@pytest.mark.parametrize("threshold", [0.0, 1.5], ids=["dense", "sparse"])
@pytest.mark.parametrize("symmetric", [True, False], ids=["symmetric", "asymmetric"])
def test_few_bits_in_a_larger_store_come_back_bit_by_bit(
    symmetric: bool, threshold: float, stored_bits: int | None, tmp_path: Path
):
    weight = np.random.default_rng(8).standard_normal((7, 5)).astype(np.float32)
    kept = np.abs(weight) >= threshold if threshold else None
    compressed = compress_weight(weight, 0, kept, WeightSettings(3, symmetric=symmetric))

    for storage in possible_storages(compressed.tensor_shape):
        if storage.bits == stored_bits:
            found, left = _opened(_model(compressed, storage, 11), tmp_path)

            assert np.array_equal(found, compressed.dense()), storage
            assert left == ["Add"], "everything else is folded at load"


def test_matmul_weights_keep_one_scale_a_column(tmp_path: Path):
    weight = np.random.default_rng(6).standard_normal((12, 4)).astype(np.float32) * [1, 10, 100, 1000]
    compressed = compress_weight(weight.astype(np.float32), 1, None, WeightSettings(8))

    found, _ = _opened(_model(compressed, Storage(Encoding.BITS, 8), 9), tmp_path)

    largest = np.abs(weight).max(axis=0)
    assert np.all(np.abs(found - weight).max(axis=0) <= largest / 127 / 2 * 1.0001)


def test_three_bits_of_a_large_convolution_take_their_ideal_bytes():
    weight = np.random.default_rng(7).standard_normal((256, 256, 3, 3)).astype(np.float32)
    compressed = compress_weight(weight, 0, None, WeightSettings(3))

    data = _model(compressed, Storage(Encoding.BITS, 3), 13)

    ideal = 256 * 256 * 9 * 3 // 8
    assert sum(packed_arrays(256 * 256 * 9, 3)) == ideal
    assert len(data) <= 1.01 * ideal + 1500
