"""How accurate a mix of settings will be, before anything of it is built: plain values and arithmetic.

The divergence that each layer alone causes adds up, near enough, and the accuracy that is lost rises with the sum. How
fast is learned from a few mixes that were measured on this very model; how far those lay off is the interval.
"""

import math
from dataclasses import dataclass

import numpy as np

from workbench.engine.core.measurement import Figure, Origin
from workbench.engine.core.sensitivity import ScanAxes, SensitivityScan, is_on_same_ranges
from workbench.engine.core.sensitivity_table import AskedOfLayers, SensitivityTable

# How sure the interval of a prediction is, per cent.
LEVEL = 90
# Of two networks with the same sum of divergences one loses what the other loses at this much more or less of it, as
# a share; and this share of what is lost comes on top, where the curve is flat. The measured mixes scale both.
KL_SPREAD, DROP_SPREAD = 0.25, 0.05


@dataclass(frozen=True, slots=True)
class DropCurve:
    """What is lost at a divergence: most · (1 − exp(−(kl / scale)^shape)), which rises from none to most.

    Args:
        most: what a network loses that only guesses, in the metric's unit.
        scale: the divergence at which 63 % of that is lost, nats.
        shape: 1 where what is lost is proportional to small divergences, ½ where it is to their root.

    Source: Weibull 1951 (J. Appl. Mech. 18:293), equation 5.
    """

    most: float
    scale: float
    shape: float

    def drop(self, kl: float) -> float:
        """What is lost at a divergence.

        >>> round(DropCurve(0.8, 2.0, 1.0).drop(2.0), 3)
        0.506
        """
        return float(-self.most * math.expm1(-self._exponent(kl)))

    def slope(self, kl: float) -> float:
        """How much more is lost where the divergence grows by a small share of itself, over that share."""
        exponent = self._exponent(kl)
        return self.most * self.shape * exponent * math.exp(-exponent)

    def kl(self, drop: float) -> float:
        """The divergence at which so much is lost; infinite where that is never so.

        >>> curve = DropCurve(0.8, 2.0, 1.3)
        >>> round(curve.kl(curve.drop(0.7)), 6)
        0.7
        """
        if drop >= self.most:
            return math.inf
        return float(self.scale * (-math.log1p(-max(0.0, drop) / self.most)) ** (1 / self.shape))

    def _exponent(self, kl: float) -> float:
        return float((max(0.0, kl) / self.scale) ** self.shape)


@dataclass(frozen=True, slots=True)
class MeasuredMix:
    """A mix that was measured.

    Args:
        kl: the sum of its layers' divergences, each alone, nats.
        drop: what it loses, in the metric's unit.
        weight: how much it counts.
    """

    kl: float
    drop: float
    weight: float = 1.0


@dataclass(frozen=True, slots=True)
class SamplingError:
    """How far the same mix lies off on other samples: its variance is `per_drop` · drop + `least`.

    Args:
        per_drop: 1 / n for a share of n samples: answers that got wrong are counted.
        least: where nothing is lost: a few answers change either way.
    """

    per_drop: float
    least: float

    def variance(self, drop: float) -> float:
        """Of a measured drop, in the square of its unit."""
        return self.per_drop * max(0.0, drop) + self.least


@dataclass(frozen=True, slots=True)
class PredictionSpread:
    """How far measured drops lie from the curve.

    Args:
        sampling: what chance alone does.
        times: half the interval, in standard deviations by the rule of `deviation`.
    """

    sampling: SamplingError
    times: float

    def half(self, curve: DropCurve, kl: float) -> float:
        """Half the width of the interval at a divergence, in the metric's unit."""
        return self.times * deviation(curve, self.sampling, kl)


def deviation(curve: DropCurve, sampling: SamplingError, kl: float) -> float:
    """The standard deviation of a measured drop from the curve that is expected before anything is measured."""
    drop = curve.drop(kl)
    systematic = (KL_SPREAD * curve.slope(kl)) ** 2 + (DROP_SPREAD * drop) ** 2
    return math.sqrt(sampling.variance(drop) + systematic)


@dataclass(frozen=True, slots=True, eq=False)
class AccuracyPrediction:
    """What a scan and some measured mixes say of every other mix. Evaluated in the window at each move of a knob.

    Args:
        model_digest, dataset_digest: what it holds for.
        metric: what is predicted.
        original: the metric of the model as it is, measured.
        table: what each layer alone does; zeros count as much beside fewer bits as the mixes said.
        curve: what is lost at a sum of divergences.
        spread: how sure that is.
        mixes: that were measured, and are behind the curve.
        num_samples: that those were measured on.
        ranges_digest: of the scan, what ranges were set on; "" where nobody said.
        groups: of the scan, for each layer whose channels are pruned with others', the first layer of its group: what
            is asked of a whole group counts there, once.
        axes: of the scan; None where nobody said.
        is_complete: whether all mixes that were to be measured are behind it.
    """

    model_digest: str
    dataset_digest: str
    metric: str
    original: Figure
    table: SensitivityTable
    curve: DropCurve
    spread: PredictionSpread
    mixes: tuple[MeasuredMix, ...]
    num_samples: int
    ranges_digest: str = ""
    groups: tuple[tuple[str, str], ...] = ()
    axes: ScanAxes | None = None
    is_complete: bool = False

    def is_of(self, scan: SensitivityScan) -> bool:
        """Whether it was learned from such a scan: what another one tried, it may know nothing of."""
        mine = self.model_digest, self.dataset_digest, self.table.layers, self.axes
        is_same = mine == (scan.model_digest, scan.dataset_digest, scan.layers, scan.axes)
        return is_same and is_on_same_ranges(self.ranges_digest, scan.ranges_digest)

    def kl(self, asked: AskedOfLayers) -> float:
        """The sum of the divergences, nats; NaN where the scan does not know a layer yet."""
        return float(np.sum(self.table.kl(asked)))

    def accuracy(self, asked: AskedOfLayers) -> Figure | None:
        """The metric of a mix with its 90 % interval, estimated; None where the scan does not know enough yet.

        Args:
            asked: of each layer of the table.
        """
        kl = self.kl(asked)
        return None if math.isnan(kl) else self.accuracy_at(kl)

    def accuracy_at(self, kl: float) -> Figure:
        """The metric at a sum of divergences."""
        drop = self.drop_at(kl)
        value, unit = self.original.value, self.original.unit
        least, most = (0.0, 1.0) if unit == "fraction" else (-math.inf, math.inf)

        def within(accuracy: float) -> float:
            return min(most, max(least, accuracy))

        # What is lost less at best is gained more: the ends change places.
        low, high = within(value - _end(drop.high)), within(value - _end(drop.low))
        return Figure(within(value - drop.value), unit, Origin.ESTIMATED, low, high, self.num_samples, level=LEVEL)

    def drop_at(self, kl: float) -> Figure:
        """What is lost at a sum of divergences, with its 90 % interval, estimated."""
        drop = self.curve.drop(kl)
        # Where nothing is done to any layer, nothing is lost.
        half = self.spread.half(self.curve, kl) if kl > 0 else 0.0
        return Figure(
            drop, self.original.unit, Origin.ESTIMATED, drop - half, drop + half, self.num_samples, level=LEVEL
        )

    def kl_for(self, drop: float) -> float:
        """The sum of divergences at which so much is lost, in the metric's unit, by the curve itself."""
        return self.curve.kl(drop)


def _end(value: float | None) -> float:
    assert value is not None
    return value
