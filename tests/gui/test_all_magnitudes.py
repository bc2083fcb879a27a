"""Counts of many layers at once, against counting the weights themselves."""

from dataclasses import replace

import numpy as np
import pytest

from workbench.engine.compress.weights.magnitude import threshold_for_sparsity
from workbench.engine.graph.statistics import weight_statistics
from workbench.gui.all_magnitudes import AllMagnitudes
from workbench.gui.magnitude_tables import sparsity_at, threshold_at


@pytest.fixture
def make_read_layer(make_layer):
    """A layer with the statistics that the engine makes of its weights."""
    return lambda name, weight: replace(make_layer(name, weight), statistics=weight_statistics(weight))


def on_levels(step: float, seed: int = 0) -> np.ndarray:
    """2,000 weights on about 60 levels, as of a tensor that was quantized before."""
    return (np.round(np.random.default_rng(seed).normal(size=(20, 100)) * 10) * step).astype(np.float32)


def test_weights_on_few_levels_are_counted_exactly(make_read_layer):
    weights = [on_levels(0.01), on_levels(0.003, seed=1)]
    magnitudes = AllMagnitudes([make_read_layer(str(number), weight) for number, weight in enumerate(weights)])

    for threshold in (0.003, 0.02, 0.1, 0.1001, 9.0):
        found = magnitudes.zeros_below(np.arange(2), threshold)

        assert found.tolist() == [int((np.abs(weight) < np.float32(threshold)).sum()) for weight in weights]


@pytest.mark.parametrize("sparsity", [0.001, 0.1, 0.5, 0.93, 1.0])
def test_one_threshold_for_layers_on_few_levels_is_the_engines_own(make_read_layer, sparsity):
    weights = [on_levels(0.01), on_levels(0.003, seed=1)]
    magnitudes = AllMagnitudes([make_read_layer(str(number), weight) for number, weight in enumerate(weights)])

    found = magnitudes.common_threshold(np.arange(2), sparsity)

    assert found == threshold_for_sparsity(weights, sparsity)


def test_equal_magnitudes_go_together_and_others_as_asked(make_read_layer):
    continuous = np.random.default_rng(2).normal(size=(50, 100)).astype(np.float32)
    weights = [on_levels(0.01), continuous]
    magnitudes = AllMagnitudes([make_read_layer(str(number), weight) for number, weight in enumerate(weights)])

    levels, others = magnitudes.zeros_at_sparsity(np.arange(2), 0.5).tolist()

    assert levels == int((np.abs(weights[0]) < threshold_for_sparsity(weights[:1], 0.5)).sum()) > 1000
    assert others == 2500


def test_a_crowd_about_zero_is_not_taken_for_a_level(make_read_layer):
    # Four in ten lie in the first of the table's steps, all of them different.
    weight = np.random.default_rng(3).normal(size=(40, 100)).astype(np.float32) ** 5
    magnitudes = AllMagnitudes([make_read_layer("a", weight)])

    assert magnitudes.zeros_at_sparsity(np.arange(1), 0.02).tolist() == [80]


def test_half_of_the_weights_at_zero_need_no_threshold_to_be_counted(make_read_layer):
    weight = np.random.default_rng(4).normal(size=(40, 100)).astype(np.float32)
    weight[:20] = 0
    layer = make_read_layer("a", weight)
    magnitudes = AllMagnitudes([layer])

    threshold = magnitudes.common_threshold(np.arange(1), 0.4)

    assert magnitudes.zeros_below(np.arange(1), threshold).tolist() == [2000]
    assert sparsity_at(layer, threshold) == pytest.approx(0.5, abs=1e-4)


def test_a_small_layers_threshold_is_the_engines_own(make_read_layer):
    weight = np.random.default_rng(5).normal(size=(9, 100)).astype(np.float32)

    assert threshold_at(make_read_layer("a", weight), 0.3) == threshold_for_sparsity([weight], 0.3)
