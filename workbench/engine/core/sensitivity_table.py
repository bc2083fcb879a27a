"""What a scan says of any strength of a setting, between and beyond those that it tried."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from workbench.engine.core.sensitivity import ScanSetting, SensitivityScan

Floats = npt.NDArray[np.float64]

# A bit more halves the step, and a quarter of the noise's power is a quarter of the divergence.
_PER_BIT = math.log(4)
# Where weights of all magnitudes near zero are equally many, those that pruning takes first have the cube of their
# number for energy: ∫ w² dw.
_PER_SHARE = 3.0
_LEAST_KL = 1e-9
# The least sparsity or ratio that is told from none.
_LEAST_SHARE = 1e-6


@dataclass(frozen=True, slots=True, eq=False)
class AskedOfLayers:
    """What a recipe asks of layers; each array in the order of the scan's layers, shape (L,).

    Args:
        weight_bits, activation_bits: infinite for float.
        sparsity: fraction of weights that become zero, 0…1.
        ratio: fraction of channels that go, 0…1; of a group's layers at the first one only.
    """

    weight_bits: Floats
    activation_bits: Floats
    sparsity: Floats
    ratio: Floats

    @classmethod
    def nothing(cls, count: int) -> "AskedOfLayers":
        """What an empty recipe asks."""
        return cls(np.full(count, np.inf), np.full(count, np.inf), np.zeros(count), np.zeros(count))


@dataclass(frozen=True, slots=True, eq=False)
class StrengthCurves:
    """KL divergence of each layer against the strength of one kind of setting.

    Args:
        strengths: that were tried, rising, shape (K,); bits with their sign turned, so that more is harsher.
        log_kl: natural logarithm of the divergence in nats, never falling along the strengths, shape (L, K); NaN
            where nothing is known of the layer at any strength.
        in_bits: whether strengths are bits, for what lies beyond them.
    """

    strengths: Floats
    log_kl: Floats
    in_bits: bool

    def kl(self, strength: Floats) -> Floats:
        """The divergence at one strength a layer, shape (L,); log-linear between strengths that were tried.

        NaN where nothing is known of a layer that something is asked of.
        """
        is_none = ~np.isfinite(strength) if self.in_bits else strength < _LEAST_SHARE
        if bool(is_none.all()):
            return np.zeros(len(strength))
        if not len(self.strengths):
            return np.where(is_none, 0.0, np.nan)
        asked = np.where(is_none, self.strengths[0], strength)
        logged = self._between(asked) + self._below(asked)
        return np.asarray(np.where(is_none, 0.0, np.exp(logged)))

    def _between(self, asked: Floats) -> Floats:
        rows = np.arange(len(asked))
        if len(self.strengths) == 1:
            return self.log_kl[:, 0]
        # Beyond the harshest that was tried the last slope goes on.
        right = np.clip(np.searchsorted(self.strengths, asked), 1, len(self.strengths) - 1)
        low, high = self.strengths[right - 1], self.strengths[right]
        part = np.maximum(0.0, (asked - low) / (high - low))
        return np.asarray(self.log_kl[rows, right - 1] * (1 - part) + self.log_kl[rows, right] * part)

    def _below(self, asked: Floats) -> Floats:
        """What milder strengths than any that was tried take off the logarithm."""
        first = self.strengths[0]
        if self.in_bits:
            return np.asarray(_PER_BIT * np.minimum(0.0, asked - first))
        return np.asarray(_PER_SHARE * np.minimum(0.0, np.log(np.maximum(asked, _LEAST_SHARE) / first)))


@dataclass(frozen=True, slots=True, eq=False)
class SensitivityTable:
    """The divergence that each layer alone causes, at any strength of each kind of setting.

    Args:
        layers: names, in the order of all arrays.
        weights, activations, sparsity, ratio: the kinds of settings.
    """

    layers: tuple[str, ...]
    weights: StrengthCurves
    activations: StrengthCurves
    sparsity: StrengthCurves
    ratio: StrengthCurves

    def kl(self, asked: AskedOfLayers) -> Floats:
        """The divergence that each layer adds, nats, shape (L,): what is done to one layer adds up.

        NaN where something is asked of a layer that the scan does not know yet.
        """
        return np.asarray(
            self.weights.kl(-asked.weight_bits)
            + self.activations.kl(-asked.activation_bits)
            + self.sparsity.kl(asked.sparsity)
            + self.ratio.kl(asked.ratio)
        )


def sensitivity_table(scan: SensitivityScan) -> SensitivityTable:
    """The table of a scan; of one that still runs, of what is there so far."""

    def curves(
        strengths: Sequence[float], setting: Callable[[float], ScanSetting], *, in_bits: bool = False
    ) -> StrengthCurves:
        rising = sorted(strengths, reverse=in_bits)
        rows = [[_kl(scan, layer, setting(strength)) for strength in rising] for layer in scan.layers]
        logged = np.log(np.maximum(np.array(rows, np.float64).reshape(len(scan.layers), len(rising)), _LEAST_KL))
        return StrengthCurves(
            np.array([-one if in_bits else one for one in rising], np.float64), _rising(logged), in_bits
        )

    axes = scan.axes
    return SensitivityTable(
        scan.layers,
        curves(axes.weight_bits, lambda bits: ScanSetting(weights=int(bits)), in_bits=True),
        curves(axes.activation_bits, lambda bits: ScanSetting(activations=int(bits)), in_bits=True),
        curves(axes.sparsities, lambda sparsity: ScanSetting(sparsity=sparsity)),
        curves(axes.ratios, lambda ratio: ScanSetting(ratio=ratio)),
    )


def _kl(scan: SensitivityScan, layer: str, setting: ScanSetting) -> float:
    cell = scan.cell(layer, setting)
    return math.nan if cell is None or cell.kl is None else cell.kl.value


def _rising(logged: Floats) -> Floats:
    """With gaps filled along the strengths and never falling: a few samples do not tell small divergences apart."""
    filled = logged.copy()
    places = np.arange(logged.shape[1])
    for row in filled:
        is_known = ~np.isnan(row)
        if is_known.any():
            row[:] = np.interp(places, places[is_known], row[is_known])
    return np.asarray(np.maximum.accumulate(filled, axis=1))
