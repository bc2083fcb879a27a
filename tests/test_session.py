import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from workbench.engine.core.errors import ExportError
from workbench.engine.core.recipe import Recipe, WeightRule
from workbench.session import Session

_BITS = (2, 3, 4, 5)


def _recipe(bits: int) -> Recipe:
    return Recipe().with_rule("*", weights=WeightRule(bits=bits))


def _one_layer(rows: int) -> onnx.ModelProto:
    weight = np.random.default_rng(0).normal(size=(rows, 8)).astype(np.float32)
    graph = helper.make_graph(
        [helper.make_node("Gemm", ["x", "w"], ["y"], name="fc", transB=1)],
        "one",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n", 8])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["n", rows])],
        [numpy_helper.from_array(weight, "w")],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)


@pytest.fixture
def quick_switches():
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before)


def test_lanes_that_ask_for_different_recipes_each_get_their_own(tmp_path: Path, quick_switches):
    path = tmp_path / "one.onnx"
    onnx.save(_one_layer(64), path)
    session = Session()
    session.open_model(path)
    alone = {bits: session.preview_bytes(_recipe(bits)) for bits in _BITS}
    recipes = {bits: _recipe(bits) for bits in _BITS}

    def ask(bits: int) -> list[int]:
        return [session.preview_bytes(recipes[bits]) for _ in range(150)]

    with ThreadPoolExecutor(len(_BITS)) as lanes:
        together = dict(zip(_BITS, lanes.map(ask, _BITS), strict=True))

    assert {bits: set(sizes) for bits, sizes in together.items()} == {bits: {alone[bits]} for bits in _BITS}


def test_the_same_recipe_on_another_model_is_built_anew(tmp_path: Path):
    session = Session()
    sizes = []
    for rows in (64, 256):
        path = tmp_path / f"{rows}.onnx"
        onnx.save(_one_layer(rows), path)
        session.open_model(path)
        sizes.append(session.preview_bytes(_recipe(8)))

    # 192 rows more: 8 codes of a byte and a scale of four bytes each, and at most a few bytes of longer lengths.
    assert 192 * 12 <= sizes[1] - sizes[0] <= 192 * 12 + 12


@pytest.mark.parametrize("force", [False, True])
@pytest.mark.parametrize("name", ["big.onnx", "big.data"])
def test_what_the_model_is_read_from_is_never_overwritten(tmp_path: Path, name: str, force: bool):
    onnx.save(_one_layer(512), tmp_path / "big.onnx", save_as_external_data=True, location="big.data")
    before = (tmp_path / name).read_bytes()
    session = Session()
    session.open_model(tmp_path / "big.onnx")

    with pytest.raises(ExportError, match="is one of the files"):
        session.export(_recipe(4), tmp_path / name, force=force)

    assert (tmp_path / name).read_bytes() == before


def test_a_target_in_no_folder_is_refused_before_anything_is_computed(tmp_path: Path):
    path = tmp_path / "one.onnx"
    onnx.save(_one_layer(64), path)
    session = Session()
    session.open_model(path)

    with pytest.raises(ExportError, match="there is no folder"):
        session.export(_recipe(4), tmp_path / "nowhere" / "out.onnx")

    assert session._built is None
