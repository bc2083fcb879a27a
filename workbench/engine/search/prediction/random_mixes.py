"""Mixes of a scan's settings at random, from mild to harsh: what a prediction of accuracy is learned from."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

import numpy as np

from workbench.engine.core.asked_of_recipe import asked_of_mix
from workbench.engine.core.sensitivity import ScanSetting, SensitivityScan
from workbench.engine.core.sensitivity_table import SensitivityTable
from workbench.engine.search.prediction.mix_recipe import Mix

# Drawn, of which those are taken that lie best.
_DRAWN = 400
# Nats: below, hardly an answer changes; above, a network mostly guesses.
_MILDEST, _HARSHEST = 0.02, 3.0
_PRUNED_SHARES = (0.0, 0.3, 0.7)
_TOUCHED = (1.0, 1.0, 0.5, 0.2)
_SPREADS = (0.3, 1.2)


def spanning_mixes(
    scan: SensitivityScan,
    table: SensitivityTable,
    count: int,
    *,
    seed: int = 0,
    between: tuple[float, float] = (_MILDEST, _HARSHEST),
) -> list[Mix]:
    """Mixes whose sums of divergences lie evenly, by their logarithm, between hardly any and too much.

    Args:
        scan: whose settings are mixed; layers of which it knows nothing are left alone.
        table: of the scan.
        count: of mixes; fewer where settings allow no more.
        seed: of what is drawn.
        between: those of the mildest and of the harshest, nats, as far as settings give such.
    """
    rng = np.random.default_rng(seed)
    first_of = dict(scan.groups)
    drawn = [_random_mix(scan, first_of, rng) for _ in range(_DRAWN)]
    kls = np.array([float(np.sum(table.kl(asked_of_mix(scan.layers, mix)))) for mix in drawn])
    left = [place for place in range(_DRAWN) if math.isfinite(kls[place]) and kls[place] > 0]
    if not left:
        return []
    low, high = np.quantile(kls[left], [0.01, 0.999]).tolist()
    mildest, harshest = between
    if low < harshest and high > mildest:
        low, high = max(low, mildest), min(high, harshest)
    taken: list[Mix] = []
    for target in np.geomspace(low, max(low, high), count).tolist():
        if not left:
            break
        nearest = min(left, key=lambda place: abs(math.log(kls[place] / target)))
        left.remove(nearest)
        taken.append(drawn[nearest])
    return taken


def _random_mix(scan: SensitivityScan, first_of: Mapping[str, str], rng: np.random.Generator) -> Mix:
    """One mix: around some number of bits, with some layers pruned, and some channels gone where ratios are scanned.

    Args:
        scan: whose settings are mixed.
        first_of: of layers whose channels go with others', the first of the group.
        rng: draws.
    """
    axes = scan.axes
    # Of networks that bear little, mild mixes must be drawn oftener, and mixes of few layers.
    harshness, spread, touched = rng.uniform() ** 1.5, rng.uniform(*_SPREADS), rng.choice(_TOUCHED)
    share, most = rng.choice(_PRUNED_SHARES), rng.uniform()
    place = int(rng.integers(len(axes.activation_bits) + 1))
    activations = axes.activation_bits[place] if place < len(axes.activation_bits) else None
    mix = {}
    for layer in scan.layers:
        if rng.uniform() >= touched:
            continue
        setting = ScanSetting()
        bits = _known(scan, layer, (ScanSetting(weights=one) for one in sorted(axes.weight_bits, reverse=True)))
        if bits:
            place = round(rng.normal(harshness * (len(bits) - 1), spread))
            setting = bits[min(max(place, 0), len(bits) - 1)]
        sparsities = _known(scan, layer, (ScanSetting(sparsity=one) for one in _mild(axes.sparsities, most)))
        if sparsities and rng.uniform() < (share if bits else max(share, harshness)):
            setting = replace(setting, sparsity=sparsities[rng.integers(len(sparsities))].sparsity)
        if activations is not None and _known(scan, layer, [ScanSetting(activations=activations)]):
            setting = replace(setting, activations=activations)
        is_first = first_of.get(layer, layer) == layer
        ratios = _known(scan, layer, (ScanSetting(ratio=one) for one in _mild(axes.ratios, most)))
        if is_first and ratios and rng.uniform() < share:
            setting = replace(setting, ratio=ratios[rng.integers(len(ratios))].ratio)
        if setting != ScanSetting():
            mix[layer] = setting
    return mix


def _mild(shares: Sequence[float], most: float) -> list[float]:
    """The mildest of them, more the higher `most` is, 0…1."""
    rising = sorted(shares)
    return rising[: 1 + int(most * len(rising))]


def _known(scan: SensitivityScan, layer: str, settings: Iterable[ScanSetting]) -> list[ScanSetting]:
    found = []
    for setting in settings:
        cell = scan.cell(layer, setting)
        if cell is not None and cell.kl is not None:
            found.append(setting)
    return found
