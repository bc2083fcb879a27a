from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import onnxruntime as ort
import pytest
from onnx import helper, numpy_helper

from workbench.engine.compress.compressor import Compressor
from workbench.engine.core.plan import LayerPlan
from workbench.engine.core.recipe import ActivationRule, Prune, Recipe, WeightRule
from workbench.engine.graph.model import load_model


@pytest.fixture
def compressor(tmp_path: Path) -> Compressor:
    """A model of one layer, 64 by 64 weights between −1 and 1."""
    return _matmul(tmp_path / "m.onnx", 1)


def _matmul(path: Path, largest: float, dtype: type[np.floating] = np.float32) -> Compressor:
    weight = np.linspace(-largest, largest, 64 * 64).astype(dtype).reshape(64, 64)
    element = helper.np_dtype_to_tensor_dtype(weight.dtype)
    graph = helper.make_graph(
        [helper.make_node("MatMul", ["x", "w"], ["y"], name="mm")],
        "mm",
        [helper.make_tensor_value_info("x", element, [3, 64])],
        [helper.make_tensor_value_info("y", element, [3, 64])],
        [numpy_helper.from_array(weight, "w")],
    )
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), path)
    return Compressor(load_model(path))


def _planned(compressor: Compressor, recipe: Recipe) -> LayerPlan:
    (entry,) = compressor.plan(recipe, has_samples=True).layers
    return entry


def test_twelve_bits_are_written_in_two_bytes_a_weight(compressor: Compressor):
    recipe = Recipe().with_rule("*", weights=WeightRule(bits=12))

    plan = compressor.plan(recipe)

    assert plan.layers[0].reason == ""
    assert 8192 < len(compressor.build(plan)) < 8192 + 4 * 64 + 400


def test_integer_kernels_take_weights_of_eight_bits_at_most(compressor: Compressor):
    recipe = Recipe().with_rule("*", weights=WeightRule(bits=12), activations=ActivationRule(bits=8))

    entry = _planned(compressor, recipe)

    assert entry.weights is None
    assert "integer kernels take weights of 8 bits at most" in entry.reason


def test_the_plain_encoding_refuses_what_it_has_no_container_for(compressor: Compressor):
    recipe = replace(Recipe().with_rule("*", weights=WeightRule(bits=12)), encoding="plain")

    entry = _planned(compressor, recipe)

    assert entry.weights is None
    assert "no container for 12 bits" in entry.reason


def test_float16_weights_take_half_of_the_bytes_and_are_cast_when_the_file_is_opened(
    compressor: Compressor, tmp_path: Path
):
    recipe = Recipe().with_rule("*", weights=WeightRule(bits="float16"))
    plan = compressor.plan(recipe)

    data = compressor.build(plan)

    assert (plan.layers[0].asked, plan.layers[0].done, plan.layers[0].reason) == ("weights float16",) * 2 + ("",)
    assert 2 * 64 * 64 < len(data) < 2 * 64 * 64 + 200
    options = ort.SessionOptions()
    options.optimized_model_filepath = str(tmp_path / "optimized.onnx")
    found = ort.InferenceSession(data, options).run(None, {"x": np.eye(3, 64, dtype=np.float32)})[0]
    assert np.array_equal(found, compressor.model.weight("mm")[:3].astype(np.float16).astype(np.float32))
    assert [node.op_type for node in onnx.load(options.optimized_model_filepath).graph.node] == ["MatMul"]


def test_float16_halves_the_values_behind_a_mask(compressor: Compressor):
    pruned = Recipe().with_rule("*", prune=Prune("weights", sparsity=0.9))
    halved = pruned.with_rule("*", weights=WeightRule(bits="float16"))

    sizes = [len(compressor.build(compressor.plan(recipe))) for recipe in (pruned, halved)]

    # A tenth of the 4,096 weights is kept, two bytes less each; a Cast takes about 35.
    assert sizes[0] - sizes[1] == pytest.approx(2 * 410 - 35, abs=10)


def test_weights_that_float16_cannot_hold_stay_and_the_plan_says_which(tmp_path: Path):
    recipe = Recipe().with_rule("*", weights=WeightRule(bits="float16"))

    beyond = _planned(_matmul(tmp_path / "beyond.onnx", 70_000), recipe)
    within = _planned(_matmul(tmp_path / "within.onnx", 65_504), recipe)

    assert beyond.weights is None
    assert "a weight is 70000" in beyond.reason
    assert (within.weights is not None, within.reason) == (True, "")


def test_weights_of_sixteen_bits_need_no_float16(tmp_path: Path):
    recipe = Recipe().with_rule("*", weights=WeightRule(bits="float16"))

    entry = _planned(_matmul(tmp_path / "m.onnx", 1, np.float16), recipe)

    assert (entry.weights, entry.reason) == (None, "its weights take 16 bits as they are")


def test_integer_kernels_take_no_float16(compressor: Compressor):
    recipe = Recipe().with_rule("*", weights=WeightRule(bits="float16"), activations=ActivationRule(bits=8))

    entry = _planned(compressor, recipe)

    assert entry.weights is None
    assert "not float16" in entry.reason


def test_a_later_width_takes_float16_back():
    recipe = Recipe().with_rule("*", weights=WeightRule(bits="float16")).with_rule("a", weights=WeightRule(bits=4))

    settings = recipe.settings_for("a", "Conv").weights

    assert settings is not None
    assert (settings.bits, settings.floating) == (4, False)
