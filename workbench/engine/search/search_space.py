"""What a search chooses from: for every layer its settings, with what each costs, and for every group its ratios.

Divergences add up over layers by the scan's finding; bytes of layers add up but for look-up tables that layers share,
which a search corrects by the exact size. Where channels go, the bytes and multiply-adds of a layer are products of
what is done to it and of what its groups keep: they are exact for the layers' settings at the ratios at hand, and
linear in each group's ratio about those; a search solves again at the ratios it found.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from workbench.engine.compress.compressor import Compressor
from workbench.engine.core.channel_group import ModelChannels
from workbench.engine.core.plan import LayerPlan
from workbench.engine.core.recipe import Prune, Recipe, Rule, escape_selector
from workbench.engine.core.sensitivity import ScanSetting, SensitivityScan
from workbench.engine.core.sensitivity_table import AskedOfLayers, SensitivityTable
from workbench.engine.search.file_sizes import FileSizes, sharing_layers
from workbench.engine.search.mix_recipe import Mix, mix_recipe

Floats = npt.NDArray[np.float64]
Picks = npt.NDArray[np.int64]
KL, BYTES, MACS, LATENCY = "kl", "bytes", "macs", "ms"

# What one inference takes of a recipe's file, ms: of each layer by its name, and under "" what is left.
Latency = Callable[[Recipe], Mapping[str, float]]


@dataclass(frozen=True, slots=True)
class SearchMeans:
    """What a search may do.

    Args:
        quantizes: give weights fewer bits.
        prunes: make weights zero, and remove channels where the scan tried it.
    """

    quantizes: bool = True
    prunes: bool = True


@dataclass(frozen=True, slots=True, eq=False)
class SearchSpace:
    """Choices, one a tensor of weights and then one a group of channels.

    Args:
        scan: whose layers and settings these are.
        base: whose encoding and calibration recipes keep.
        kinds: of the channels of each group: "filters" or "neurons".
        rows: the layers of each tensor.
        options: settings of weights; the first does nothing.
        groups: first layers of the groups that can lose channels.
        ratios: of those; the first is none.
        layer_counts: what each option adds to the totals, by name, shape (rows, options); infinite where the layer
            cannot do it, or the scan knows nothing of it.
        group_kl: what each ratio adds, shape (groups, ratios).
        macs: of each row, shape (rows,); None where they are not known.
        channels: the groups, for what their ratios leave.
        rest_ms: of one inference outside the layers.
        rest_bytes: about what the file takes beside the weights.
    """

    scan: SensitivityScan
    base: Recipe
    kinds: Mapping[str, str]
    rows: tuple[tuple[str, ...], ...]
    options: tuple[ScanSetting, ...]
    groups: tuple[str, ...]
    ratios: tuple[float, ...]
    layer_counts: Mapping[str, Floats]
    group_kl: Floats
    macs: Floats | None
    channels: ModelChannels | None
    rest_ms: float = 0.0
    rest_bytes: float = 0.0

    @property
    def size(self) -> tuple[int, int]:
        """Number of choices, and of options a choice at most."""
        return len(self.rows) + len(self.groups), max(len(self.options), len(self.ratios) if self.groups else 0)

    def counts(self, at: Picks | None = None) -> dict[str, Floats]:
        """What every option adds to each total, shape (N, O).

        Args:
            at: what is chosen now, about which channels' effects are linear; None for nothing.
        """
        num_rows = len(self.rows)
        shares = self._shares(at)
        counts: dict[str, Floats] = {}
        for name, values in self._layer_counts().items():
            table = np.full(self.size, np.inf)
            table[:num_rows, : len(self.options)] = values if name == KL else values * shares[:, None]
            if self.groups:
                table[num_rows:, : len(self.ratios)] = self.group_kl if name == KL else self._changes(name, at, shares)
            counts[name] = table
        return counts

    def mix(self, picks: Picks) -> Mix:
        """The settings of a solution."""
        mix: dict[str, ScanSetting] = {}
        for row, layers in enumerate(self.rows):
            setting = self.options[picks[row]]
            if setting != ScanSetting():
                mix |= dict.fromkeys(layers, setting)
        for number, first in enumerate(self.groups, start=len(self.rows)):
            ratio = self.ratios[picks[number]]
            if ratio > 0:
                mix[first] = replace(mix.get(first, ScanSetting()), ratio=ratio)
        return mix

    def recipe(self, picks: Picks, *, corrects_bias: bool = False) -> Recipe:
        """The recipe of a solution.

        Args:
            picks: the solution.
            corrects_bias: whether biases take back what the weights' error does to the outputs' mean.
        """
        axes = self.scan.axes
        if corrects_bias:
            axes = replace(axes, style=replace(axes.style, bias_correction=True))
        return mix_recipe(self.base, axes, self.mix(picks), self.kinds)

    def num_macs(self, picks: Picks) -> int | None:
        """Multiply-adds that a solution leaves at batch 1; None where they are not known."""
        return None if self.macs is None else round(float((self.macs * self._shares(picks)).sum()))

    def _layer_counts(self) -> dict[str, Floats]:
        counts = dict(self.layer_counts)
        if self.macs is not None:
            counts[MACS] = np.where(np.isfinite(counts[KL]), self.macs[:, None], np.inf)
        return counts

    def _shares(self, at: Picks | None, change: tuple[str, float] | None = None) -> Floats:
        """The share of its weights that each row keeps."""
        if not self.groups or self.channels is None:
            return np.ones(len(self.rows))
        ratios = dict.fromkeys(self.groups, 0.0)
        if at is not None:
            ratios = {first: self.ratios[at[len(self.rows) + number]] for number, first in enumerate(self.groups)}
        if change is not None:
            ratios[change[0]] = change[1]
        kept = {}
        for first, ratio in ratios.items():
            group = self.channels.group(first)
            if group is not None and ratio > 0:
                kept[first] = group.units_kept(ratio)
        shares = self.channels.layer_shares(kept)
        return np.array([shares.get(layers[0], 1.0) for layers in self.rows])

    def _changes(self, name: str, at: Picks | None, shares: Floats) -> Floats:
        """What another ratio of one group adds to a total, all else as it is, shape (groups, ratios)."""
        values = self._layer_counts()[name]
        options = np.zeros(len(self.rows), np.int64) if at is None else at[: len(self.rows)]
        chosen = values[np.arange(len(self.rows)), options]
        changes = np.zeros((len(self.groups), len(self.ratios)))
        for place, first in enumerate(self.groups):
            for number, ratio in enumerate(self.ratios):
                changes[place, number] = float((chosen * (self._shares(at, (first, ratio)) - shares)).sum())
        return changes


def search_space(
    scan: SensitivityScan,
    table: SensitivityTable,
    sizes: FileSizes,
    compressor: Compressor,
    *,
    base: Recipe,
    means: SearchMeans,
    kinds: Mapping[str, str],
    latency: Latency | None = None,
) -> SearchSpace:
    """What can be chosen on a model.

    Args:
        scan: of the model.
        table: of the scan.
        sizes: of its files.
        compressor: of the model.
        base: whose encoding and calibration recipes keep.
        means: what may be done.
        kinds: of the channels of each layer that can lose some.
        latency: of recipes on a device; None where it does not matter.
    """
    options = _options(scan, means, activations=latency is not None)
    rows = tuple(sharing_layers(compressor, scan.layers))
    kl = _summed(rows, scan.layers, np.stack([_kl(table, option) for option in options], axis=1))
    stored = _bytes(scan, sizes, base, options)
    counts = {KL: kl, BYTES: _summed(rows, scan.layers, stored)}
    ratios = (0.0, *(sorted(scan.axes.ratios) if means.prunes else ()))
    groups = _groups(scan) if len(ratios) > 1 else ()
    info = compressor.model.info
    known = [info.layer(name).macs for name in scan.layers]
    macs = None if info.macs is None else _summed(rows, scan.layers, np.array(known, np.float64)[:, None])[:, 0]
    rest_ms = 0.0
    if latency is not None:
        times = [latency(_alike(scan, base, option)) for option in options]
        rest_ms = times[0].get("", 0.0)
        counts[LATENCY] = _summed(
            rows, scan.layers, np.array([[one.get(name, 0.0) for one in times] for name in scan.layers])
        )
    impossible = ~np.isfinite(np.sum(list(counts.values()), axis=0))
    counts = {name: np.where(impossible, np.inf, values) for name, values in counts.items()}
    return SearchSpace(
        scan=scan,
        base=base,
        kinds=kinds,
        rows=rows,
        options=options,
        groups=groups,
        ratios=ratios,
        layer_counts=counts,
        group_kl=_group_kl(scan, table, groups, ratios),
        macs=macs,
        channels=compressor.pruning.channels if groups else None,
        rest_ms=rest_ms,
        rest_bytes=sizes.whole_bytes - float(counts[BYTES][:, 0].sum()),
    )


def _options(scan: SensitivityScan, means: SearchMeans, *, activations: bool) -> tuple[ScanSetting, ...]:
    axes = scan.axes
    bits: list[int | None] = [None]
    if means.quantizes and axes.weight_bits:
        # The widths between those that were scanned are read off the curve.
        bits += range(min(axes.weight_bits), max(axes.weight_bits) + 1)
    sparsities: list[float | None] = [None, *(sorted(axes.sparsities) if means.prunes else ())]
    inputs: list[int | None] = [None, *(sorted(axes.activation_bits) if activations and means.quantizes else ())]
    return tuple(
        ScanSetting(weights=width, activations=into, sparsity=sparsity)
        for width in bits
        for sparsity in sparsities
        for into in inputs
    )


def _kl(table: SensitivityTable, option: ScanSetting) -> Floats:
    count = len(table.layers)
    found = table.kl(
        AskedOfLayers(
            np.full(count, math.inf if option.weights is None else float(option.weights)),
            np.full(count, math.inf if option.activations is None else float(option.activations)),
            np.full(count, option.sparsity or 0.0),
            np.zeros(count),
        )
    )
    return np.where(np.isnan(found), np.inf, found)


def _bytes(scan: SensitivityScan, sizes: FileSizes, base: Recipe, options: Sequence[ScanSetting]) -> Floats:
    """What layers take in the file, shape (layers, options); infinite where a layer does not do it."""
    select = tuple(escape_selector(layer) for layer in scan.layers)
    bits = {option.weights for option in options if option.weights is not None}
    sparsities = {option.sparsity for option in options if option.sparsity is not None}
    quantized = {
        width: _entries(sizes, base, Rule(select, weights=replace(scan.axes.style, bits=width))) for width in bits
    }
    pruned = {
        sparsity: _entries(sizes, base, Rule(select, prune=Prune("weights", sparsity=sparsity)))
        for sparsity in sparsities
    }
    # Weights are packed once, whatever goes into the layer; as they are they need no packing at all.
    known: dict[tuple[int | None, float | None], Mapping[str, int]] = {(None, None): sizes.original_bytes()}
    stored = np.zeros((len(scan.layers), len(options)))
    for number, option in enumerate(options):
        done = option.weights, option.sparsity
        if done in known:
            stored[:, number] = [known[done].get(layer, math.inf) for layer in scan.layers]
            continue
        entries = {}
        for layer in scan.layers:
            entry = _entry(
                layer,
                quantized[option.weights].get(layer) if option.weights is not None else None,
                pruned[option.sparsity].get(layer) if option.sparsity is not None else None,
                option,
            )
            if entry is not None:
                entries[layer] = entry
        known[done] = sizes.stored_bytes(base, entries.values())
        stored[:, number] = [known[done].get(layer, math.inf) for layer in scan.layers]
    return stored


def _entries(sizes: FileSizes, base: Recipe, rule: Rule) -> dict[str, LayerPlan]:
    return {entry.layer: entry for entry in sizes.plan_alike(base, rule).layers}


def _entry(layer: str, quantized: LayerPlan | None, pruned: LayerPlan | None, option: ScanSetting) -> LayerPlan | None:
    """The plan of one layer with both; None where it does not do what is asked."""
    entry = LayerPlan(layer, "", "")
    if option.weights is not None:
        if quantized is None or quantized.weights is None or quantized.weights.bits != option.weights:
            return None
        entry = quantized
    if option.sparsity is not None:
        if pruned is None or not pruned.is_pruned:
            return None
        entry = replace(entry, threshold=pruned.threshold, num_kept=pruned.num_kept, pattern=pruned.pattern)
    return entry if entry.is_changed else None


def _alike(scan: SensitivityScan, base: Recipe, option: ScanSetting) -> Recipe:
    return mix_recipe(base, scan.axes, dict.fromkeys(scan.layers, option), {})


def _summed(rows: Sequence[Sequence[str]], layers: Sequence[str], values: Floats) -> Floats:
    places = {layer: place for place, layer in enumerate(layers)}
    return np.stack([values[[places[name] for name in names]].sum(axis=0) for names in rows])


def _groups(scan: SensitivityScan) -> tuple[str, ...]:
    """First layers of the groups of which some ratio is known."""
    first_of, scanned = dict(scan.groups), set(scan.layers)
    firsts = dict.fromkeys(first_of.get(layer, layer) for layer in scan.layers)
    settings = tuple(ScanSetting(ratio=ratio) for ratio in scan.axes.ratios)
    return tuple(
        first
        for first in firsts
        # The table that sums divergences has the scanned layers alone.
        if first in scanned
        and any((cell := scan.cell(first, setting)) is not None and cell.kl is not None for setting in settings)
    )


def _group_kl(scan: SensitivityScan, table: SensitivityTable, groups: Sequence[str], ratios: Sequence[float]) -> Floats:
    places = [scan.layers.index(first) for first in groups]
    columns = [table.ratio.kl(np.full(len(scan.layers), ratio))[places] for ratio in ratios]
    return np.where(np.isnan(found := np.stack(columns, axis=1)), np.inf, found)
