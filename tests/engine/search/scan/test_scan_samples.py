"""Drawing the samples of a scan."""

import numpy as np
import pytest

from workbench.engine.search.scan.scan_samples import draw_samples, entropy


def test_a_small_pool_is_taken_whole_and_each_sample_counts_once():
    drawn = draw_samples(np.array([5, 3, 9]), np.array([0.1, 0.5, 0.0]), 3)

    assert drawn.indices.tolist() == [5, 3, 9]
    assert drawn.weights.tolist() == [1, 1, 1]


def test_without_entropies_the_pool_is_taken_in_its_order():
    assert draw_samples(np.arange(10), None, 4).indices.tolist() == [0, 1, 2, 3]


def test_unsure_samples_come_oftener_by_half_of_their_share_of_the_entropy():
    entropies = np.array([0.0] * 9000 + [1.0] * 1000)

    drawn = draw_samples(np.arange(10_000), entropies, 2000)

    # Half of the chances are even, the other half lie on the unsure tenth: 0.5 · 0.1 + 0.5 = 0.55.
    assert np.mean(drawn.indices >= 9000) == pytest.approx(0.55, abs=0.01)
    sure, unsure = drawn.weights[drawn.indices < 9000], drawn.weights[drawn.indices >= 9000]
    # 1 / (P q): 1 / (10,000 · 0.00005) and 1 / (10,000 · 0.00055).
    assert sure == pytest.approx(2.0)
    assert unsure == pytest.approx(1 / 5.5)


def test_the_weighted_mean_is_that_of_the_pool_whatever_is_measured():
    random = np.random.default_rng(0)
    entropies, values = random.gamma(0.3, size=50_000), random.gamma(0.5, size=50_000)

    drawn = draw_samples(np.arange(50_000), entropies, 10_000)

    assert np.average(values[drawn.indices], weights=drawn.weights) == pytest.approx(values.mean(), rel=0.05)


def test_the_first_of_many_samples_are_those_of_few():
    entropies = np.random.default_rng(1).random(300)

    few, many = draw_samples(np.arange(300), entropies, 16), draw_samples(np.arange(300), entropies, 64)

    assert many.indices[:16].tolist() == few.indices.tolist()


def test_entropy_is_that_of_the_textbook():
    # ln 2 for a fair coin, 0 for a certain one.
    rows = np.log(np.array([[0.5, 0.5], [1.0, 1e-30]]))

    assert entropy(rows) == pytest.approx([np.log(2), 0.0])
