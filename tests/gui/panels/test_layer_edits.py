import numpy as np
import pytest

from workbench.engine.core.recipe import FLOAT, Prune, Recipe, WeightRule
from workbench.gui.panels import layer_edits


@pytest.fixture
def model(make_layer, make_model):
    ones = np.ones((2, 3, 3, 3), np.float32)
    return make_model(
        make_layer("a", ones),
        make_layer("b", ones),
        make_layer("c[1]", np.ones((2, 3, 1, 1), np.float32)),
        make_layer("d", np.ones((4, 5), np.float32), "Gemm"),
        make_layer("e", ones, editable=False),
    )


def test_sparsity_of_one_layer_is_one_rule(model):
    recipe = layer_edits.with_sparsity(Recipe(), model, model.layers[:1], 0.6)

    assert [(rule.select, rule.prune) for rule in recipe.rules] == [(("a",), Prune("weights", sparsity=0.6))]


def test_a_name_with_brackets_is_no_pattern(model):
    recipe = layer_edits.with_threshold(Recipe(), model, (model.layers[2],), 0.02)

    assert layer_edits.pruning_of(recipe, model.layers[2]) == Prune("weights", threshold=0.02)
    assert layer_edits.pruning_of(recipe, model.layers[0]) is None


def test_all_layers_of_an_operator_are_selected_by_the_operator(model):
    assert layer_edits.selectors_for(model, model.layers[:3]) == ("op:Conv",)


def test_all_editable_layers_are_selected_by_a_star(model):
    assert layer_edits.selectors_for(model, model.layers[:4]) == ("*",)


def test_zero_sparsity_of_a_layer_that_is_not_pruned_changes_nothing(model):
    recipe = Recipe()

    assert layer_edits.with_sparsity(recipe, model, model.layers[:1], 0.0) is recipe


def test_a_layer_that_cannot_be_edited_is_left_alone(model):
    recipe = Recipe()

    assert layer_edits.with_weights(recipe, model, (model.layers[4],), WeightRule(bits=4)) is recipe


def test_sparsity_keeps_the_global_scope(model):
    layers = model.layers[:2]
    recipe = layer_edits.with_sparsity(Recipe(), model, layers, 0.5)

    recipe = layer_edits.with_scope(recipe, model, layers, "global")
    recipe = layer_edits.with_sparsity(recipe, model, layers, 0.7)

    assert layer_edits.pruning_of(recipe, layers[1]) == Prune("weights", sparsity=0.7, scope="global")


def test_reset_also_takes_back_what_a_wider_rule_asks(model):
    recipe = Recipe().with_rule("*", weights=WeightRule(bits=4), prune=Prune("weights", sparsity=0.5))

    recipe = layer_edits.with_reset(recipe, model, model.layers[:1])

    assert recipe.settings_for("a", "Conv").is_empty
    assert layer_edits.bits_of(recipe, model.layers[1]) == 4


def test_similar_layers_have_the_same_operator_and_kernel(model):
    assert [layer.name for layer in layer_edits.similar_layers(model, model.layers[0])] == ["a", "b"]


def test_settings_are_copied_whole_to_other_layers(model):
    recipe = Recipe().with_rule("a", weights=WeightRule(3, "per_tensor", False, "mse"))

    recipe = layer_edits.with_same_as(recipe, model, model.layers[0], model.layers[1:2])

    assert recipe.settings_for("b", "Conv") == recipe.settings_for("a", "Conv")


def test_float_settings_are_copied_as_float(model):
    recipe = Recipe().with_rule("b", weights=WeightRule(bits=4))

    recipe = layer_edits.with_same_as(recipe, model, model.layers[0], model.layers[1:2])

    assert recipe.settings_for("b", "Conv").weights is None
    assert recipe.rules[-1].weights == WeightRule(bits=FLOAT)
