"""What is refused, in one line that names the place."""

import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from workbench.engine.core.errors import ModelError
from workbench.engine.graph.model import load_model

Save = Callable[..., Path]


@pytest.mark.parametrize(
    ("graph", "word"),
    [
        ("g (float x) => (float y) { y = Convv(x) }", "no operator of the ONNX standard"),
        ("g (float x) => (float y) { a = Add(x, b) b = Relu(a) y = Relu(b) }", "cycle"),
        ("g (float x) => (float y) { y = Add(x, ghost) }", "'ghost', which nothing gives"),
        ("g (float x) => (float y) { y = Relu(x) y = Abs(x) }", "computed by two nodes"),
        ("g (float x) => (float y) { x = Relu(x) y = Relu(x) }", "both given and computed"),
        ("g (float x) => (float y, float z) { y = Relu(x) }", "'z' is never computed"),
        ('g (float x) => (float y) { y = Einsum<equation="a#b->ab">(x, x) }', "equation"),
        (
            """g (bool c, float x) => (float y) { y = If (c) <
            then_branch = one () => (float a) { a = Add(x, ghost) },
            else_branch = two () => (float b) { b = Relu(x) }> }""",
            "'ghost', which nothing gives",
        ),
    ],
    ids=["operator", "cycle", "dangling", "twice", "shadows-input", "output", "equation", "inside-branch"],
)
def test_broken_graphs_give_one_line(save_text_model: Save, graph: str, word: str):
    with pytest.raises(ModelError) as caught:
        load_model(save_text_model(graph))

    assert word in str(caught.value)
    assert "\n" not in str(caught.value)


def test_long_graph_in_reverse_order_is_checked_in_linear_time(tmp_path: Path):
    nodes = [helper.make_node("Relu", [f"t{index}"], [f"t{index + 1}"]) for index in reversed(range(20_000))]
    graph = helper.make_graph(
        nodes,
        "g",
        [helper.make_tensor_value_info("t0", TensorProto.FLOAT, [1])],
        [helper.make_tensor_value_info("t20000", TensorProto.FLOAT, [1])],
    )
    path = tmp_path / "long.onnx"
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8), str(path))

    start = time.process_time()
    load_model(path)

    # Trying all waiting nodes again and again takes minutes.
    assert time.process_time() - start < 10


def test_too_few_numbers_are_refused(save_text_model: Save):
    path = save_text_model("g (float x) => (float y) { y = MatMul(x, w) }")
    proto = onnx.load(str(path))
    proto.graph.initializer.append(TensorProto(name="w", data_type=TensorProto.FLOAT, dims=[3, 4], float_data=[1.0]))
    path.write_bytes(proto.SerializeToString())

    with pytest.raises(ModelError, match="needs 12 numbers, has 1"):
        load_model(path)


def test_names_that_are_no_text_are_refused(save_text_model: Save):
    path = save_text_model("g (float x) => (float y) { y = Relu(x) }")
    path.write_bytes(path.read_bytes().replace(b"Relu", b"Re\xffu"))

    with pytest.raises(ModelError, match="is not text"):
        load_model(path)


def test_an_input_without_a_type_is_refused(save_text_model: Save):
    path = save_text_model("g (float x) => (float y) { y = Relu(x) }")
    proto = onnx.load(str(path))
    proto.graph.input[0].ClearField("type")
    path.write_bytes(proto.SerializeToString())

    with pytest.raises(ModelError, match="'x' has no type"):
        load_model(path)


def _with_external(save: Save, location: str, length: int = 48, offset: int = 0) -> Path:
    path = save("g (float[N, 3] x) => (float y) { y = MatMul(x, w) }")
    proto = onnx.load(str(path))
    tensor = TensorProto(name="w", data_type=TensorProto.FLOAT, dims=[3, 4], data_location=TensorProto.EXTERNAL)
    for key, value in {"location": location, "offset": str(offset), "length": str(length)}.items():
        tensor.external_data.add(key=key, value=value)
    proto.graph.initializer.append(tensor)
    path.write_bytes(proto.SerializeToString())
    return path


def test_external_data_is_read_in_place_and_belongs_to_the_digest(save_text_model: Save, tmp_path: Path):
    stored = np.arange(12, dtype=np.float32)
    (tmp_path / "weights.bin").write_bytes(b"\0" * 8 + stored.tobytes())
    path = _with_external(save_text_model, "weights.bin", offset=8)

    model = load_model(path)
    weight = model.weight("MatMul_0").copy()
    (tmp_path / "weights.bin").write_bytes(b"\0" * 8 + (stored + 1).tobytes())
    other = load_model(path)

    assert np.array_equal(weight.ravel(), stored)
    assert model.info.file_bytes == path.stat().st_size + 56
    assert model.info.sha256 == other.info.sha256
    assert model.info.digest != other.info.digest


@pytest.mark.parametrize(
    ("location", "length", "word"),
    [
        ("../secret.bin", 48, "outside the model's folder"),
        ("/etc/hostname", 48, "outside the model's folder"),
        ("link.bin", 48, "outside the model's folder"),
        ("nowhere.bin", 48, "missing"),
        ("short.bin", 48, "beyond the end"),
        ("short.bin", 1 << 42, "beyond the end"),
        ("short.bin", 4, "needs 48 bytes"),
        ("a\0b", 48, "that is none"),
    ],
    ids=["parent", "absolute", "symlink", "missing", "truncated", "4-terabytes", "too-short", "nul"],
)
def test_external_data_that_is_not_there_is_refused(
    save_text_model: Save,
    tmp_path: Path,
    tmp_path_factory: pytest.TempPathFactory,
    location: str,
    length: int,
    word: str,
):
    outside = tmp_path_factory.mktemp("outside") / "secret.bin"
    outside.write_bytes(b"\0" * 48)
    (tmp_path / "link.bin").symlink_to(outside)
    (tmp_path / "short.bin").write_bytes(b"\0" * 20)

    with pytest.raises(ModelError, match=word):
        load_model(_with_external(save_text_model, location, length))
