"""The `.ort` file opens in ONNX Runtime and answers as the ONNX model does."""

from pathlib import Path

import numpy as np
import onnxruntime
import pytest
from onnx import TensorProto, helper, numpy_helper

from workbench.plugin_api import Exporter, ExportError
from workbench.plugin_loader import load_plugins

_OPENED_BY_PHONES = b"ORTM"  # the file identifier of the format, at byte 4 as in every flat buffer


@pytest.fixture
def exporter() -> Exporter:
    return load_plugins().exporter("ort")


def _run(model: bytes | str, images: np.ndarray) -> np.ndarray:
    session = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])
    return session.run(None, {session.get_inputs()[0].name: images})[0]


def test_the_file_is_in_ort_format_and_gives_the_same_answers(
    exporter: Exporter, demo_folder: Path, tmp_path: Path
) -> None:
    model = (demo_folder / "digits.onnx").read_bytes()
    images = np.load(demo_folder / "digits.npz")["x"].transpose(0, 3, 1, 2).astype(np.float32) / 255

    exporter.write(model, tmp_path / "digits.ort")

    assert (tmp_path / "digits.ort").read_bytes()[4:8] == _OPENED_BY_PHONES
    np.testing.assert_allclose(_run(str(tmp_path / "digits.ort"), images), _run(model, images), atol=1e-5)


def test_weights_that_are_unpacked_at_load_are_stored_unpacked(exporter: Exporter, tmp_path: Path) -> None:
    codes = numpy_helper.from_array(np.arange(-50, 50, dtype=np.int8).reshape(10, 10), "codes")
    nodes = [
        helper.make_node("Cast", ["codes"], ["weight"], to=TensorProto.FLOAT),
        helper.make_node("MatMul", ["x", "weight"], ["y"]),
    ]
    graph = helper.make_graph(
        nodes,
        "packed",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, (1, 10))],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, (1, 10))],
        [codes],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=7).SerializeToString()

    exporter.write(model, tmp_path / "packed.ort")

    written = (tmp_path / "packed.ort").read_bytes()
    assert np.arange(-50, 50, dtype=np.float32).tobytes() in written


def test_nothing_is_left_behind_when_the_model_cannot_be_read(exporter: Exporter, tmp_path: Path) -> None:
    with pytest.raises(ExportError, match=r"broken\.ort: ONNX Runtime could not write this model"):
        exporter.write(b"no model", tmp_path / "broken.ort")

    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_is_not_there_is_an_error_for_people(exporter: Exporter, tmp_path: Path) -> None:
    with pytest.raises(ExportError, match="cannot be written: No such file"):
        exporter.write(b"", tmp_path / "missing" / "model.ort")
