"""How accuracy falls with the sum of divergences, learned from a few mixes that were measured."""

import math
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from workbench.engine.core.accuracy_prediction import (
    DropCurve,
    MeasuredMix,
    PredictionSpread,
    SamplingError,
    deviation,
)

Floats = npt.NDArray[np.float64]

# Where the curve of a network mostly lies: natural logarithms of scale and shape, and how far networks lie apart.
# ResNet-20, MobileNetV1 0.25 and a small ViT lie within one and a half of these of the middle.
_USUAL, _APART = np.array([0.0, -0.2]), np.array([1.5, 0.4])
# As many mixes' worth is the rule for the deviation trusted by itself, before those that were measured.
_TRUST = 4.0
# 90 % of a normal distribution lies within 1.645 deviations. More, as the deviation is itself estimated from few mixes
# (1.746 by Student's t with 16 degrees of freedom), as what is scanned of a layer errs alike in all mixes that hold it,
# and as leaving out one mix leaves the weight of zeros: of 60 mixes 1.746 held 78 % on a ViT, 2.1 held 83 on ResNet-20.
_TIMES = 2.4
_STEPS, _SMALL, _WEIGHINGS = 60, 1e-5, 4
# What zeros may count beside fewer bits, and how far networks lie apart in that, as a logarithm.
_ZERO_WEIGHTS, _ZEROS_APART = np.geomspace(1 / 3, 3, 13).tolist(), 0.5


def fit_drop_curve(mixes: Sequence[MeasuredMix], most: float, sampling: SamplingError) -> DropCurve:
    """The curve nearest to the measured mixes, each counted by how sure it is.

    Args:
        mixes: measured; with none, the usual curve.
        most: what a network loses that only guesses.
        sampling: what chance alone does to a measured drop.

    Source: least squares by Gauss–Newton steps with damping (Marquardt 1963), and the logarithms of scale and shape
    held near the usual ones, as a normal prior has it.
    """
    kls, drops = np.array([mix.kl for mix in mixes]), np.array([mix.drop for mix in mixes])
    weights = np.sqrt([mix.weight for mix in mixes])
    found = _USUAL.copy()
    for _ in range(_WEIGHINGS):
        curve = _curve(most, found)
        sure = weights / np.array([deviation(curve, sampling, kl) for kl in kls.tolist()])
        found = _nearest(found, kls, drops, sure, most)
    return _curve(most, found)


def fit_spread(
    mixes: Sequence[MeasuredMix], most: float, sampling: SamplingError, *, times: float = _TIMES
) -> PredictionSpread:
    """How far a mix that was not measured lies off: each one is predicted from all the others.

    Args:
        mixes: measured.
        most: what a network loses that only guesses.
        sampling: what chance alone does to a measured drop.
        times: half the interval in deviations.

    Source: residuals of leaving one out (Barber et al. 2021, arXiv:1905.02928, section 1.1), scaled by the expected
    deviation. Their mean square is taken in place of their quantile, which of a dozen is the largest.
    """
    squares = 0.0
    for place, mix in enumerate(mixes):
        others = [*mixes[:place], *mixes[place + 1 :]]
        curve = fit_drop_curve(others, most, sampling)
        squares += ((mix.drop - curve.drop(mix.kl)) / deviation(curve, sampling, mix.kl)) ** 2
    scale = math.sqrt((_TRUST + squares) / (_TRUST + len(mixes)))
    return PredictionSpread(sampling, times * scale)


def _curve(most: float, logs: Floats) -> DropCurve:
    return DropCurve(most, math.exp(logs[0]), math.exp(logs[1]))


def _nearest(start: Floats, kls: Floats, drops: Floats, sure: Floats, most: float) -> Floats:
    def residuals(logs: Floats) -> Floats:
        exponents = (kls / math.exp(logs[0])) ** math.exp(logs[1])
        off = sure * (drops + most * np.expm1(-exponents))
        return np.concatenate([off, (logs - _USUAL) / _APART])

    logs, damping = start.copy(), 1e-2
    now = residuals(logs)
    for _ in range(_STEPS):
        slopes = np.stack([(residuals(logs + step) - now) / _SMALL for step in _SMALL * np.eye(2)], axis=1)
        square = slopes.T @ slopes
        change = np.linalg.solve(square + damping * np.diag(np.diag(square)), -slopes.T @ now)
        tried = logs + np.clip(change, -1, 1)
        then = residuals(tried)
        if then @ then >= now @ now:
            damping *= 10
            if damping > 1e8:
                break
            continue
        is_settled = np.abs(tried - logs).max() < 1e-9
        logs, now, damping = tried, then, damping / 10
        if is_settled:
            break
    return logs


def fit_zero_weight(mixes: Sequence[tuple[float, float, float]], most: float, sampling: SamplingError) -> float:
    """How much the divergence that zeros cause counts beside that of fewer bits.

    Zeros take weights away, fewer bits add noise; of some networks one of them turns more answers than the other at
    the same divergence.

    Args:
        mixes: divergence of all but zeros, divergence of zeros, and drop of each.
        most: what a network loses that only guesses.
        sampling: what chance alone does to a measured drop.
    """
    usual = fit_drop_curve([MeasuredMix(rest + zeros, drop) for rest, zeros, drop in mixes], most, sampling)
    sure = [1 / deviation(usual, sampling, rest + zeros) for rest, zeros, _ in mixes]

    def off(weight: float) -> float:
        weighed = [MeasuredMix(rest + weight * zeros, drop) for rest, zeros, drop in mixes]
        curve = fit_drop_curve(weighed, most, sampling)
        squares = sum((each * (mix.drop - curve.drop(mix.kl))) ** 2 for each, mix in zip(sure, weighed, strict=True))
        return squares + (math.log(weight) / _ZEROS_APART) ** 2

    return float(min(_ZERO_WEIGHTS, key=off))
