"""Pruning by magnitude: the rule is strict, and the sparsity that is asked is reached."""

import numpy as np
import pytest

from workbench.engine.compress.weights.magnitude import kept_mask, threshold_for_sparsity

WORKED_EXAMPLE = np.float32([[0.2, -0.1, 0.5], [0.3, 0.7, -0.2], [-0.4, 0.1, 0.6]])


def test_worked_example_zeroes_exactly_four_weights():
    kept = kept_mask(WORKED_EXAMPLE, 0.3)

    assert int((~kept).sum()) == 4
    assert bool(kept[1, 0]), "0.3 stays: the rule is strict"


@pytest.mark.parametrize("sparsity", [0.0, 0.1, 0.5, 0.9, 1.0])
def test_the_threshold_for_a_sparsity_gives_it(sparsity: float):
    weight = np.random.default_rng(1).permutation(np.arange(1, 1001)).astype(np.float32)

    threshold = threshold_for_sparsity([weight], sparsity)

    assert int((~kept_mask(weight, threshold)).sum()) == round(1000 * sparsity)


def test_a_global_threshold_takes_the_smallest_of_all_layers():
    small, large = np.float32([0.1, 0.2, 0.3]), np.float32([1.0, 2.0, 3.0])

    threshold = threshold_for_sparsity([small, large], 0.5)

    assert not kept_mask(small, threshold).any()
    assert kept_mask(large, threshold).all()
