"""How accuracy falls with the sum of divergences, learned from a few mixes that were measured."""

import math
from collections.abc import Sequence

import numpy as np

from workbench.engine.core.accuracy_prediction import DropCurve, MeasuredMix, PredictionSpread, SamplingError
from workbench.engine.search.prediction.drop_curves import DropCurves, Floats, fit_drop_curves

# As many mixes' worth is the rule for the deviation trusted by itself, before those that were measured.
_TRUST = 4.0
# 90 % of a normal distribution lies within 1.645 deviations. More, as the deviation is itself estimated from few mixes
# (1.746 by Student's t with 16 degrees of freedom), as what is scanned of a layer errs alike in all mixes that hold it,
# and as leaving out one mix leaves the weight of zeros: of 180 mixes each of ResNet-20, MobileNetV1 0.25 and a ViT, 2.4
# held 82, 89 and 96 %, 2.6 holds 84, 91 and 97.
_TIMES = 2.6
# What zeros may count beside fewer bits, and how far networks lie apart in that, as a logarithm.
_ZERO_WEIGHTS, _ZEROS_APART = np.geomspace(1 / 3, 3, 13).tolist(), 0.5


def fit_drop_curve(mixes: Sequence[MeasuredMix], most: float, sampling: SamplingError) -> DropCurve:
    """The curve nearest to the measured mixes, each counted by how sure it is.

    Args:
        mixes: measured; with none, the usual curve.
        most: what a network loses that only guesses.
        sampling: what chance alone does to a measured drop.
    """
    return _fitted(np.array([[mix.kl for mix in mixes]]), mixes, most, sampling)[0]


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
    count = len(mixes)
    kls, drops = np.tile([mix.kl for mix in mixes], (count, 1)), np.array([mix.drop for mix in mixes])
    curves = _fitted(kls, mixes, most, sampling, counts=1 - np.eye(count))
    off = (drops - curves.drops(kls)) / curves.deviations(kls, sampling)
    squares = float((np.diagonal(off) ** 2).sum())
    scale = math.sqrt((_TRUST + squares) / (_TRUST + count))
    return PredictionSpread(sampling, times * scale)


def fit_zero_weight(mixes: Sequence[tuple[float, float, float]], most: float, sampling: SamplingError) -> float:
    """How much the divergence that zeros cause counts beside that of fewer bits.

    Zeros take weights away, fewer bits add noise; of some networks one of them turns more answers than the other at
    the same divergence.

    Args:
        mixes: divergence of all but zeros, divergence of zeros, and drop of each.
        most: what a network loses that only guesses.
        sampling: what chance alone does to a measured drop.
    """
    rests, zeros, drops = np.array(mixes).T
    weights = np.array([1.0, *_ZERO_WEIGHTS])
    kls = rests + weights[:, None] * zeros
    curves = _fitted(kls, [MeasuredMix(0.0, drop) for drop in drops.tolist()], most, sampling)
    # What counts how much is by the usual curve, or the widest would seem the best.
    sure = 1 / curves.deviations(kls, sampling)[0]
    off = ((sure * (drops - curves.drops(kls))) ** 2).sum(axis=1) + (np.log(weights) / _ZEROS_APART) ** 2
    return float(weights[1 + off[1:].argmin()])


def _fitted(
    kls: Floats,
    mixes: Sequence[MeasuredMix],
    most: float,
    sampling: SamplingError,
    *,
    counts: Floats | float = 1.0,
) -> DropCurves:
    """Curves through what some mixes lost, by divergences and counts of shape (C, N)."""
    drops, weights = np.array([mix.drop for mix in mixes]), np.array([mix.weight for mix in mixes])
    return fit_drop_curves(kls, drops, np.broadcast_to(weights * counts, kls.shape), most, sampling)
