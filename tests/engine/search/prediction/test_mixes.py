"""Mixes of a scan's settings: as recipes, and at random."""

import math

import numpy as np

from workbench.engine.core.asked_of_recipe import asked_of_mix, asked_of_recipe, is_as_scanned
from workbench.engine.core.layer import Layer, ModelInfo
from workbench.engine.core.measurement import Figure, Origin
from workbench.engine.core.recipe import Prune, Recipe, WeightRule
from workbench.engine.core.sensitivity import ScanAxes, ScanCell, ScanSetting, SensitivityScan
from workbench.engine.core.sensitivity_table import sensitivity_table
from workbench.engine.search.prediction.mix_recipe import mix_recipe
from workbench.engine.search.prediction.random_mixes import spanning_mixes

_AXES = ScanAxes(weight_bits=(2, 4, 8), sparsities=(0.5, 0.9))
_LAYERS = ("a", "b", "c[0]")


def _scan(layers: tuple[str, ...] = _LAYERS) -> SensitivityScan:
    """Of layers of which each bit less does four times as much."""
    cells = [
        ScanCell(layer, setting, Figure(_kl(setting), "nat", Origin.MEASURED), num_samples=64)
        for layer in layers
        for setting in _AXES.settings
    ]
    return SensitivityScan("m", "d", _AXES, _LAYERS, tuple(cells), 64)


def _kl(setting: ScanSetting) -> float:
    return 4.0 ** -(setting.weights or 0) if setting.weights else 0.01 * (setting.sparsity or 0)


def _info() -> ModelInfo:
    layers = tuple(Layer(name, "Conv", f"{name}.w", f"{name}.y", (4, 4), 16, 64, axis=0) for name in _LAYERS)
    return ModelInfo("net.onnx", "s", "m", 13, 8, "", 48, 400, 192, (), (), layers)


def test_layers_that_are_treated_alike_share_a_rule():
    mix = {"a": ScanSetting(weights=4), "b": ScanSetting(weights=4), "c[0]": ScanSetting(weights=2, sparsity=0.5)}

    recipe = mix_recipe(Recipe(encoding="plain"), _AXES, mix, {})

    assert recipe.encoding == "plain"
    assert [rule.select for rule in recipe.rules] == [("a", "b"), ("c[[]0]",)]
    settings = recipe.settings_for("c[0]", "Conv")
    assert (settings.weights.bits, settings.weights.range) == (2, "mse")
    assert settings.prune("weights").sparsity == 0.5


def test_channels_go_by_the_kind_of_their_layer():
    mix = {"a": ScanSetting(weights=4, ratio=0.25), "b": ScanSetting(ratio=0.25)}

    recipe = mix_recipe(Recipe(), ScanAxes(criterion="l1"), mix, {"a": "filters", "b": "neurons"})

    assert recipe.settings_for("a", "Conv").prune("filters") == Prune("filters", ratio=0.25, criterion="l1")
    assert recipe.settings_for("b", "Gemm").prune("neurons") == Prune("neurons", ratio=0.25, criterion="l1")


def test_rules_of_the_recipe_that_it_begins_with_are_gone():
    base = Recipe().with_rule("*", weights=WeightRule(bits=2))

    assert mix_recipe(base, _AXES, {}, {}).rules == ()


def test_a_recipe_asks_what_its_mix_asks():
    mix = {"a": ScanSetting(weights=4, sparsity=0.5), "c[0]": ScanSetting(activations=8, ratio=0.25)}

    asked = asked_of_recipe(_info(), mix_recipe(Recipe(), _AXES, mix, {}), _LAYERS, {})

    expected = asked_of_mix(_LAYERS, mix)
    for name in ("weight_bits", "activation_bits", "sparsity", "ratio"):
        assert getattr(asked, name).tolist() == getattr(expected, name).tolist()
    assert asked.weight_bits.tolist() == [4, math.inf, math.inf]


def test_of_a_group_the_first_layer_asks_for_all():
    recipe = Recipe().with_rule("b", prune=Prune("filters", ratio=0.5))

    asked = asked_of_recipe(_info(), recipe, _LAYERS, {"b": "a"})

    assert asked.ratio.tolist() == [0.5, 0, 0]


def test_two_of_four_are_half_of_the_weights():
    recipe = Recipe().with_rule("b", prune=Prune("weights", pattern="2:4"))

    assert asked_of_recipe(_info(), recipe, _LAYERS, {}).sparsity.tolist() == [0, 0.5, 0]


def test_another_style_than_the_scanned_one_is_told_apart():
    scanned = Recipe().with_rule("a", weights=WeightRule(bits=4, range="mse")).settings_for("a", "Conv")
    other = Recipe().with_rule("a", weights=WeightRule(bits=4, granularity="per_tensor")).settings_for("a", "Conv")

    assert is_as_scanned(_AXES, scanned)
    assert not is_as_scanned(_AXES, other)


def test_random_mixes_span_mild_and_harsh():
    scan = _scan()
    table = sensitivity_table(scan)

    mixes = spanning_mixes(scan, table, 8)

    kls = [float(table.kl(asked_of_mix(_LAYERS, mix)).sum()) for mix in mixes]
    assert len(mixes) == 8
    assert min(kls) < 0.03
    assert max(kls) > 0.1
    assert np.all(np.diff(kls) > -0.05)


def test_the_same_seed_draws_the_same_mixes():
    scan = _scan()
    table = sensitivity_table(scan)

    assert spanning_mixes(scan, table, 4, seed=3) == spanning_mixes(scan, table, 4, seed=3)
    assert spanning_mixes(scan, table, 4, seed=3) != spanning_mixes(scan, table, 4, seed=4)


def test_layers_of_which_nothing_is_known_are_left_alone():
    scan = _scan(("a",))

    mixes = spanning_mixes(scan, sensitivity_table(scan), 4)

    assert {layer for mix in mixes for layer in mix} == {"a"}


def test_a_scan_that_knows_nothing_gives_no_mixes():
    scan = _scan(())

    assert spanning_mixes(scan, sensitivity_table(scan), 4) == []
