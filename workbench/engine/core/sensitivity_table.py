"""What a scan says of any strength of a setting, between and beyond those that it tried."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

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

    def times(self, weight: float) -> "StrengthCurves":
        """The same with every divergence so many times as large."""
        return replace(self, log_kl=self.log_kl + math.log(weight))

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
    settings = scan.axes.settings
    rows = [[_kl(scan, layer, setting) for layer in scan.layers] for setting in settings]
    kl = np.array(rows, np.float64).reshape(len(settings), len(scan.layers))
    return table_of_cells(scan.layers, settings, kl)


def table_of_cells(layers: tuple[str, ...], settings: Sequence[ScanSetting], kl: Floats) -> SensitivityTable:
    """The table of some cells.

    Args:
        layers: their names.
        settings: each of one kind of thing; others are left aside.
        kl: what each setting does to each layer, nats, shape (settings, layers); NaN where it is not known.
    """

    def curves(name: str, *, in_bits: bool = False) -> StrengthCurves:
        tried = sorted(
            (-getattr(setting, name) if in_bits else getattr(setting, name), row)
            for row, setting in enumerate(settings)
            if set(setting.to_json()) == {name}
        )
        strengths = np.array([strength for strength, _ in tried], np.float64)
        logged = np.log(np.maximum(kl[[row for _, row in tried]], _LEAST_KL)).T
        return StrengthCurves(strengths, _rising(logged), in_bits)

    return SensitivityTable(
        layers,
        curves("weights", in_bits=True),
        curves("activations", in_bits=True),
        curves("sparsity"),
        curves("ratio"),
    )


def _kl(scan: SensitivityScan, layer: str, setting: ScanSetting) -> float:
    cell = scan.cell(layer, setting)
    return math.nan if cell is None or cell.kl is None else cell.kl.value


def _rising(logged: Floats) -> Floats:
    """With gaps filled along the strengths and never falling: a few samples do not tell small divergences apart."""
    filled = logged.copy()
    places = np.arange(logged.shape[1])
    has_gaps = np.isnan(logged).any(axis=1) if logged.size else np.zeros(len(logged), np.bool_)
    for number in np.flatnonzero(has_gaps):
        row = filled[number]
        is_known = ~np.isnan(row)
        if is_known.any():
            row[:] = np.interp(places, places[is_known], row[is_known])
    return np.asarray(np.maximum.accumulate(filled, axis=1))
