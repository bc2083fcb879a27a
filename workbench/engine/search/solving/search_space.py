"""What a search chooses from: for every layer its settings, with what each costs, and for every group its ratios.

Divergences add up over layers by the scan's finding; bytes of layers add up but for look-up tables that layers share,
which a search corrects by the exact size. Where channels go, the bytes and multiply-adds of a layer are products of
what is done to it and of what its groups keep: they are exact for the layers' settings at the ratios at hand, and
linear in each group's ratio about those; a search solves again at the ratios it found.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np
import numpy.typing as npt

from workbench.engine.compress.compressor import Compressor
from workbench.engine.core.channel_group import ModelChannels
from workbench.engine.core.plan import LayerPlan
from workbench.engine.core.recipe import Prune, Recipe, Rule, escape_selector
from workbench.engine.core.sensitivity import ScanSetting, SensitivityScan
from workbench.engine.core.sensitivity_table import AskedOfLayers, SensitivityTable, sensitivity_table
from workbench.engine.search.prediction.mix_recipe import Mix, mix_recipe
from workbench.engine.search.solving.device_latency import DeviceLatency
from workbench.engine.search.solving.file_sizes import FileSizes, sharing_layers
from workbench.jobs import JobContext

Floats = npt.NDArray[np.float64]
Picks = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]
KL, BYTES, MACS, LATENCY = "kl", "bytes", "macs", "ms"


class Times(Protocol):
    """What layers take on a device with any channels gone, by group."""

    def layers(self, gone: Mapping[str, int]) -> Floats:
        """Of each layer of the scan as it is and on integers, ms, shape (layers, 2)."""
        ...

    def rest(self, gone: Mapping[str, int]) -> float:
        """Of all else, ms."""
        ...


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
        rest_bytes: about what the file takes beside the weights.
        rest_macs: multiply-adds of layers that nothing can be chosen for.
        times: on a device; None where latency does not matter.
        on_integers: which options make each row compute on integers, shape (rows, options).
        divergences: what each option adds by the scan's divergences as they are, nats, shape (rows, options); None
            where they are what the counts say.
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
    rest_bytes: float = 0.0
    rest_macs: float = 0.0
    times: Times | None = None
    on_integers: Bools | None = None
    divergences: Floats | None = None

    @property
    def size(self) -> tuple[int, int]:
        """Number of choices, and of options a choice at most."""
        return len(self.rows) + len(self.groups), max(len(self.options), len(self.ratios) if self.groups else 0)

    def counts(self, at: Picks | None = None) -> dict[str, Floats]:
        """What every option adds to each total, shape (N, O).

        What latency has outside the layers belongs to every option of the first choice.

        Args:
            at: what is chosen now, about which channels' effects are linear; None for nothing.
        """
        num_rows = len(self.rows)
        shares = self._shares(self._ratios(at))
        counts: dict[str, Floats] = {}
        for name, values in self._layer_counts().items():
            table = np.full(self.size, np.inf)
            table[:num_rows, : len(self.options)] = values if name == KL else values * shares[:, None]
            if self.groups:
                table[num_rows:, : len(self.ratios)] = self.group_kl if name == KL else self._changes(name, at, shares)
            counts[name] = table
        if self.times is None:
            return counts
        counts[LATENCY] = self._latency(self.times, at)
        # What the device has no figure for is not to be chosen, whatever is limited.
        unknown = ~np.isfinite(counts[LATENCY])
        return {name: np.where(unknown, np.inf, table) for name, table in counts.items()}

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
        if self.macs is None:
            return None
        return round(self.rest_macs + float((self.macs * self._shares(self._ratios(picks))).sum()))

    def _layer_counts(self) -> dict[str, Floats]:
        counts = dict(self.layer_counts)
        if self.macs is not None:
            counts[MACS] = np.where(np.isfinite(counts[KL]), self.macs[:, None], np.inf)
        return counts

    def _latency(self, times: Times, at: Picks | None) -> Floats:
        """What options add in ms: layers at the shapes that are chosen, and each other ratio all that it changes."""
        ratios, num_rows = self._ratios(at), len(self.rows)
        possible = np.isfinite(self.layer_counts[KL])
        table = np.full(self.size, np.inf)
        layers = self._layer_ms(times, ratios)
        table[:num_rows, : len(self.options)] = np.where(possible, layers, np.inf)
        table[0] += times.rest(self._gone(ratios))
        options = np.zeros(num_rows, np.int64) if at is None else at[:num_rows]
        # Of a layer that no figure is known of as it is, the fastest option stands in.
        chosen = np.where(np.isfinite(layers[np.arange(num_rows), options]), options, layers.argmin(axis=1))
        now = self._ms(times, ratios, chosen)
        for place, first in enumerate(self.groups, start=num_rows):
            for number, ratio in enumerate(self.ratios):
                table[place, number] = self._ms(times, {**ratios, first: ratio}, chosen) - now
        return table

    def _ms(self, times: Times, ratios: Mapping[str, float], options: Picks) -> float:
        layers = self._layer_ms(times, ratios)[np.arange(len(options)), options]
        return float(layers.sum()) + times.rest(self._gone(ratios))

    def _layer_ms(self, times: Times, ratios: Mapping[str, float]) -> Floats:
        """Time of each row with each option in ms, shape (rows, options)."""
        by_row = _summed(self.rows, self.scan.layers, times.layers(self._gone(ratios)))
        shape = len(self.rows), len(self.options)
        on_integers = np.zeros(shape, np.bool_) if self.on_integers is None else self.on_integers
        return np.where(on_integers, by_row[:, 1:], by_row[:, :1])

    def _ratios(self, at: Picks | None) -> dict[str, float]:
        """The ratio of each group."""
        if at is None:
            return dict.fromkeys(self.groups, 0.0)
        return {first: self.ratios[at[len(self.rows) + number]] for number, first in enumerate(self.groups)}

    def _gone(self, ratios: Mapping[str, float]) -> dict[str, int]:
        """How many units go, by group."""
        if self.channels is None:
            return {}
        return {first: _num_gone(self.channels, first, ratio) for first, ratio in ratios.items() if ratio > 0}

    def _shares(self, ratios: Mapping[str, float]) -> Floats:
        """The share of its weights that each row keeps."""
        if not self.groups or self.channels is None:
            return np.ones(len(self.rows))
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
        ratios = self._ratios(at)
        changes = np.zeros((len(self.groups), len(self.ratios)))
        for place, first in enumerate(self.groups):
            for number, ratio in enumerate(self.ratios):
                left = self._shares({**ratios, first: ratio})
                changes[place, number] = float((chosen * (left - shares)).sum())
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
    latency: DeviceLatency | None = None,
    ctx: JobContext | None = None,
) -> SearchSpace:
    """What can be chosen on a model.

    Args:
        scan: of the model.
        table: of the scan; weighed by the accuracy that cells lost, where that is known.
        sizes: of its files.
        compressor: of the model.
        base: whose encoding and calibration recipes keep.
        means: what may be done.
        kinds: of the channels of each layer that can lose some.
        latency: of recipes on a device; None where it does not matter.
        ctx: asked before each group of channels is cut for its shapes; told the progress.

    Raises:
        Cancelled: somebody asked to stop.
    """
    options = _options(scan, means, activations=latency is not None)
    rows = tuple(sharing_layers(compressor, scan.layers))
    kl = _summed(rows, scan.layers, np.stack([_kl(table, option) for option in options], axis=1))
    plain = sensitivity_table(scan)
    stored = _bytes(scan, sizes, base, options)
    counts = {KL: kl, BYTES: _summed(rows, scan.layers, stored)}
    ratios = (0.0, *(sorted(scan.axes.ratios) if means.prunes else ()))
    groups = _groups(scan) if len(ratios) > 1 else ()
    info = compressor.model.info
    known = [info.layer(name).macs for name in scan.layers]
    macs = None if info.macs is None else _summed(rows, scan.layers, np.array(known, np.float64)[:, None])[:, 0]
    impossible = ~np.isfinite(np.sum(list(counts.values()), axis=0))
    counts = {name: np.where(impossible, np.inf, values) for name, values in counts.items()}
    channels = compressor.pruning.channels if groups else None
    times = on_integers = None
    if latency is not None:
        cuts = {} if channels is None else _cuts(base, scan, channels, groups, ratios[-1], kinds)
        times = latency.layer_times(scan.layers, cuts, ctx or JobContext())
        on_integers = _on_integers(compressor, base, scan, rows, options)
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
        channels=channels,
        rest_bytes=sizes.whole_bytes - float(counts[BYTES][:, 0].sum()),
        rest_macs=0.0 if info.macs is None or macs is None else info.macs - float(macs.sum()),
        times=times,
        on_integers=on_integers,
        divergences=_summed(rows, scan.layers, np.stack([_kl(plain, option) for option in options], axis=1)),
    )


def _num_gone(channels: ModelChannels, first: str, ratio: float) -> int:
    group = channels.group(first)
    return 0 if group is None else group.num_units - sum(group.units_kept(ratio))


def _cuts(
    base: Recipe,
    scan: SensitivityScan,
    channels: ModelChannels,
    groups: Sequence[str],
    ratio: float,
    kinds: Mapping[str, str],
) -> dict[str, tuple[Recipe, int]]:
    """A recipe that cuts each group alone at the highest ratio, and how many units go."""
    cuts = {
        first: (
            mix_recipe(base, scan.axes, {first: ScanSetting(ratio=ratio)}, kinds),
            _num_gone(channels, first, ratio),
        )
        for first in groups
    }
    return {first: cut for first, cut in cuts.items() if cut[1]}


def _on_integers(
    compressor: Compressor,
    base: Recipe,
    scan: SensitivityScan,
    rows: Sequence[Sequence[str]],
    options: Sequence[ScanSetting],
) -> Bools:
    """Whether the layers of each row compute on integers with each option in ms, shape (rows, options)."""
    by_style: dict[tuple[int | None, int | None], frozenset[str]] = {}
    found = np.zeros((len(rows), len(options)), np.bool_)
    for number, option in enumerate(options):
        style = option.weights, option.activations
        if None in style:
            continue
        if style not in by_style:
            recipe = _alike(scan, base, replace(option, sparsity=None))
            plan = compressor.plan(recipe, has_samples=True)
            by_style[style] = frozenset(entry.layer for entry in plan.layers if entry.runs_on_integers)
        found[:, number] = [by_style[style].issuperset(layers) for layers in rows]
    return found


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
