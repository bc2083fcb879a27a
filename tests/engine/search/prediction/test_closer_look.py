"""On how many samples cells are looked at before accuracy is predicted from them."""

from dataclasses import replace

from workbench.engine.core.measurement import Figure, Origin
from workbench.engine.core.sensitivity import ScanAxes, ScanCell, ScanSetting, SensitivityScan
from workbench.engine.search.prediction.closer_look import closer_look


def _scan(num_cells: int, *, num_samples: int = 64, is_complete: bool = True) -> SensitivityScan:
    lost = Figure(0.01, "fraction", Origin.MEASURED, 0.0, 0.02, num_samples)
    layers = tuple(f"layer{number}" for number in range(num_cells))
    cells = tuple(ScanCell(layer, ScanSetting(weights=4), num_samples=num_samples, soft_drop=lost) for layer in layers)
    return SensitivityScan("m", "d", ScanAxes((4,), (), ()), layers, cells, num_samples, is_complete=is_complete)


def test_all_cells_take_four_times_the_runs_of_the_mixes():
    # Half a run each: 100 cells on 200 samples are 10,000 runs.
    assert closer_look(_scan(100), 2_500) == 200


def test_beyond_some_hundred_samples_nothing_is_gained():
    assert closer_look(_scan(10), 1_000_000) == 256


def test_a_few_samples_more_are_not_worth_it():
    assert closer_look(_scan(100, num_samples=185), 2_500) is None
    assert closer_look(_scan(10, num_samples=250), 1_000_000) is None


def test_a_scan_that_was_stopped_is_not_gone_on_with():
    assert closer_look(_scan(10, is_complete=False), 1_000_000) is None


def test_without_labels_there_is_no_closer_look():
    scan = _scan(10)

    cells = tuple(replace(cell, soft_drop=None) for cell in scan.cells)

    assert closer_look(replace(scan, cells=cells), 1_000_000) is None


def test_what_was_looked_at_closely_is_not_looked_at_again():
    assert closer_look(_scan(100, num_samples=200), 2_500) is None
