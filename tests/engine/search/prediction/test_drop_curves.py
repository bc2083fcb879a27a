"""Many curves at once, beside SciPy's least squares, one curve after the other."""

import math

import numpy as np
import pytest
from scipy.optimize import least_squares

from workbench.engine.core.accuracy_prediction import DropCurve, SamplingError, deviation
from workbench.engine.search.prediction.drop_curves import fit_drop_curves

_MOST, _SAMPLING = 0.7, SamplingError(0.001, 0.000004)


def _by_scipy(kls: list[float], drops: list[float], counts: list[float]) -> DropCurve:
    """Four weighings, each by the curve before; logarithms of scale and shape held near 0 and −0.2."""
    logs = np.array([0.0, -0.2])
    for _ in range(4):
        curve = DropCurve(_MOST, *np.exp(logs).tolist())
        sure = [math.sqrt(count) / deviation(curve, _SAMPLING, kl) for kl, count in zip(kls, counts, strict=True)]

        def residuals(tried: np.ndarray, sure: list[float] = sure) -> list[float]:
            curve = DropCurve(_MOST, *np.exp(tried).tolist())
            off = [each * (drop - curve.drop(kl)) for each, kl, drop in zip(sure, kls, drops, strict=True)]
            return [*off, tried[0] / 1.5, (tried[1] + 0.2) / 0.4]

        logs = least_squares(residuals, logs, xtol=1e-12, ftol=1e-12, gtol=1e-12).x
    return DropCurve(_MOST, *np.exp(logs).tolist())


@pytest.mark.parametrize("seed", range(6))
def test_each_is_the_curve_that_least_squares_find(seed: int):
    rng = np.random.default_rng(seed)
    true = DropCurve(_MOST, math.exp(rng.normal()), math.exp(0.4 * rng.normal()))
    kls = np.exp(rng.uniform(-5, 2, 12) + 0.3 * rng.normal(size=(3, 12)))
    drops = np.array([true.drop(kl) for kl in kls[0].tolist()]) * np.exp(0.2 * rng.normal(size=12))
    counts = rng.choice([0.0, 1.0, 4.0], (3, 12))

    found = fit_drop_curves(kls, drops, counts, _MOST, _SAMPLING)

    for place in range(3):
        expected = _by_scipy(kls[place].tolist(), drops.tolist(), counts[place].tolist())
        for kl in (0.01, 0.1, 1.0, 10.0):
            assert found[place].drop(kl) == pytest.approx(expected.drop(kl), abs=1e-4)


def test_divergences_of_none_and_of_very_much_have_a_drop():
    found = fit_drop_curves(np.array([[0.0, 1.0, 1e9]]), np.array([0.0, 0.4, 0.7]), np.ones((1, 3)), _MOST, _SAMPLING)

    assert np.isfinite(found.logs).all()
    np.testing.assert_allclose(found.drops(np.array([[0.0, 1e9]])), [[0.0, _MOST]])


def test_deviations_are_those_of_one_curve_at_a_time():
    found = fit_drop_curves(np.array([[0.1, 1.0]]), np.array([0.1, 0.4]), np.ones((1, 2)), _MOST, _SAMPLING)

    expected = [deviation(found[0], _SAMPLING, kl) for kl in (0.05, 0.5)]
    np.testing.assert_allclose(found.deviations(np.array([[0.05, 0.5]]), _SAMPLING), [expected])
