"""What the list of jobs says of results, and in which colour."""

from dataclasses import replace

from workbench.engine.core.measurement import Figure, Origin
from workbench.engine.core.search_result import SearchBudgets, SearchResult
from workbench.engine.core.sensitivity import ScanAxes, ScanCell, ScanSetting, SensitivityScan
from workbench.gui.running_jobs import outcome_tone, scan_text

_KL = Figure(0.1, "nat", Origin.MEASURED)
_CELLS = tuple(ScanCell(layer, ScanSetting(weights=8), _KL, num_samples=64) for layer in ("a", "b"))
_SCAN = SensitivityScan("m", "d", ScanAxes((8,), (), ()), ("a", "b"), _CELLS, 64)


def test_a_search_that_finds_nothing_is_no_success():
    original = Figure(0.9, "fraction", Origin.MEASURED)

    assert outcome_tone(SearchResult(SearchBudgets(max_bytes=9), "top1", original, refusal="out of reach")) == "warn"
    assert outcome_tone(_SCAN) == "good"


def test_a_scan_says_on_how_many_samples_its_cells_are():
    older = replace(_SCAN, cells=(_CELLS[0], replace(_CELLS[1], num_samples=5000)))

    assert scan_text(_SCAN) == "2 cells, n = 64"
    assert scan_text(older) == "2 cells, n = 64 to 5,000"
