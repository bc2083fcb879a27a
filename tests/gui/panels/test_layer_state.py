from dataclasses import replace

import numpy as np

from workbench.engine.core.recipe import Prune, Recipe, WeightRule
from workbench.gui.magnitude_tables import sparsity_at, threshold_at
from workbench.gui.panels.layer_state import LayerStates


def test_the_worked_example_prunes_four_of_nine(make_layer, make_model):
    # |w| < 0.3 on this matrix zeroes 0.2, -0.1, -0.2 and 0.1; the table's step of 0.0007 cannot split 0.3.
    weight = np.array([[0.2, -0.1, 0.5], [0.301, 0.7, -0.2], [-0.4, 0.1, 0.6]], np.float32)
    layer = make_layer("a", weight)
    states = LayerStates()

    states.reset(make_model(layer), Recipe().with_rule("a", prune=Prune("weights", threshold=0.3)))

    assert abs(states.of(layer).sparsity - 4 / 9) < 1e-6


def test_a_pattern_has_a_sparsity_and_no_threshold(make_layer, make_model):
    # One of every four of 8 input channels stays; the other 2 of the 10 fill no run: 12 of 20 weights go.
    layer = make_layer("a", np.ones((2, 10), np.float32))
    states = LayerStates()

    states.reset(make_model(layer), Recipe().with_rule("a", prune=Prune("weights", pattern="1:4")))

    assert (states.of(layer).sparsity, states.of(layer).threshold) == (0.6, 0.0)


def test_threshold_and_sparsity_are_inverse(make_layer):
    # Uniform on [-1, 1]: the threshold that zeroes a share s of the weights is s itself.
    layer = make_layer("a", np.linspace(-1, 1, 20_001, dtype=np.float32).reshape(3, -1))

    assert abs(threshold_at(layer, 0.25) - 0.25) < 2e-3
    assert abs(sparsity_at(layer, 0.25) - 0.25) < 2e-3


def test_global_scope_prunes_the_smaller_weights_first(make_layer, make_model):
    # 1,000 weights uniform on [0, 1] and 1,000 on [0, 10]: half of all, 1,000, lie below t with
    # 1,000 + 100·t = 1,000 + … for t >= 1, and below 1 only 1,000·t + 100·t = 1,000, so t = 10/11.
    small = make_layer("small", np.linspace(0, 1, 1000, dtype=np.float32).reshape(10, 100))
    large = make_layer("large", np.linspace(0, 10, 1000, dtype=np.float32).reshape(10, 100))
    states = LayerStates()
    prune = Prune("weights", sparsity=0.5, scope="global")

    states.reset(make_model(small, large), Recipe().with_rule("*", prune=prune))

    assert abs(states.of(small).threshold - 10 / 11) < 0.01
    assert abs(states.of(small).sparsity - 10 / 11) < 0.01
    assert abs(states.of(large).sparsity - 1 / 11) < 0.01


def test_weights_that_are_all_zero_have_no_threshold(make_layer, make_model):
    layer = make_layer("a", np.zeros((4, 4), np.float32))
    states = LayerStates()

    states.reset(make_model(layer), Recipe().with_rule("a", prune=Prune("weights", sparsity=0.5)))

    assert states.of(layer).threshold == 0.0


def test_states_that_are_kept_equal_those_resolved_anew(make_layer, make_model):
    weight = np.linspace(-1, 1, 200, dtype=np.float32).reshape(2, 100)
    layers = [make_layer(name, weight) for name in ("a", "b", "c[0]")]
    model = make_model(*layers)
    base = Recipe().with_rule("*", prune=Prune("weights", sparsity=0.5))
    steps = [
        base,
        base.with_rule("a", prune=Prune("weights", sparsity=0.2)),
        base.with_rule(("a", "b"), prune=Prune("weights", sparsity=0.3)),
        base.with_rule("c[[]0]", prune=Prune("none")),
        base.with_rule("*", prune=Prune("weights", sparsity=0.7, scope="global")),
        Recipe(),
        base,
    ]
    kept = LayerStates()

    for recipe in steps:
        kept.reset(model, recipe)
        fresh = LayerStates()
        fresh.reset(model, recipe)

        assert [kept.of(layer) for layer in layers] == [fresh.of(layer) for layer in layers]


def test_bits_that_cannot_be_written_are_shown_as_the_float_that_they_stay(make_layer, make_model):
    layer = make_layer("a", np.ones((2, 3), np.float32))
    states = LayerStates()

    states.reset(make_model(layer), Recipe().with_rule("a", weights=WeightRule(bits=4, range="entropy")))

    assert states.of(layer).bits is None


def test_another_encoding_or_opset_shows_the_bits_that_it_writes(make_layer, make_model):
    model = make_model(make_layer("a", np.ones((4, 64), np.float32)))
    recipe = Recipe().with_rule("a", weights=WeightRule(bits=12))
    groups = replace(Recipe().with_rule("a", weights=WeightRule(bits=4, granularity="per_group_32")), encoding="plain")
    states = LayerStates()
    shown = []

    for asked, opset in ((recipe, 21), (replace(recipe, encoding="plain"), 21), (groups, 21), (groups, 13)):
        states.reset(model, asked, opset)
        shown.append(states.of(model.layers[0]).bits)

    # No standard container for 12 bits, and no blocks before opset 21.
    assert shown == [12, None, 4, None]
