"""Many curves from divergence to drop, fitted at once: each through some of the same few mixes."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from workbench.engine.core.accuracy_prediction import DROP_SPREAD, KL_SPREAD, DropCurve, SamplingError

Floats = npt.NDArray[np.float64]

# Where the curve of a network mostly lies: natural logarithms of scale and shape, and how far networks lie apart.
# ResNet-20, MobileNetV1 0.25 and a small ViT lie within one and a half of these of the middle.
_USUAL, _APART = np.array([0.0, -0.2]), np.array([1.5, 0.4])
_STEPS, _WEIGHINGS = 60, 4
_DAMPING, _MOST_DAMPING = 1e-2, 1e8
# A step of the logarithms that is none: curves are read to three digits.
_SETTLED = 1e-7
# Beyond, all is lost that can be.
_MOST_EXPONENT = 700.0


@dataclass(frozen=True, slots=True, eq=False)
class DropCurves:
    """Curves as of `DropCurve`, of the same network.

    Args:
        most: what it loses that only guesses, in the metric's unit.
        logs: natural logarithms of scale and shape, shape (C, 2).
    """

    most: float
    logs: Floats

    def __getitem__(self, place: int) -> DropCurve:
        scale, shape = np.exp(self.logs[place]).tolist()
        return DropCurve(self.most, scale, shape)

    def exponents(self, kls: Floats) -> Floats:
        """(kl / scale)^shape at divergences of shape (C, N)."""
        scales, shapes = np.exp(self.logs.T)[:, :, None]
        return np.asarray(np.minimum((np.maximum(kls, 0.0) / scales) ** shapes, _MOST_EXPONENT))

    def drops(self, kls: Floats) -> Floats:
        """What is lost at divergences, shape (C, N)."""
        return -self.most * np.expm1(-self.exponents(kls))

    def deviations(self, kls: Floats, sampling: SamplingError) -> Floats:
        """The same as `deviation`, shape (C, N)."""
        exponents = self.exponents(kls)
        drops = -self.most * np.expm1(-exponents)
        slopes = self.most * np.exp(self.logs[:, 1:]) * exponents * np.exp(-exponents)
        by_chance = sampling.per_drop * np.maximum(drops, 0.0) + sampling.least
        return np.sqrt(by_chance + (KL_SPREAD * slopes) ** 2 + (DROP_SPREAD * drops) ** 2)


def fit_drop_curves(kls: Floats, drops: Floats, counts: Floats, most: float, sampling: SamplingError) -> DropCurves:
    """The curves nearest to measured mixes, each mix counted by how sure it is.

    Args:
        kls: divergences, shape (C, N).
        drops: what was lost, shape (N,).
        counts: how much each mix counts for each curve, shape (C, N); 0 where it is left out.
        most: what the network loses that only guesses.
        sampling: what chance alone does to a measured drop.

    Source: least squares by Gauss–Newton steps with damping (Marquardt 1963), and the logarithms of scale and shape
    held near the usual ones, as a normal prior has it.
    """
    found = DropCurves(most, np.tile(_USUAL, (len(kls), 1)))
    for _ in range(_WEIGHINGS):
        sure = np.sqrt(counts) / found.deviations(kls, sampling)
        found = _nearest(found, kls, drops, sure)
    return found


def _nearest(start: DropCurves, kls: Floats, drops: Floats, sure: Floats) -> DropCurves:
    """Damped steps of all curves, each until it is settled."""
    logs, most = start.logs.copy(), start.most
    with np.errstate(divide="ignore"):
        log_kls = np.where(kls > 0, np.log(np.maximum(kls, 0.0)), 0.0)
    damping, squares = np.full(len(kls), _DAMPING), _squares(start, kls, drops, sure)
    is_open = np.ones(len(kls), bool)
    for _ in range(_STEPS):
        change = _step(DropCurves(most, logs), log_kls, kls, drops, sure, damping)
        tried = DropCurves(most, logs + np.where(is_open[:, None], np.clip(change, -1, 1), 0.0))
        then = _squares(tried, kls, drops, sure)
        is_better = is_open & (then < squares)
        # Much damped steps are short anywhere.
        is_settled = (np.abs(tried.logs - logs).max(axis=1) < _SETTLED) & (is_better | (damping <= 1))
        logs = np.where(is_better[:, None], tried.logs, logs)
        squares = np.where(is_better, then, squares)
        damping = np.where(is_better, damping / 10, damping * 10)
        is_open &= ~is_settled & (damping <= _MOST_DAMPING)
        if not is_open.any():
            break
    return DropCurves(most, logs)


def _squares(curves: DropCurves, kls: Floats, drops: Floats, sure: Floats) -> Floats:
    """What is made small, shape (C,)."""
    off = sure * (drops - curves.drops(kls))
    far = (curves.logs - _USUAL) / _APART
    return np.asarray(np.einsum("cn,cn->c", off, off) + np.einsum("cn,cn->c", far, far))


def _step(curves: DropCurves, log_kls: Floats, kls: Floats, drops: Floats, sure: Floats, damping: Floats) -> Floats:
    """The damped Gauss–Newton step of the logarithms, shape (C, 2)."""
    exponents = curves.exponents(kls)
    shapes = np.exp(curves.logs[:, 1:])
    off = sure * (drops + curves.most * np.expm1(-exponents))
    # Of the residuals, by the exponent's logarithm; that falls by the shape with the scale's logarithm.
    by_exponent = -sure * curves.most * np.exp(-exponents) * exponents
    slopes = np.stack([-shapes * by_exponent, shapes * (log_kls - curves.logs[:, :1]) * by_exponent], axis=2)
    far = (curves.logs - _USUAL) / _APART
    square = np.einsum("cni,cnj->cij", slopes, slopes) + np.diag(1 / _APART**2)
    downhill = -np.einsum("cni,cn->ci", slopes, off) - far / _APART
    diagonal = square * np.eye(2)
    return np.asarray(np.linalg.solve(square + damping[:, None, None] * diagonal, downhill[:, :, None])[:, :, 0])
