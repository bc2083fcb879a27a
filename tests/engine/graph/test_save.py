"""Raising opsets, and what is known before a model is written."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import numpy_helper
from onnx.reference import ReferenceEvaluator

from workbench.engine.core.errors import ExportError, ModelError
from workbench.engine.graph import save
from workbench.engine.graph.model import load_model
from workbench.engine.graph.opset import opset_of, raised
from workbench.engine.graph.save import check_target, serialize


@pytest.mark.parametrize("listed", [True, False], ids=["weights-are-inputs", "weights-are-not"])
def test_raising_an_old_model_keeps_its_answers_and_makes_weights_constant(
    save_text_model: Callable[..., Path], listed: bool
):
    inputs = "float[2, 3] x, float[3, 4] w" if listed else "float[2, 3] x"
    weight = np.arange(12, dtype=np.float32).reshape(3, 4)
    path = save_text_model(
        f"g ({inputs}) => (float[2, 4] y) {{ a = MatMul(x, w) y = Relu(a) }}",
        {"w": weight},
        'ir_version: 3, opset_import: ["" : 6]',
    )
    x = np.array([[1, -2, 3], [-4, 5, 6]], np.float32)

    proto = raised(load_model(path).to_proto(), 8)

    onnx.checker.check_model(proto)
    assert opset_of(proto) == 8
    assert proto.ir_version >= 4
    assert [info.name for info in proto.graph.input] == ["x"]
    assert np.array_equal(ReferenceEvaluator(proto).run(None, {"x": x})[0], np.maximum(x @ weight, 0))


def test_a_model_that_is_new_enough_keeps_its_opset(save_text_model: Callable[..., Path]):
    proto = load_model(save_text_model("g (float x) => (float y) { y = Relu(x) }")).to_proto()

    assert opset_of(raised(proto, 8)) == 13


def test_the_same_model_gives_the_same_bytes(save_text_model: Callable[..., Path]):
    path = save_text_model("g (float x) => (float y) { y = MatMul(x, w) }", {"w": (30, 40)})

    assert serialize(load_model(path).to_proto()) == serialize(load_model(path).to_proto())


def test_models_over_two_gigabytes_are_refused(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(save, "_LARGEST_BYTES", 10)

    with pytest.raises(ModelError, match="2 GiB"):
        serialize(onnx.ModelProto(producer_name="longer than ten bytes"))


def test_a_target_that_cannot_be_written_is_known_beforehand(tmp_path: Path):
    there = tmp_path / "there.onnx"
    there.write_bytes(b"precious")

    for path, words in (
        (tmp_path, "is a folder"),
        (there, "already exists"),
        (tmp_path / "no" / "new.onnx", "there is no folder"),
    ):
        with pytest.raises(ExportError, match=words):
            check_target(path)
    with pytest.raises(ExportError, match="one of the files that are read"):
        check_target(there, force=True, inputs=[tmp_path / "missing", there])
    check_target(there, force=True)
    check_target(tmp_path / "new.onnx")


def test_raising_brings_no_descriptions_that_were_not_there():
    text = '<ir_version: 7, opset_import: ["" : 13]> m (float[2] x) => (float[2] y) { h = Relu(x) y = Relu(h) }'
    proto = onnx.parser.parse_model(text)

    made = raised(proto, 21)

    assert (opset_of(made), made.ir_version) == (21, 10)
    assert [info.name for info in made.graph.value_info] == []


def test_a_model_that_cannot_be_raised_stays_what_it_was():
    text = '<ir_version: 7, opset_import: ["" : 13]> m (float[2] x) => (float[2] y) { h = Add(x, w) y = Affine(h) }'
    proto = onnx.parser.parse_model(text)
    proto.graph.initializer.append(numpy_helper.from_array(np.float32([1, 2]), "w"))
    before = proto.SerializeToString()

    with pytest.raises(ModelError, match="cannot be raised to 21"):
        raised(proto, 21)

    assert proto.SerializeToString() == before
