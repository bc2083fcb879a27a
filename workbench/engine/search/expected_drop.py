"""What a recipe that was measured on some samples loses on others."""

import math
from dataclasses import dataclass

from workbench.engine.core.accuracy_prediction import AccuracyPrediction
from workbench.engine.core.search_result import ParetoPoint
from workbench.engine.search.prediction.accuracy_fit import lost

# How far a drop lies from the curve at the divergence that was measured, as a share.
_CURVE_SPREAD = 0.2


@dataclass(frozen=True, slots=True)
class ExpectedDrop:
    """A loss in the metric's unit, and its standard deviation."""

    value: float
    deviation: float


def expected_drop(point: ParetoPoint, prediction: AccuracyPrediction) -> ExpectedDrop:
    """What a measured recipe is expected to lose.

    Of recipes that lose about the same, the divergence tells which is better with less noise than answers that happen
    to get right or wrong: both are counted, each by the inverse of its variance.

    Args:
        point: measured.
        prediction: has the curve from divergence to drop, and how much sampling spreads drops.
    """
    assert point.measured is not None
    drop, divergence = lost(point.measured), point.measured.kl_divergence
    curve, sampling = prediction.curve, prediction.spread.sampling
    if divergence is None:
        return ExpectedDrop(drop, math.sqrt(sampling.variance(drop)))
    by_curve = curve.drop(divergence.value)
    own, of_curve = sampling.variance(drop), (_CURVE_SPREAD * by_curve) ** 2 + sampling.least
    both = max(own + of_curve, 1e-12)
    return ExpectedDrop((drop * of_curve + by_curve * own) / both, math.sqrt(own * of_curve / both))
