"""What a search chooses from, on the built-in model."""

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from workbench.bench import Bench
from workbench.engine.compress.compressor import Compressor
from workbench.engine.core.measurement import Figure, Origin
from workbench.engine.core.plan import LayerPlan
from workbench.engine.core.recipe import ActivationRule, Recipe, WeightRule
from workbench.engine.core.sensitivity import ScanAxes, ScanCell, SensitivityScan
from workbench.engine.core.sensitivity_table import sensitivity_table
from workbench.engine.graph.model import load_model
from workbench.engine.latency.onnx_operators import ModelOperators
from workbench.engine.search.solving.device_latency import DeviceLatency
from workbench.engine.search.solving.exact_solver import ExactSolver, Way
from workbench.engine.search.solving.file_sizes import FileSizes
from workbench.engine.search.solving.search_space import (
    BYTES,
    KL,
    LATENCY,
    MACS,
    SearchMeans,
    SearchSpace,
    search_space,
)
from workbench.estimating import KnownOperators
from workbench.jobs import JobContext
from workbench.project.device_store import shipped_library

_AXES = ScanAxes(weight_bits=(4,), activation_bits=(8,), sparsities=(0.5,))


class _CountingSizes(FileSizes):
    num_packed = 0

    def stored_bytes(self, recipe: Recipe, entries: Iterable[LayerPlan]) -> dict[str, int]:
        self.num_packed += 1
        return super().stored_bytes(recipe, entries)


def _scan(compressor: Compressor, axes: ScanAxes = _AXES) -> SensitivityScan:
    layers = tuple(layer.name for layer in compressor.model.info.layers if layer.editable)
    groups = [group for group in compressor.pruning.channels.groups if group.num_units] if axes.ratios else []
    cells = tuple(
        ScanCell(layer, setting, Figure(0.1, "nat", Origin.MEASURED), num_samples=64)
        for layer in layers
        for setting in axes.settings
    )
    firsts = tuple((member, group.members[0]) for group in groups for member in group.members)
    return SensitivityScan("m", "d", axes, layers, cells, 64, groups=firsts)


def _on_a_phone(compressor: Compressor, device: str = "oneplus-7t/ncnn/cpu-4t") -> DeviceLatency:
    library, bench, known = shipped_library(), Bench(compressor), KnownOperators(compressor)
    profile = library.find(device)

    def shapes(recipe: Recipe, ctx: JobContext) -> ModelOperators:
        return known.of_recipe(bench, recipe, ctx)[1]

    return DeviceLatency(profile, library.knowledge[profile.backend], shapes)


def test_latency_of_any_choice_is_near_that_of_the_whole(demo_folder: Path):
    compressor = Compressor(load_model(demo_folder / "digits.onnx"))
    latency, scan = _on_a_phone(compressor), _scan(compressor, replace(_AXES, ratios=(0.25, 0.5)))
    space = search_space(
        scan,
        sensitivity_table(scan),
        FileSizes(compressor, lambda recipe: None, lambda recipe, ctx: b""),
        compressor,
        base=Recipe(),
        means=SearchMeans(),
        kinds=dict.fromkeys(scan.layers, "filters"),
        latency=latency,
    )
    rng = np.random.default_rng(0)
    assert space.groups

    for _ in range(20):
        picks = np.concatenate(
            [rng.integers(0, len(space.options), len(space.rows)), rng.integers(0, 3, len(space.groups))]
        )
        summed = space.counts(picks)[LATENCY][np.arange(len(picks)), picks].sum()
        whole = latency.figure(space.recipe(picks), JobContext())
        assert whole is not None
        assert summed == pytest.approx(whole.value, rel=1e-3)


def _space_of(compressor: Compressor, scan: SensitivityScan, latency: DeviceLatency | None = None) -> SearchSpace:
    sizes = FileSizes(compressor, lambda recipe: None, lambda recipe, ctx: b"")
    table, kinds = sensitivity_table(scan), dict.fromkeys(scan.layers, "filters")
    means = SearchMeans()
    return search_space(scan, table, sizes, compressor, base=Recipe(), means=means, kinds=kinds, latency=latency)


def test_multiply_adds_are_those_of_the_whole_model(demo_folder: Path):
    compressor = Compressor(load_model(demo_folder / "digits.onnx"))
    scan = _scan(compressor)
    layers = scan.layers[:-1]
    fewer = replace(scan, layers=layers, cells=tuple(cell for cell in scan.cells if cell.layer in layers))

    space = _space_of(compressor, fewer)

    assert space.num_macs(np.zeros(len(space.rows), np.int64)) == compressor.model.info.macs
    solver = ExactSolver(space, lambda recipe, ctx: 1000)
    # What the last layer takes cannot go.
    assert solver.solve(KL, {MACS: compressor.model.info.macs - 1}, JobContext()) is None


def test_no_weights_become_zero_where_a_way_forbids_it(demo_folder: Path):
    compressor = Compressor(load_model(demo_folder / "digits.onnx"))
    solver = ExactSolver(_space_of(compressor, _scan(compressor)), lambda recipe, ctx: 1000)

    with_zeros, without = (solver.least(BYTES, {}, JobContext(), way) for way in (None, Way(prunes_weights=False)))

    assert any(rule.prune is not None for rule in with_zeros.recipe.rules)
    assert all(rule.prune is None for rule in without.recipe.rules)


def test_the_fastest_choice_has_no_fewer_bits_than_save_time(demo_folder: Path):
    compressor = Compressor(load_model(demo_folder / "digits.onnx"))
    latency = _on_a_phone(compressor, "dragonwing-iq-9075-evk/qnn-dlc/npu/w8a8")
    scan = _scan(compressor, ScanAxes(weight_bits=(2, 8), activation_bits=(8,), sparsities=()))
    harsh = {2: 1.0, 8: 0.01}
    cells = tuple(
        replace(cell, kl=replace(cell.kl, value=harsh.get(cell.setting.weights or 8, 0.01))) for cell in scan.cells
    )
    solver = ExactSolver(_space_of(compressor, replace(scan, cells=cells), latency), lambda *_: 1000, latency.figure)

    fastest = solver.least(LATENCY, {}, JobContext())

    # All compute in eight bits there, also those that are stored in two.
    assert {rule.weights.bits for rule in fastest.recipe.rules if rule.weights is not None} == {8}


def test_what_an_estimate_rests_on_is_told_of_the_recipe_that_it_is_of(demo_folder: Path):
    latency = _on_a_phone(
        Compressor(load_model(demo_folder / "digits.onnx")), "dragonwing-iq-9075-evk/qnn-dlc/npu/w8a8"
    )
    wide = Recipe().with_rule("*", weights=WeightRule(bits=8), activations=ActivationRule(bits=16))
    usual = Recipe().with_rule("*", weights=WeightRule(bits=8), activations=ActivationRule(bits=8))

    notes = {recipe: latency.notes(recipe, JobContext()) for recipe in (wide, usual)}

    assert any("16-bit activations" in note for note in notes[wide])
    assert not any("16-bit activations" in note for note in notes[usual])


def test_weights_are_packed_once_for_each_width_and_share_of_zeros(demo_folder: Path):
    compressor = Compressor(load_model(demo_folder / "digits.onnx"))
    sizes = _CountingSizes(compressor, lambda recipe: None, lambda recipe, ctx: b"")
    scan = _scan(compressor)

    space = search_space(
        scan,
        sensitivity_table(scan),
        sizes,
        compressor,
        base=Recipe(),
        means=SearchMeans(),
        kinds={},
        latency=_on_a_phone(compressor),
    )

    # Four bits, zeros, and both; activations of eight bits beside any of them take no bytes.
    assert len(space.options) == 8
    assert sizes.num_packed == 3
    stored = {option: space.layer_counts[BYTES][:, place] for place, option in enumerate(space.options)}
    for option, found in stored.items():
        assert np.array_equal(found, stored[replace(option, activations=None)])
