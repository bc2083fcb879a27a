"""Opening models: layers, names, hand-counted multiply-adds, and what is refused."""

from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from workbench.engine.core.errors import ModelError
from workbench.engine.core.layer import ModelInfo
from workbench.engine.graph.model import load_model


@pytest.fixture
def small(tmp_path: Path) -> Path:
    """A convolution and a matrix product, with weights large enough to stay on disk."""
    conv = np.arange(108, dtype=np.float32).reshape(4, 3, 3, 3) % 7 - 3
    head = np.arange(1440, dtype=np.float32).reshape(144, 10) % 5
    graph = helper.make_graph(
        [
            helper.make_node("Conv", ["x", "conv.weight", "conv.bias"], ["c"]),
            helper.make_node("Flatten", ["c"], ["f"]),
            helper.make_node("MatMul", ["f", "head.weight"], ["y"]),
        ],
        "g",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["N", 3, 8, 8])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["N", 10])],
        [
            numpy_helper.from_array(conv, "conv.weight"),
            numpy_helper.from_array(np.ones(4, np.float32), "conv.bias"),
            numpy_helper.from_array(head, "head.weight"),
        ],
    )
    path = tmp_path / "model.onnx"
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8), str(path))
    return path


def test_layers_are_named_by_their_modules_and_counted_by_hand(small: Path):
    info = load_model(small).info

    assert [layer.name for layer in info.layers] == ["conv", "head"]
    assert info.layers[0].macs == 4 * 6 * 6 * 3 * 3 * 3
    assert info.layers[1].macs == 144 * 10
    assert info.layers[0].num_params == 4 * 3 * 3 * 3 + 4
    assert info.num_params == 108 + 4 + 1440


def test_weights_left_in_the_file_are_the_ones_that_were_saved(small: Path):
    model = load_model(small)

    expected = onnx.numpy_helper.to_array(onnx.load(str(small)).graph.initializer[2])
    assert np.array_equal(model.weight("head"), expected)
    assert model.to_proto() == onnx.load(str(small))


def test_statistics_are_those_of_numpy(small: Path):
    model = load_model(small)

    statistics = model.info.layer("conv").statistics
    weight = model.weight("conv")
    assert statistics is not None
    assert (statistics.minimum, statistics.maximum) == (weight.min(), weight.max())
    assert statistics.mean == pytest.approx(weight.mean())
    assert statistics.std == pytest.approx(weight.std())
    assert statistics.sparsity == pytest.approx(np.mean(weight == 0))
    assert statistics.magnitudes[-1] == weight.size


@pytest.mark.parametrize(
    ("content", "word"),
    [
        (b"", "empty"),
        (b"<html>", "web page"),
        (b"PK\x03\x04rest", "zip"),
        (b"version https://git-lfs", "LFS"),
        (b"\x08\x08\x12", "cut off"),
    ],
    ids=["empty", "page", "zip", "pointer", "truncated"],
)
def test_what_is_no_model_is_said_in_one_line(tmp_path: Path, content: bytes, word: str):
    path = tmp_path / "model.onnx"
    path.write_bytes(content)

    with pytest.raises(ModelError) as caught:
        load_model(path)

    assert word in str(caught.value)
    assert "\n" not in str(caught.value)


def test_external_data_outside_the_folder_is_refused(tmp_path: Path, small: Path):
    (tmp_path / "secret").write_bytes(b"\0" * 6000)
    folder = tmp_path / "model"
    folder.mkdir()
    proto = onnx.load(str(small))
    tensor = proto.graph.initializer[2]
    onnx.external_data_helper.set_external_data(tensor, "../secret")
    tensor.ClearField("raw_data")
    tensor.ClearField("float_data")
    (folder / "model.onnx").write_bytes(proto.SerializeToString())

    with pytest.raises(ModelError, match="outside the model's folder"):
        load_model(folder / "model.onnx")


def test_each_stress_file_gives_a_table_or_one_line(shared_data: Path):
    files = sorted((shared_data / "models" / "stress").rglob("*.onnx"))
    assert len(files) >= 170

    for path in files:
        info, message = _opened(path)
        assert "\n" not in message, path
        if info is not None:
            names = [layer.name for layer in info.layers]
            assert len(set(names)) == len(names), path
            assert all(layer.editable or layer.reason for layer in info.layers), path


def _opened(path: Path) -> tuple[ModelInfo | None, str]:
    try:
        return load_model(path).info, ""
    except ModelError as error:
        return None, str(error)
