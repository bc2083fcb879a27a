"""Scans and searches as jobs, on a double of the engine."""

import pytest

from workbench.engine.core.recipe import Recipe
from workbench.engine.core.search_result import SearchBudgets
from workbench.engine.core.sensitivity import ScanAxes, ScanSetting


@pytest.fixture
def searching(bench):
    return bench.searching


def test_a_scan_begins_with_early_figures_of_all_cells(bench, searching):
    searching.scan(ScanAxes(), None)

    (asked,) = bench.asks.of("scan", "run")
    assert (asked.ticket.args, asked.ticket.kwargs) == ((ScanAxes(),), {"early": True})
    assert searching.is_scanning


def test_a_number_of_samples_is_handed_on(bench, searching):
    searching.scan(ScanAxes(), 256)

    assert bench.asks.of("scan", "run")[0].ticket.kwargs["samples"] == 256


def test_one_scan_runs_at_a_time(bench, searching):
    searching.scan(ScanAxes(), None)
    searching.scan(ScanAxes(), None)

    assert len(bench.asks.of("scan", "run")) == 1


def test_each_figure_is_handed_on_and_the_end_leaves_what_there_is(bench, searching, make_scan):
    found, ended = [], []
    searching.scanned.connect(found.append)
    searching.scan_ended.connect(ended.append)
    searching.scan(ScanAxes(), None)
    scan = make_scan(("a",), {("a", ScanSetting(weights=8)): 0.1})
    (asked,) = bench.asks.of("scan", "run")

    asked.partial(scan)
    searching.cancel_scan()
    asked.stopped()

    assert found == [scan]
    assert ended == ["the scan was stopped before it was complete"]
    assert not searching.is_scanning


def test_a_failure_is_told(bench, searching, qtbot):
    searching.search(SearchBudgets(max_bytes=1000), None, None, Recipe())

    with qtbot.waitSignals([searching.failed, searching.search_ended]):
        bench.asks.of("search", "run")[0].failed("no samples")


def test_other_samples_give_up_all_of_it(bench, searching, make_scan):
    scan = make_scan(("a",), {})
    searching.scan(ScanAxes(), None)
    searching.fit(scan, Recipe())
    searching.search(SearchBudgets(max_bytes=1000), scan, None, Recipe())

    bench.awaited.give_up_data()

    cancelled = [one.ticket.verb for one in bench.asks.asked if one.ticket.is_cancelled]
    assert cancelled == ["scan", "fit_accuracy", "search"]


def test_the_list_of_jobs_says_what_was_found(bench, searching, make_scan):
    ends = []
    bench.jobs.finished.connect(lambda job, text, tone: ends.append(text))
    searching.scan(ScanAxes(), None)

    error = {("a", ScanSetting(weights=2)): "NaN"}
    bench.asks.of("scan", "run")[0].done(make_scan(("a",), {("a", ScanSetting(weights=8)): 0.1}, errors=error))

    assert ends == ["1 cells, 1 cannot be, n = 64"]
