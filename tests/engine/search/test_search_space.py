"""What a search chooses from, on the built-in model."""

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import numpy as np

from workbench.engine.compress.compressor import Compressor
from workbench.engine.core.measurement import Figure, Origin
from workbench.engine.core.plan import LayerPlan
from workbench.engine.core.recipe import Recipe
from workbench.engine.core.sensitivity import ScanAxes, ScanCell, SensitivityScan
from workbench.engine.core.sensitivity_table import sensitivity_table
from workbench.engine.graph.model import load_model
from workbench.engine.search.file_sizes import FileSizes
from workbench.engine.search.search_space import BYTES, SearchMeans, search_space

_AXES = ScanAxes(weight_bits=(4,), activation_bits=(8,), sparsities=(0.5,))


class _CountingSizes(FileSizes):
    num_packed = 0

    def stored_bytes(self, recipe: Recipe, entries: Iterable[LayerPlan]) -> dict[str, int]:
        self.num_packed += 1
        return super().stored_bytes(recipe, entries)


def _scan(compressor: Compressor) -> SensitivityScan:
    layers = tuple(layer.name for layer in compressor.model.info.layers if layer.editable)
    cells = tuple(
        ScanCell(layer, setting, Figure(0.1, "nat", Origin.MEASURED), num_samples=64)
        for layer in layers
        for setting in _AXES.settings
    )
    return SensitivityScan("m", "d", _AXES, layers, cells, 64)


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
        latency=lambda recipe: {},
    )

    # Four bits, zeros, and both; activations of eight bits beside any of them take no bytes.
    assert len(space.options) == 8
    assert sizes.num_packed == 3
    stored = {option: space.layer_counts[BYTES][:, place] for place, option in enumerate(space.options)}
    for option, found in stored.items():
        assert np.array_equal(found, stored[replace(option, activations=None)])
