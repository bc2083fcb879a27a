"""What was seen of one cell of a scan, sample by sample, and the figures that follow from it."""

import base64
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from workbench.engine.core.measurement import Figure, Origin
from workbench.engine.core.sensitivity import ScanCell, ScanSetting
from workbench.engine.evaluate.intervals import paired_difference_interval, student_t95

Floats = npt.NDArray[np.float64]
_NOT_FINITE = "the model's outputs hold NaN or infinite numbers"


@dataclass(frozen=True, slots=True, eq=False)
class CellRecord:
    """Of N samples, in the order of their use. Numbers are no finer than float32, in which a store keeps them.

    Args:
        samples: which, shape (N,).
        weights: of each in a mean, shape (N,).
        divergence: KL divergence of the classes, nats, shape (N,); None where the outputs are no classes.
        noise, signal: Σ(y − ŷ)² and Σy² of each output and sample, shape (outputs, N).
        scores, original: how right the answer is and the original's was, 0…1, shape (N,); None where nothing says.
        soft_drop: how much less the answer counts by its probability, −1…1, shape (N,); None where nothing says.
    """

    samples: npt.NDArray[np.int64]
    weights: Floats
    divergence: Floats | None
    noise: Floats
    signal: Floats
    scores: Floats | None
    original: Floats | None
    soft_drop: Floats | None = None

    def __post_init__(self) -> None:
        """Round, so that what comes back from a store is what went in."""
        for name in _PARTS:
            values = getattr(self, name)
            if values is not None:
                object.__setattr__(self, name, np.asarray(values, np.float32).astype(np.float64))

    def with_more(self, other: "CellRecord") -> "CellRecord":
        """This record and another of the same cell behind it."""
        return CellRecord(
            np.concatenate([self.samples, other.samples]),
            np.concatenate([self.weights, other.weights]),
            _joined(self.divergence, other.divergence),
            np.concatenate([self.noise, other.noise], axis=1),
            np.concatenate([self.signal, other.signal], axis=1),
            _joined(self.scores, other.scores),
            _joined(self.original, other.original),
            _joined(self.soft_drop, other.soft_drop),
        )

    def first(self, count: int) -> "CellRecord":
        """Of the first samples alone."""
        parts = (self.divergence, self.scores, self.original, self.soft_drop)
        divergence, scores, original, soft = (None if part is None else part[:count] for part in parts)
        return CellRecord(
            self.samples[:count], self.weights[:count], divergence, self.noise[:, :count], self.signal[:, :count],
            scores, original, soft,
        )  # fmt: skip

    def cell(self, layer: str, setting: ScanSetting) -> ScanCell:
        """The figures."""
        noise, signal = self.noise @ self.weights, self.signal @ self.weights
        count = len(self.samples)
        if not np.isfinite(noise).all() or (self.divergence is not None and not np.isfinite(self.divergence).all()):
            return ScanCell(layer, setting, num_samples=count, error=_NOT_FINITE)
        if self.divergence is not None:
            kl = weighted_mean(self.divergence, self.weights, "nat")
        else:
            shares = np.divide(noise, signal, out=np.zeros_like(noise), where=signal > 0)
            kl = Figure(float(shares.mean()), "fraction", Origin.MEASURED, n=count)
        sqnr = float("inf") if noise[0] <= 0 else 10 * float(np.log10(max(signal[0], 1e-300) / noise[0]))
        drop = None
        if self.scores is not None and self.original is not None:
            drop = weighted_drop(self.original, self.scores, self.weights)
        soft = None
        if self.soft_drop is not None and np.isfinite(self.soft_drop).all():
            soft = weighted_change(self.soft_drop, self.weights)
        return ScanCell(layer, setting, kl, sqnr, drop, count, soft_drop=soft)

    def to_json(self) -> dict[str, object]:
        """For a store: how many samples and outputs, and all numbers as text."""
        parts = {name: getattr(self, name) for name in _PARTS}
        texts = {name: None if part is None else _text_of(part) for name, part in parts.items()}
        return {"samples": self.samples.tolist(), "outputs": len(self.noise), **texts}


def record_from_json(stored: Mapping[str, object]) -> CellRecord:
    """What `to_json` gave. Raises KeyError, TypeError or ValueError if it is something else."""
    samples, outputs = np.array(stored["samples"], np.int64), stored["outputs"]
    if not isinstance(outputs, int) or samples.ndim != 1:
        raise TypeError("it does not say which samples and how many outputs")
    shapes = dict.fromkeys(_PARTS, samples.shape) | dict.fromkeys(("noise", "signal"), (outputs, len(samples)))
    parts = {name: _floats_of(stored[name], shape) for name, shape in shapes.items()}
    weights, noise, signal = parts["weights"], parts["noise"], parts["signal"]
    if weights is None or noise is None or signal is None:
        raise ValueError("a part of the record is missing")
    return CellRecord(
        samples, weights, parts["divergence"], noise, signal, parts["scores"], parts["original"],
        parts["soft_drop"],
    )  # fmt: skip


def _text_of(values: Floats) -> str:
    # Some five bytes a number in place of twenty digits.
    return base64.b64encode(np.ascontiguousarray(values, "<f4").tobytes()).decode()


def _floats_of(text: object, shape: tuple[int, ...]) -> Floats | None:
    if text is None:
        return None
    if not isinstance(text, str):
        raise TypeError("a part of the record is no text")
    return np.frombuffer(base64.b64decode(text), "<f4").astype(np.float64).reshape(shape)


_PARTS = ("weights", "divergence", "noise", "signal", "scores", "original", "soft_drop")


def weighted_mean(values: Floats, weights: Floats, unit: str) -> Figure:
    """A mean of samples that were drawn with different chances, and its 95 % interval; not below zero.

    Source: the ratio estimator and its linearized variance, Särndal, Swensson & Wretman 1992, section 5.8. Samples
    that are spread over the strata vary less than it says.
    """
    count, total = len(values), float(weights.sum())
    mean = float(values @ weights) / total
    if count < 2:
        return Figure(mean, unit, Origin.MEASURED, n=count)
    variance = float(np.sum((weights * (values - mean)) ** 2)) / total**2 * count / (count - 1)
    half = student_t95(count - 1) * variance**0.5
    return Figure(mean, unit, Origin.MEASURED, max(0.0, mean - half), mean + half, count)


def weighted_change(values: Floats, weights: Floats) -> Figure:
    """The mean of changes within −1…1, as a fraction, and its 95 % interval, as `weighted_mean` has it."""
    moved = weighted_mean(values + 1, weights, "fraction")
    low = None if moved.low is None else moved.low - 1
    high = None if moved.high is None else moved.high - 1
    return Figure(moved.value - 1, "fraction", Origin.MEASURED, low, high, moved.n)


def weighted_drop(original: Floats, scores: Floats, weights: Floats) -> Figure:
    """How much less right the answers are, as a fraction, paired, with its 95 % interval.

    Right or wrong answers are counted as if as many samples had been drawn evenly as tell as much (Kish 1965,
    section 8.2: n = (Σw)² / Σw²).
    """
    count, total = len(scores), float(weights.sum())
    value = float((original - scores) @ weights) / total
    if not _are_right_or_wrong(original) or not _are_right_or_wrong(scores):
        return weighted_change(original - scores, weights)
    scale = total / float(np.sum(weights**2))
    lost, won = (
        float(((one > other) * weights).sum()) * scale for one, other in ((original, scores), (scores, original))
    )
    both = float((original * scores * weights).sum()) * scale
    neither = total * scale - lost - won - both
    low, high = paired_difference_interval(*(max(0, round(part)) for part in (both, lost, won, neither)))
    return Figure(value, "fraction", Origin.MEASURED, min(low, value), max(high, value), count)


def _are_right_or_wrong(scores: Floats) -> bool:
    """Whether all are 0 or 1; `np.isin` takes four times as long."""
    return bool(((scores == 0) | (scores == 1)).all())


def _joined(one: Floats | None, other: Floats | None) -> Floats | None:
    return None if one is None or other is None else np.concatenate([one, other])
