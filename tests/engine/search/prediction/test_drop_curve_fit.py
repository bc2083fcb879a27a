"""A curve through measured mixes, and how far the next one may lie off."""

import math

import numpy as np
import pytest

from workbench.engine.core.accuracy_prediction import DropCurve, MeasuredMix, SamplingError
from workbench.engine.search.prediction.drop_curve_fit import fit_drop_curve, fit_spread, fit_zero_weight

_SAMPLING = SamplingError(0.001, 0.000004)
_KLS = np.geomspace(0.01, 3, 12).tolist()


def _on(curve: DropCurve, *, times: float = 1.0) -> list[MeasuredMix]:
    """Mixes on a curve, or above and below it by turns."""
    return [MeasuredMix(kl, curve.drop(kl) * (times if place % 2 else 1 / times)) for place, kl in enumerate(_KLS)]


@pytest.mark.parametrize("shape", [0.6, 1.0, 1.5])
@pytest.mark.parametrize("scale", [0.3, 1.0, 3.0])
def test_a_curve_is_found_again(scale, shape):
    true = DropCurve(0.7, scale, shape)

    found = fit_drop_curve(_on(true), 0.7, _SAMPLING)

    for kl in _KLS:
        assert found.drop(kl) == pytest.approx(true.drop(kl), abs=0.02)


def test_without_measured_mixes_there_is_the_usual_curve():
    found = fit_drop_curve([], 0.7, _SAMPLING)

    assert (found.most, found.scale) == (0.7, pytest.approx(1.0, rel=0.01))


def test_drops_that_make_no_sense_give_a_curve_all_the_same():
    found = fit_drop_curve([MeasuredMix(kl, -0.01) for kl in _KLS], 0.7, _SAMPLING)

    assert math.isfinite(found.scale)
    assert found.shape > 0
    assert found.drop(0.01) < found.drop(3)


def test_mixes_that_lie_further_off_make_a_wider_interval():
    true = DropCurve(0.7, 1.0, 1.0)

    near, far = (fit_spread(_on(true, times=times), 0.7, _SAMPLING) for times in (1.05, 2.0))

    assert near.times < far.times


def test_nine_of_ten_mixes_are_within_the_interval():
    # Networks whose mixes lie off as the rule says, twice as far, and half as far.
    rng = np.random.default_rng(0)
    true, within, count = DropCurve(0.7, 1.5, 1.2), 0, 0
    for off in (0.12, 0.25, 0.5):
        for _ in range(6):
            kls = np.exp(rng.uniform(math.log(0.01), math.log(3), 42)).tolist()
            drops = [
                true.drop(kl * math.exp(off * rng.normal()))
                + rng.normal() * math.sqrt(_SAMPLING.variance(true.drop(kl)))
                for kl in kls
            ]
            mixes = [MeasuredMix(kl, drop) for kl, drop in zip(kls, drops, strict=True)]
            known, others = mixes[:12], mixes[12:]
            curve, spread = fit_drop_curve(known, 0.7, _SAMPLING), fit_spread(known, 0.7, _SAMPLING)
            within += sum(abs(mix.drop - curve.drop(mix.kl)) <= spread.half(curve, mix.kl) for mix in others)
            count += len(others)

    assert within / count >= 0.85


def test_a_mix_that_counts_more_pulls_the_curve():
    true = DropCurve(0.7, 1.0, 1.0)
    off = MeasuredMix(0.3, true.drop(0.3) + 0.1)
    heavy = MeasuredMix(off.kl, off.drop, weight=10.0)

    light, pulled = (fit_drop_curve([*_on(true), mix], 0.7, _SAMPLING).drop(0.3) for mix in (off, heavy))

    assert true.drop(0.3) < light < pulled


@pytest.mark.parametrize("true_weight", [0.5, 1.0, 2.0])
def test_what_zeros_count_beside_fewer_bits_is_found(true_weight):
    true = DropCurve(0.7, 1.0, 1.0)
    mixes = []
    for place, kl in enumerate(_KLS):
        rest, zeros = (kl, 0.0) if place % 2 else (kl / 2, kl / 2)
        mixes.append((rest, zeros, true.drop(rest + true_weight * zeros)))

    found = fit_zero_weight(mixes, 0.7, _SAMPLING)

    # Held somewhat near to counting alike, but nearer to the truth.
    assert abs(math.log(found / true_weight)) <= abs(math.log(true_weight)) / 2 + 0.01
