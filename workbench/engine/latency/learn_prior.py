"""Learning the prior of costs from many devices: expectation maximization with Laplace's approximation."""

from dataclasses import dataclass, replace

import numpy as np

from workbench.engine.latency.cost_prior import CostPrior, Floats
from workbench.engine.latency.map_fit import Fitted, Measured, fit_costs, outlier_weights

_LEAST_SIGMA = 0.03
# Beyond that the approximation says nothing any more.
_LARGEST_VARIANCE = 0.04
_RUNS_OF_RIDGE = 20
_FIRST_STEPS, _LATER_STEPS = 15, 6


@dataclass(frozen=True, slots=True)
class LearningSettings:
    """How the prior is learned. The figures are those that predicted unseen network families best.

    Args:
        rounds: of expectation and maximization.
        spread: variance of a cost's logarithm before anything is seen.
        spread_weight: how many runs that counts as.
        ridge: how much the traits' weights are held at zero.
        centre_ridge: how much the mean is held at the plausible costs that the search starts from.
        scale_variance: of the logarithm of a run's own factor.
        floor_ms: times near it count less.
        sigma: where the estimate of it starts.
    """

    rounds: int = 6
    spread: float = 0.4
    spread_weight: float = 6.0
    ridge: float = 2.0
    centre_ridge: float = 1e-3
    scale_variance: float = 4.0
    floor_ms: float = 2.0
    sigma: float = 0.1


def with_floor(measured: Measured, floor_ms: float) -> Measured:
    """The same with less weight for times that are not far above the floor."""
    return replace(measured, weights=measured.weights / (1 + (floor_ms / np.exp(measured.log_ms)) ** 2))


def learn_prior(
    measured: Measured,
    traits: Floats,
    first_costs: Floats,
    names: tuple[tuple[str, ...], tuple[str, ...]],
    settings: LearningSettings,
) -> CostPrior:
    """The prior under which the measured runs are most probable.

    Args:
        measured: D runs.
        traits: of the runs, shape (D, P); the first is 1.
        first_costs: logarithms of plausible costs, (K,), where the search starts.
        names: of the features and of the traits.
        settings: see there.

    Source: Dempster, Laird and Rubin 1977 for the method; Tierney and Kadane 1986 for the approximation.
    """
    measured = with_floor(measured, settings.floor_ms)
    num_costs = len(first_costs)
    weights = np.zeros((traits.shape[1], num_costs))
    weights[0] = first_costs
    prior = CostPrior(
        *names, weights, np.eye(num_costs) * settings.spread, settings.scale_variance, settings.sigma,
        settings.floor_ms, np.zeros(num_costs),
    )  # fmt: skip
    start: Floats | None = None
    for turn in range(settings.rounds):
        steps = _FIRST_STEPS if turn == 0 else _LATER_STEPS
        mean = prior.mean(traits)
        fitted = fit_costs(measured, mean, prior.precision, prior.sigma, start=start, steps=steps)
        prior = _maximized(prior, measured, fitted, traits, first_costs, settings)
        start = fitted.log_costs
    return prior


def _maximized(
    prior: CostPrior,
    measured: Measured,
    fitted: Fitted,
    traits: Floats,
    first_costs: Floats,
    settings: LearningSettings,
) -> CostPrior:
    """The prior that fits the costs of all runs best, their uncertainty included."""
    num_runs, num_costs = fitted.log_costs.shape
    inverse = np.linalg.inv(prior.covariance)
    # The factor that is most probable for given costs is this combination of them.
    factor = inverse.sum(0) / (inverse.sum() + 1 / prior.scale_variance)
    shape = fitted.log_costs - ((fitted.log_costs - prior.mean(traits)) @ factor)[:, None]
    ridge = np.eye(traits.shape[1]) * settings.ridge * num_runs / _RUNS_OF_RIDGE
    ridge[0, 0] = settings.centre_ridge
    held_at = np.zeros_like(prior.weights)
    held_at[0] = first_costs
    weights = np.linalg.solve(traits.T @ traits + ridge, traits.T @ shape + ridge @ held_at)
    left = shape - traits @ weights
    without_factor = np.eye(num_costs) - np.outer(np.ones(num_costs), factor)
    spread = without_factor @ fitted.covariance.sum(0) @ without_factor.T
    held = settings.spread_weight * 0.2 * settings.spread * np.eye(num_costs)
    covariance = (left.T @ left + spread + held) / (num_runs + settings.spread_weight)
    counted = outlier_weights(fitted.residuals, prior.sigma) * measured.weights
    squares = fitted.residuals**2 + np.minimum(fitted.variances, _LARGEST_VARIANCE)
    sigma = max(_LEAST_SIGMA, float(np.sqrt((counted * squares).sum() / measured.weights.sum())))
    shape_spread = np.sqrt(np.einsum("dkk->k", without_factor @ fitted.covariance @ without_factor.T) / num_runs)
    return replace(prior, weights=weights, covariance=covariance, sigma=sigma, uncertainty=shape_spread)
