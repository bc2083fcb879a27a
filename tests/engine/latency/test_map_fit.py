import numpy as np
import pytest

from workbench.engine.latency.learn_prior import LearningSettings, learn_prior
from workbench.engine.latency.map_fit import Measured, fit_costs, outlier_weights


def runs(costs: np.ndarray, seed: int = 0, count: int = 40) -> Measured:
    """Networks with random features on runs of given costs, shape (D, K), without noise."""
    rng = np.random.default_rng(seed)
    features = rng.lognormal(0, 1.5, (len(costs), count, costs.shape[1]))
    return Measured(features, np.log((features * costs[:, None]).sum(2)), np.ones((len(costs), count)))


def test_costs_are_found_again_where_the_prior_is_weak():
    costs = np.array([[0.5, 2.0, 8.0]])

    fitted = fit_costs(runs(costs), np.zeros((1, 3)), np.eye(3) * 1e-4, 0.05)

    assert np.exp(fitted.log_costs) == pytest.approx(costs, rel=1e-3)


def test_one_outlier_hardly_moves_them():
    measured = runs(np.array([[0.5, 2.0, 8.0]]))
    measured.log_ms[0, 3] += np.log(10)

    fitted = fit_costs(measured, np.zeros((1, 3)), np.eye(3) * 1e-4, 0.05)

    assert np.exp(fitted.log_costs[0]) == pytest.approx([0.5, 2.0, 8.0], rel=0.1)


def test_an_outlier_counts_less_the_further_it_is_off():
    weights = outlier_weights(np.array([0.0, 0.1, -0.2, 1.0]), 0.1)

    # (4 + 1) / (4 + r²) for residuals of 0, 1, 2 and 10 standard deviations.
    assert weights == pytest.approx([1.25, 1.0, 0.625, 5 / 104])


def test_what_no_network_asks_for_keeps_the_cost_of_the_prior():
    measured = runs(np.array([[0.5, 2.0, 8.0]]))
    measured.features[..., 2] = 0
    measured.log_ms[:] = np.log((measured.features * [0.5, 2.0, 8.0]).sum(2))

    fitted = fit_costs(measured, np.log([[1.0, 1.0, 3.0]]), np.eye(3), 0.05)

    assert np.exp(fitted.log_costs[0, 2]) == pytest.approx(3.0)


def test_weights_of_zero_are_no_measurements():
    measured = runs(np.array([[1.0, 1.0]]))
    measured.log_ms[0, 10:] = 100.0
    measured.weights[0, 10:] = 0.0

    fitted = fit_costs(measured, np.zeros((1, 2)), np.eye(2) * 1e-4, 0.05)

    assert np.exp(fitted.log_costs[0]) == pytest.approx([1.0, 1.0], rel=1e-3)


def test_the_prior_learns_the_proportions_that_all_runs_share():
    rng = np.random.default_rng(1)
    speeds = rng.lognormal(0, 1, 30)
    costs = speeds[:, None] * np.array([1.0, 4.0, 16.0])
    names = (("a", "b", "c"), ("constant",))

    prior = learn_prior(
        runs(costs, count=8), np.ones((30, 1)), np.zeros(3), names, LearningSettings(floor_ms=0.0, rounds=8)
    )

    mean = prior.mean(np.ones(1))
    assert np.exp(mean - mean[0]) == pytest.approx([1.0, 4.0, 16.0], rel=0.1)


def test_one_measurement_scales_a_new_run_to_it():
    mean, precision = np.log([[1.0, 4.0]]), np.linalg.inv(np.eye(2) * 0.01 + 4.0)
    one = Measured(np.array([[[1.0, 1.0]]]), np.log([[50.0]]), np.ones((1, 1)))

    fitted = fit_costs(one, mean, precision, 0.05)

    assert np.exp(fitted.log_costs[0]) == pytest.approx([10.0, 40.0], rel=0.1)
