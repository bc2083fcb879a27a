"""Solutions within exact limits, against trying every choice and writing its file."""

import itertools
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from tests.channel_networks import CHAIN
from workbench.engine.compress.compressor import Compressor
from workbench.engine.core.measurement import Figure, Origin
from workbench.engine.core.recipe import Recipe
from workbench.engine.core.sensitivity import ScanAxes, ScanCell, SensitivityScan
from workbench.engine.core.sensitivity_table import sensitivity_table
from workbench.engine.graph.model import load_model
from workbench.engine.search.solving.exact_solver import ExactSolver
from workbench.engine.search.solving.file_sizes import FileSizes
from workbench.engine.search.solving.search_space import BYTES, KL, SearchMeans, SearchSpace, search_space
from workbench.jobs import JobContext

_AXES = ScanAxes(weight_bits=(2, 4, 8), activation_bits=(), sparsities=())


class _Tried:
    """Every choice of a small network, with what it loses and what its file has."""

    def __init__(self, compressor: Compressor) -> None:
        self.space, self.sizes = _space(compressor)
        self.solver = ExactSolver(self.space, self.sizes.file_bytes)
        options = range(len(self.space.options))
        kl = self.space.counts()[KL]
        self.choices = []
        for choice in itertools.product(options, repeat=len(self.space.rows)):
            picks = np.array(choice)
            size = self.sizes.file_bytes(self.space.recipe(picks), JobContext())
            self.choices.append((float(kl[np.arange(len(picks)), picks].sum()), size))

    def best(self, max_bytes: float) -> float | None:
        return min((kl for kl, size in self.choices if size <= max_bytes), default=None)


def _space(compressor: Compressor) -> tuple[SearchSpace, FileSizes]:
    layers = tuple(layer.name for layer in compressor.model.info.layers if layer.editable)
    rng = np.random.default_rng(0)
    cells = []
    for layer in layers:
        harsh = rng.uniform(0.5, 2.0)
        for setting in _AXES.settings:
            kl = harsh * 4.0 ** -(setting.weights or 0)
            cells.append(ScanCell(layer, setting, Figure(kl, "nat", Origin.MEASURED), num_samples=64))
    scan = SensitivityScan("m", "d", _AXES, layers, tuple(cells), 64)

    def build(recipe: Recipe, ctx: JobContext) -> bytes:
        return compressor.build(compressor.plan(recipe, ctx=ctx))

    sizes = FileSizes(compressor, lambda recipe: None, build)
    space = search_space(scan, sensitivity_table(scan), sizes, compressor, base=Recipe(), means=SearchMeans(), kinds={})
    return space, sizes


@pytest.fixture(scope="module")
def tried(tmp_path_factory: pytest.TempPathFactory) -> _Tried:
    path: Path = CHAIN.write(tmp_path_factory.mktemp("exact") / "net.onnx")
    return _Tried(Compressor(load_model(path)))


def _limits(tried: _Tried) -> Iterator[int]:
    sizes = sorted({size for _, size in tried.choices})
    # Right at a file's size, and a byte less.
    for size in sizes[:: max(1, len(sizes) // 8)]:
        yield from (size, size - 1)


def test_every_solution_is_within_its_limit(tried: _Tried):
    found = [(limit, tried.solver.solve(KL, {BYTES: limit}, JobContext())) for limit in _limits(tried)]
    solved = [(limit, one) for limit, one in found if one is not None]

    assert len(solved) > 8
    for limit, one in solved:
        best = tried.best(limit)
        assert one.file_bytes <= limit
        assert best is not None
        assert best <= one.kl * (1 + 1e-9)


def test_the_smallest_file_is_the_smallest_of_all(tried: _Tried):
    found = tried.solver.least(BYTES, {}, JobContext())

    assert found is not None
    assert found.file_bytes == min(size for _, size in tried.choices)


def test_a_solution_says_the_size_of_the_file_that_its_recipe_gives(tried: _Tried):
    found = tried.solver.solve(KL, {BYTES: max(size for _, size in tried.choices)}, JobContext())

    assert found is not None
    assert found.kl == 0.0
    assert found.file_bytes == tried.sizes.file_bytes(found.recipe, JobContext())
