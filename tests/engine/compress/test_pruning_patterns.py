"""A pattern of the recipe is in the plan, in the preview and in the file."""

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import onnx
import pytest

from workbench.engine.compress.activations.calibration import CalibrationSet
from workbench.engine.compress.compressor import Compressor
from workbench.engine.core.errors import RecipeError
from workbench.engine.core.recipe import ActivationRule, Prune, Recipe, WeightRule
from workbench.engine.core.weight_pattern import KeptOfEvery
from workbench.engine.graph.model import model_of_bytes
from workbench.engine.runtime.tapped import tapped_session

_2_OF_4 = Recipe().with_rule("*", prune=Prune("weights", pattern="2:4"))


@pytest.fixture
def bench(shortcut_model: Callable[..., Compressor]) -> Compressor:
    # Convolutions with 3 and 8 input channels, and a Gemm with 8.
    return shortcut_model()


def _weights(data: bytes, names: Sequence[str]) -> list[np.ndarray]:
    """The weights as onnxruntime unpacks them, in the layers' own shapes."""
    session = tapped_session(onnx.load_from_string(data), names)
    return session.run({"x": np.zeros((1, 3, 8, 8), np.float32)})


def test_the_plan_says_what_is_reached_and_what_is_left(bench: Compressor):
    plan = bench.plan(_2_OF_4)

    first, second, last = plan.layers
    assert (first.done, first.pattern) == ("nothing", None)
    assert first.reason == ("pattern 2:4 is not applied: all 3 input channels stay: they do not fill 2:4")
    assert second.done == last.done == "zero 50.0% of the weights, in the pattern 2:4"
    assert (second.pattern, second.num_kept, second.reason) == (KeptOfEvery(2, 4), 288, "")
    assert any("only a runtime with kernels for the pattern" in note for note in plan.notes)


def _original(bench: Compressor) -> list[np.ndarray]:
    return [bench.model.weight(layer.name) for layer in bench.model.info.layers[1:]]


@pytest.mark.parametrize("bits", [None, 4], ids=["float", "4 bit"])
def test_the_file_has_two_zeros_in_every_four_inputs(bench: Compressor, bits: int | None):
    recipe = _2_OF_4.with_rule("*", weights=WeightRule(bits=bits)) if bits else _2_OF_4

    data = bench.build(bench.plan(recipe))

    for weight, original in zip(_weights(data, ["w2", "w3"]), _original(bench), strict=True):
        zeros = weight.reshape(weight.shape[0], -1, 4, *weight.shape[2:]) == 0
        assert (zeros.sum(axis=2) >= 2).all()
        if bits is None:
            kept = weight != 0
            assert np.array_equal(weight[kept], original[kept])
            assert kept.sum() == original.size / 2


def test_the_preview_is_what_the_file_holds(bench: Compressor):
    name = bench.model.info.layers[1].name
    recipe = Recipe().with_rule(name, prune=Prune("weights", pattern="4x1", sparsity=0.75))

    preview = bench.preview(name, recipe)

    (weight,) = _weights(bench.build(bench.plan(recipe)), ["w2"])
    assert (preview.threshold, preview.pruned, preview.sparsity) == (0.0, 0.75, 0.75)
    assert float((weight == 0).mean()) == 0.75
    blocks = weight.reshape(2, 4, 8, 3, 3)
    assert np.isin((blocks == 0).sum(axis=1), (0, 4)).all()


def test_a_pattern_holds_where_activations_are_quantized_too(
    bench: Compressor, samples: Callable[[Compressor], CalibrationSet]
):
    recipe = _2_OF_4.with_rule("*", weights=WeightRule(bits=8), activations=ActivationRule(bits=8))

    data = bench.build(bench.plan(recipe, has_samples=True), samples=samples(bench))

    layer = model_of_bytes(data, Path("m.onnx")).info.layers[1]
    (weight,) = _weights(data, [layer.weight_name])
    assert ((weight.reshape(8, 2, 4, 3, 3) == 0).sum(axis=2) >= 2).all()


def test_a_pattern_that_is_none_is_refused(bench: Compressor):
    with pytest.raises(RecipeError, match="pattern cannot be '4:2'"):
        bench.plan(Recipe().with_rule("*", prune=Prune("weights", pattern="4:2")))


def test_blocks_of_all_layers_together_are_not_done_and_it_is_said(bench: Compressor):
    prune = Prune("weights", pattern="4x1", sparsity=0.5, scope="global")

    entry = bench.plan(Recipe().with_rule("*", prune=prune)).layers[1]

    assert entry.asked == "prune weights in the pattern 4x1, 50.0% of them"
    assert entry.reason == "blocks are chosen layer by layer, not over all layers of the rule"
