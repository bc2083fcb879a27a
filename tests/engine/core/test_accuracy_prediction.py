"""What is predicted of a mix: the sum of what its layers do, on a curve that was measured."""

import math

import numpy as np
import pytest

from workbench.engine.core.accuracy_prediction import (
    AccuracyPrediction,
    DropCurve,
    MeasuredMix,
    PredictionSpread,
    SamplingError,
)
from workbench.engine.core.measurement import Figure, Origin
from workbench.engine.core.sensitivity_table import AskedOfLayers, SensitivityTable, StrengthCurves

_NONE = StrengthCurves(np.zeros(0), np.zeros((2, 0)), in_bits=False)
_WEIGHTS = StrengthCurves(np.array([-8.0, -4.0]), np.log([[0.01, 0.1], [0.02, 0.2]]), in_bits=True)


def _prediction(times: float = 2.0, metric: str = "top1", unit: str = "fraction") -> AccuracyPrediction:
    return AccuracyPrediction(
        model_digest="m",
        dataset_digest="d",
        metric=metric,
        original=Figure(0.9, unit, Origin.MEASURED, 0.88, 0.92, 1000),
        table=SensitivityTable(("a", "b"), _WEIGHTS, _NONE, _NONE, _NONE),
        curve=DropCurve(most=0.8, scale=1.0, shape=1.0),
        spread=PredictionSpread(SamplingError(0.001, 0.000004), times),
        mixes=(MeasuredMix(0.3, 0.2),),
        num_samples=1000,
    )


def _bits(*bits: float) -> AskedOfLayers:
    asked = AskedOfLayers.nothing(len(bits))
    asked.weight_bits[:] = bits
    return asked


def test_what_layers_do_adds_up():
    figure = _prediction().accuracy(_bits(4, 4))

    assert _prediction().kl(_bits(4, 4)) == pytest.approx(0.3)
    assert figure.value == pytest.approx(0.9 - 0.8 * (1 - math.exp(-0.3)))
    assert (figure.origin, figure.n, figure.unit, figure.level) == (Origin.ESTIMATED, 1000, "fraction", 90)


def test_the_interval_is_as_wide_as_chance_and_the_other_mixes_make_it():
    figure = _prediction().drop_at(0.3)

    drop = 0.8 * (1 - math.exp(-0.3))
    slope = 0.8 * 0.3 * math.exp(-0.3)
    deviation = math.sqrt(0.001 * drop + 0.000004 + (0.25 * slope) ** 2 + (0.05 * drop) ** 2)
    assert figure.high - figure.value == pytest.approx(2 * deviation)
    assert figure.value - figure.low == pytest.approx(2 * deviation)


def test_a_recipe_that_does_nothing_is_as_good_as_the_original():
    figure = _prediction().accuracy(AskedOfLayers.nothing(2))

    assert (figure.value, figure.low, figure.high) == (0.9, 0.9, 0.9)


def test_harsher_mixes_never_look_better():
    values = [_prediction().accuracy(_bits(bits, bits)).value for bits in (8, 7, 6, 5, 4, 3, 2)]

    assert values == sorted(values, reverse=True)


def test_accuracy_stays_within_what_a_share_can_be():
    figure = _prediction(times=100).accuracy(_bits(2, 2))

    assert (figure.low, figure.high) == (0.0, 1.0)


def test_what_the_scan_does_not_know_is_not_predicted():
    asked = AskedOfLayers.nothing(2)
    asked.sparsity[0] = 0.5

    assert _prediction().accuracy(asked) is None


def test_the_allowed_divergence_gives_the_allowed_drop():
    prediction = _prediction()

    assert prediction.curve.drop(prediction.kl_for(0.05)) == pytest.approx(0.05)
    assert prediction.kl_for(0.8) == math.inf
    assert prediction.kl_for(-0.1) == 0
