"""Most probable costs of runs, given a prior and some measured times: damped Gauss-Newton on logarithms."""

from dataclasses import dataclass

import numpy as np

from workbench.engine.latency.cost_prior import Floats

# Degrees of freedom of the errors' distribution: published tables hold times that are off by a factor, and four is
# what Lange, Little and Taylor advise for such data.
_FREEDOM = 4
_LONGEST_STEP = 1.5
_SHORTER = 0.4
_MOST_HALVINGS = 6
_CLOSE = 1e-4


@dataclass(frozen=True, slots=True, eq=False)
class Measured:
    """Times of networks on D runs, M at most on each.

    Args:
        features: shape (D, M, K), of whole networks.
        log_ms: natural logarithms of the times, (D, M).
        weights: of each time, (D, M); 0 where there is none, and then the features are any positive ones.
    """

    features: Floats
    log_ms: Floats
    weights: Floats

    def only(self, runs: Floats) -> "Measured":
        """Some of the runs, by a mask of shape (D,)."""
        return Measured(self.features[runs], self.log_ms[runs], self.weights[runs])


@dataclass(frozen=True, slots=True, eq=False)
class Fitted:
    """Logarithms of costs (D, K), their covariance (D, K, K), what is left (D, M), and shares of costs (D, M, K)."""

    log_costs: Floats
    covariance: Floats
    residuals: Floats
    shares: Floats

    @property
    def variances(self) -> Floats:
        """Of the logarithm of each predicted time, shape (D, M), for what the costs are uncertain."""
        return np.asarray((np.matmul(self.shares, self.covariance) * self.shares).sum(2), np.float64)


def fit_costs(
    measured: Measured, mean: Floats, precision: Floats, sigma: float, *, start: Floats | None = None, steps: int = 25
) -> Fitted:
    """The costs z that minimize Σ ρ((log y − log Σ exp(z) x) / σ) + (z − m)' P (z − m) / 2 for each run.

    ρ is that of Student's t: relative errors count, and what is far off hardly counts. Costs are positive as
    exponentials, so that a model that asks less of everything is never estimated slower.

    Args:
        measured: of D runs.
        mean: m, shape (D, K).
        precision: P, (K, K).
        sigma: of the logarithm of a time.
        start: z to begin at; the mean, moved by the factor that fits, if not given.
        steps: at most so many.
    """
    z = _scaled(measured, mean) if start is None else start.copy()
    cost = _objective(measured, z, mean, precision, sigma)
    for _ in range(steps):
        hessian, gradient = _derivatives(measured, z, mean, precision, sigma)
        step = np.clip(np.linalg.solve(hessian, gradient[..., None])[..., 0], -_LONGEST_STEP, _LONGEST_STEP)
        z, new = _damped(measured, z, step, cost, mean, precision, sigma)
        is_done = float(np.max(cost - new, initial=0.0)) < _CLOSE
        cost = new
        if is_done:
            break
    hessian, _ = _derivatives(measured, z, mean, precision, sigma)
    shares, residuals = _shares(measured, z)
    return Fitted(z, np.asarray(np.linalg.inv(hessian), np.float64), residuals, shares)


def outlier_weights(residuals: Floats, sigma: float) -> Floats:
    """How much each residual counts: less, the further off it is.

    Source: Lange, Little and Taylor 1989, "Robust statistical modeling using the t distribution", section 2.
    """
    return np.asarray((_FREEDOM + 1) / (_FREEDOM + (residuals / sigma) ** 2), np.float64)


def _scaled(measured: Measured, mean: Floats) -> Floats:
    _, residuals = _shares(measured, mean)
    total = np.maximum(measured.weights.sum(1), 1e-12)
    return np.asarray(mean + ((residuals * measured.weights).sum(1) / total)[:, None], np.float64)


def _shares(measured: Measured, z: Floats) -> tuple[Floats, Floats]:
    parts = measured.features * np.exp(z)[:, None, :]
    times = parts.sum(2)
    return parts / times[..., None], measured.log_ms - np.log(times)


def _derivatives(measured: Measured, z: Floats, mean: Floats, precision: Floats, sigma: float) -> tuple[Floats, Floats]:
    shares, residuals = _shares(measured, z)
    weights = measured.weights * outlier_weights(residuals, sigma) / sigma**2
    hessian = np.matmul((shares * weights[..., None]).transpose(0, 2, 1), shares) + precision
    gradient = np.matmul((weights * residuals)[:, None, :], shares)[:, 0] - (z - mean) @ precision
    return np.asarray(hessian, np.float64), np.asarray(gradient, np.float64)


def _objective(measured: Measured, z: Floats, mean: Floats, precision: Floats, sigma: float) -> Floats:
    times = np.matmul(measured.features, np.exp(z)[..., None])[..., 0]
    size = (measured.log_ms - np.log(times)) / sigma
    loss = 0.5 * (_FREEDOM + 1) * np.log1p(size**2 / _FREEDOM)
    away = z - mean
    return np.asarray((measured.weights * loss).sum(1) + 0.5 * ((away @ precision) * away).sum(1), np.float64)


def _damped(
    measured: Measured, z: Floats, step: Floats, cost: Floats, mean: Floats, precision: Floats, sigma: float
) -> tuple[Floats, Floats]:
    """Each run's own share of the step that does not make it worse."""
    share = np.ones(len(z))
    for _ in range(_MOST_HALVINGS):
        tried = z + share[:, None] * step
        new = _objective(measured, tried, mean, precision, sigma)
        is_worse = new > cost + 1e-9
        if not is_worse.any():
            break
        share[is_worse] *= _SHORTER
    is_better = new <= cost + 1e-9
    return np.where(is_better[:, None], tried, z), np.where(is_better, new, cost)
