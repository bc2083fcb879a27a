from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from workbench.engine.compress.compressor import Compressor
from workbench.engine.core.plan import LayerPlan
from workbench.engine.core.recipe import ActivationRule, Recipe, WeightRule
from workbench.engine.graph.model import load_model


@pytest.fixture
def compressor(tmp_path: Path) -> Compressor:
    """A model of one layer, 64 by 64 weights between −1 and 1."""
    weight = np.linspace(-1, 1, 64 * 64, dtype=np.float32).reshape(64, 64)
    graph = helper.make_graph(
        [helper.make_node("MatMul", ["x", "w"], ["y"], name="mm")],
        "mm",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [3, 64])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [3, 64])],
        [numpy_helper.from_array(weight, "w")],
    )
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), tmp_path / "m.onnx")
    return Compressor(load_model(tmp_path / "m.onnx"))


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
