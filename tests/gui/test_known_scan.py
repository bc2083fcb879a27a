"""The scan of the bench: what the store has at once, and what a running scan finds."""

import numpy as np
import pytest

from workbench.engine.core.recipe import Calibration
from workbench.engine.core.sensitivity import ScanAxes, ScanSetting, digest_of_ranges

W8, W4 = ScanSetting(weights=8), ScanSetting(weights=4)


@pytest.fixture
def opened(bench):
    one = np.ones((2, 3), np.float32)
    bench.put(a=one, b=one)
    bench.put_data()
    return bench


def test_opened_samples_ask_for_what_is_known_and_show_an_empty_map_meanwhile(opened):
    (asked,) = opened.asks.of("known_scan", "look")

    assert asked.ticket.args == (ScanAxes(),)
    assert opened.scans.scan.layers == ("a", "b")
    assert not opened.scans.has_cells


def test_what_the_store_has_is_shown(opened, make_scan):
    opened.asks.of("known_scan", "look")[0].done(make_scan(("a", "b"), {("a", W4): 0.1}))

    assert opened.scans.scan.cell("a", W4).kl.value == 0.1


def test_what_is_stored_does_not_replace_what_a_scan_has_found_since(opened, make_scan):
    opened.scans.take(make_scan(("a", "b"), {("a", W8): 0.1, ("a", W4): 0.2}))

    opened.asks.of("known_scan", "look")[0].done(make_scan(("a", "b"), {("a", W4): 0.1}))

    assert len(opened.scans.scan.cells) == 2


def test_a_scan_of_another_model_or_other_samples_is_dropped(opened, make_scan):
    for digests in (("1" * 64, "data"), ("0" * 64, "others")):
        opened.scans.take(make_scan(("a",), {("a", W4): 0.1}, digests=digests))

    assert not opened.scans.has_cells


def test_other_axes_ask_anew(opened):
    axes = ScanAxes((8, 4))
    opened.asks.of("known_scan", "look")[0].done(None)

    opened.scans.set_axes(axes)

    assert opened.asks.of("known_scan", "look")[1].ticket.args == (axes,)
    assert opened.scans.scan.axes == axes


def test_a_store_that_cannot_be_read_is_no_matter(opened):
    opened.asks.of("known_scan", "look")[0].failed("damaged")

    assert opened.scans.scan is not None


def test_partial_results_are_told_now_and_then_and_the_last_one_at_once(opened, make_scan, qtbot):
    told = []
    opened.scans.changed.connect(lambda: told.append(len(opened.scans.scan.cells)))
    first, second = make_scan(("a", "b"), {("a", W8): 0.1}), make_scan(("a", "b"), {("a", W8): 0.1, ("b", W8): 0.1})
    opened.scans.take(first)
    opened.scans.take(second)
    # The opening has been told a moment ago.
    assert told == []

    qtbot.waitUntil(lambda: told == [2])
    opened.scans.take(make_scan(("a", "b"), {("a", W8): 0.1}, is_complete=True))

    assert told == [2, 1]


def test_a_complete_scan_is_told_to_who_learns_from_it(opened, make_scan, qtbot):
    whole = make_scan(("a", "b"), {("a", W8): 0.1}, is_complete=True)

    with qtbot.waitSignal(opened.scans.completed) as completed:
        opened.scans.take(whole)

    assert completed.args == [whole]


def test_without_samples_there_is_no_scan(bench):
    bench.put(a=np.ones((2, 3), np.float32))
    bench.scans.begin_model(bench.model)

    assert bench.scans.scan is None
    assert bench.scans.table is None
    assert bench.asks.of("known_scan", "look") == []


def test_what_the_store_has_is_complete_when_nothing_is_missing(opened, make_scan, qtbot):
    axes = ScanAxes((8, 4), (), ())
    opened.asks.of("known_scan", "look")[0].done(None)
    opened.scans.set_axes(axes)
    kl = {(layer, setting): 0.1 for layer in ("a", "b") for setting in (W8, W4)}

    with qtbot.waitSignal(opened.scans.completed):
        opened.asks.of("known_scan", "look")[1].done(make_scan(("a", "b"), kl, axes=axes))

    assert opened.scans.scan.is_complete


@pytest.mark.parametrize("with_channels", [False, True])
def test_a_scan_that_was_stopped_before_its_channels_is_to_be_gone_on_with(opened, make_scan, with_channels):
    half = ScanSetting(ratio=0.5)
    axes = ScanAxes((8,), (), (), (0.5,))
    opened.asks.of("known_scan", "look")[0].done(None)
    opened.scans.set_axes(axes)
    kl = {("a", W8): 0.1, ("b", W8): 0.1} | ({("a", half): 0.2} if with_channels else {})

    stored = make_scan(("a", "b"), kl, axes=axes, groups=(("a", "a"), ("b", "a")))
    opened.asks.of("known_scan", "look")[1].done(stored)

    assert opened.scans.scan.is_complete is with_channels


def test_what_the_store_has_in_part_is_to_be_gone_on_with(opened, make_scan):
    opened.asks.of("known_scan", "look")[0].done(make_scan(("a", "b"), {("a", W8): 0.1}))

    assert not opened.scans.scan.is_complete


def test_a_scan_with_other_ranges_is_dropped(opened, make_scan):
    cells = {("a", W4): 0.1}
    opened.scans.begin_data(opened.dataset, "calibration")

    opened.scans.take(make_scan(("a",), cells, ranges_digest=digest_of_ranges("data", Calibration())))
    assert not opened.scans.has_cells

    opened.scans.take(make_scan(("a",), cells, ranges_digest=digest_of_ranges("calibration", Calibration())))
    assert opened.scans.has_cells


@pytest.mark.parametrize(
    ("num_samples", "measured_on", "is_complete"),
    [(500, 16, False), (500, 64, True), (500, 256, True), (16, 16, True)],
    ids=["early figures", "as many as by default", "more", "all that there are"],
)
def test_early_figures_of_all_cells_are_no_complete_scan(bench, make_scan, num_samples, measured_on, is_complete):
    bench.put(a=np.ones((2, 3), np.float32))
    bench.put_data(num_samples)
    bench.asks.of("known_scan", "look")[0].done(None)
    axes = ScanAxes((8, 4), (), ())
    bench.scans.set_axes(axes)
    kl = {("a", W8): 0.1, ("a", W4): 0.1}

    bench.asks.of("known_scan", "look")[1].done(make_scan(("a",), kl, axes=axes, num_samples=measured_on))

    assert bench.scans.scan.is_complete == is_complete
