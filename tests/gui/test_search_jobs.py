"""Scans and searches as jobs, on a double of the engine."""

from dataclasses import replace

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


def test_what_is_asked_for_while_the_old_job_is_being_stopped_begins_when_that_has_ended(bench, searching):
    searching.search(SearchBudgets(max_bytes=1000), None, None, Recipe())
    searching.cancel_search()
    searching.search(SearchBudgets(max_bytes=2000), None, None, Recipe())
    (old,) = bench.asks.of("search", "run")
    ended = []
    searching.search_ended.connect(ended.append)

    old.stopped()

    _, new = bench.asks.of("search", "run")
    assert new.ticket.args[0] == SearchBudgets(max_bytes=2000)
    # Whoever waits for the new one is not told that the old one was stopped.
    assert ended == []


def test_a_scan_that_is_being_stopped_is_followed_by_the_one_that_is_wished(bench, searching):
    searching.scan(ScanAxes(), None)
    searching.cancel_scan()
    searching.scan(ScanAxes((8,)), None)
    assert searching.scan_job == 0

    bench.asks.of("scan", "run")[0].stopped()

    assert bench.asks.of("scan", "run")[1].ticket.args == (ScanAxes((8,)),)
    assert searching.is_scanning


def test_a_wish_is_given_up_with_the_bench_it_was_for(bench, searching):
    searching.scan(ScanAxes(), None)
    searching.cancel_scan()
    searching.scan(ScanAxes((8,)), None)

    searching.give_up()
    bench.asks.of("scan", "run")[0].stopped()

    assert len(bench.asks.of("scan", "run")) == 1
    assert not searching.is_scanning


def test_another_scan_is_learned_from_in_the_place_of_the_old_one(bench, searching, make_scan):
    old, new = make_scan(("a",), {}), make_scan(("a",), {}, axes=ScanAxes((8,)))
    searching.fit(old, Recipe())
    searching.fit(replace(old, seconds=1.0), Recipe())
    assert not bench.asks.of("fit_accuracy", "run")[0].ticket.is_cancelled
    searching.fit(new, Recipe())

    bench.asks.of("fit_accuracy", "run")[0].stopped()

    assert [asked.ticket.args[0] for asked in bench.asks.of("fit_accuracy", "run")] == [old, new]


def test_a_search_that_was_given_up_and_ended_all_the_same_finds_nothing(bench, searching):
    found = []
    searching.found.connect(found.append)
    searching.search(SearchBudgets(max_bytes=1000), None, None, Recipe())

    searching.give_up()
    bench.asks.of("search", "run")[0].done("what it found")

    assert found == []
