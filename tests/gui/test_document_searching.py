"""The document's scans and searches, on a double of the engine, when something else comes to lie on the bench."""

from workbench.engine.core.recipe import Recipe
from workbench.engine.core.search_result import SearchBudgets
from workbench.engine.core.sensitivity import ScanAxes


def test_other_calibration_samples_stop_what_is_scanned_and_learned_with_the_old_ones(
    loose_document, make_data, make_scan
):
    document, scan = loose_document, make_scan(("a", "b"), {})
    document.searching.scan(document.scans.axes, None)
    document.searching.fit(scan, Recipe())
    document.searching.search(SearchBudgets(max_bytes=1000), scan, None, Recipe())

    document.calibration.take(make_data("calibration"), {})

    assert [document.engine.of(verb, "run")[0].ticket.is_cancelled for verb in ("scan", "fit_accuracy", "search")] == [
        True, True, True,
    ]  # fmt: skip


def test_other_calibration_samples_ask_what_is_known_with_them(loose_document, make_data):
    document = loose_document
    document.engine.of("known_scan", "look")[0].done(None)

    document.calibration.take(make_data("calibration"), {})

    assert len(document.engine.of("known_scan", "look")) == 2
    assert document.scans.scan.ranges_digest not in ("", document.calibration.digest)


def test_other_samples_with_a_whole_scan_are_learned_from_while_the_old_job_is_being_stopped(
    loose_document, make_data, make_scan
):
    document, axes = loose_document, ScanAxes((8,), (), ())
    document.scans.set_axes(axes)
    kl = {(layer, axes.settings[0]): 0.1 for layer in ("a", "b")}
    document.scans.take(make_scan(("a", "b"), kl, axes=axes, is_complete=True))
    document.opening.data_read.emit(make_data("others"), {})
    others = make_scan(("a", "b"), kl, axes=axes, digests=("0" * 64, "others"), is_complete=True)
    document.scans.take(others)

    document.engine.of("fit_accuracy", "run")[0].stopped()

    assert document.engine.of("fit_accuracy", "run")[1].ticket.args[0] == others


def test_an_engine_that_was_started_again_is_asked_what_is_known_of_a_scan(loose_document, make_scan):
    document = loose_document
    document.engine.of("known_scan", "look")[0].stopped()
    assert not document.scans.has_cells

    document.engine.restarted.emit("The engine was started again", "")
    document.engine.of("known_scan", "look")[1].done(make_scan(("a", "b"), {("a", ScanAxes().settings[0]): 0.1}))

    assert document.scans.has_cells


def test_a_whole_scan_is_not_learned_from_again_when_the_engine_was_started_again(loose_document, make_scan):
    """What is learned may be what ended the engine."""
    document, axes = loose_document, ScanAxes((8,), (), ())
    document.scans.set_axes(axes)
    scan = make_scan(("a", "b"), {(layer, axes.settings[0]): 0.1 for layer in "ab"}, axes=axes, is_complete=True)
    document.scans.take(scan)
    document.engine.of("fit_accuracy", "run")[0].stopped()
    for asked in document.engine.of("known_scan", "look"):
        asked.stopped()

    document.engine.restarted.emit("The engine was started again", "")
    document.engine.of("known_scan", "look")[-1].done(scan)

    assert document.scans.scan is scan
    assert len(document.engine.of("fit_accuracy", "run")) == 1
