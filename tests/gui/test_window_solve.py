"""Auto-compress from the menu, on a double of the engine: what is asked, and what belongs to an older wish."""

from dataclasses import replace

import pytest
from PySide6.QtWidgets import QWidget

from tests.gui.latency_values import PHONE, estimate_of
from tests.gui.panels.test_predicted_accuracy import ORIGINAL, learned_from
from workbench.engine.core.measurement import Figure, Origin
from workbench.engine.core.reports import EvaluationReport
from workbench.engine.core.search_result import SearchBudgets, SearchResult
from workbench.engine.core.sensitivity import ScanAxes
from workbench.gui.window_solve import WindowSolve
from workbench.project.budgets import Budgets

AXES = ScanAxes((8,), (), ())
NOTHING = SearchResult(
    SearchBudgets(max_bytes=500), "top1", Figure(0.9, "fraction", Origin.MEASURED, n=500), refusal="no", is_final=True
)


@pytest.fixture
def solving(loose_document, theme, qtbot) -> WindowSolve:
    window = QWidget()
    qtbot.addWidget(window)
    loose_document.set_budgets(Budgets(size_bytes=500))
    loose_document.scans.set_axes(AXES)
    return WindowSolve(loose_document, theme, window)


@pytest.fixture
def scanned(loose_document, make_scan) -> None:
    kl = {(layer, AXES.settings[0]): 0.1 for layer in ("a", "b")}
    loose_document.scans.take(make_scan(("a", "b"), kl, axes=AXES, is_complete=True))


def test_closed_and_opened_again_at_once_it_searches_again(solving, scanned, loose_document):
    solving.solve()
    solving.dialog.close()
    solving.solve()
    (old,) = loose_document.engine.of("search", "run")

    old.stopped()

    assert solving.dialog.is_running
    assert len(loose_document.engine.of("search", "run")) == 2


def test_what_was_found_for_other_samples_is_not_shown(solving, scanned, loose_document):
    solving.solve()

    for digests in (("1" * 64, "data"), ("0" * 64, "others")):
        others = replace(NOTHING, model_digest=digests[0], dataset_digest=digests[1])
        loose_document.searching.found.emit(others)
    assert solving.dialog.is_running
    assert loose_document.trade_off.result is None

    own = replace(NOTHING, model_digest="0" * 64, dataset_digest="data")
    loose_document.engine.of("search", "run")[0].done(own)
    assert not solving.dialog.is_running
    assert loose_document.trade_off.result is own


def test_the_end_of_an_older_search_does_not_end_one_that_waits_for_its_scan(solving, scanned, loose_document):
    solving.solve()
    solving.dialog.close()
    loose_document.scans.set_axes(ScanAxes((4,), (), ()))
    solving.solve()

    loose_document.engine.of("search", "run")[0].stopped()

    assert solving.dialog.is_running


def test_cancel_while_it_scans_ends_it(solving, loose_document):
    solving.solve()

    solving.dialog.close_button.click()
    loose_document.engine.of("scan", "run")[0].stopped()

    assert not solving.dialog.is_running


@pytest.mark.parametrize(
    ("bits", "is_complete", "is_taken"),
    [((8,), True, True), ((8,), False, False), ((8, 4), True, False)],
    ids=["of this scan", "of a few mixes", "of other settings"],
)
def test_a_search_rests_on_a_prediction_that_was_learned_whole_from_its_own_scan(
    solving, scanned, loose_document, bits, is_complete, is_taken
):
    learned = replace(learned_from(loose_document.scans.scan), axes=ScanAxes(bits, (), ()), is_complete=is_complete)
    loose_document.predictions.take(learned)

    solving.solve()

    assert loose_document.engine.of("search", "run")[-1].ticket.args[2] == (learned if is_taken else None)


def test_a_floor_that_the_original_does_not_reach_is_said_and_not_searched_for(solving, scanned, loose_document, qtbot):
    loose_document.figures.accuracy = EvaluationReport("top1", ORIGINAL, 500, 500, 0.1, reference=ORIGINAL)
    loose_document.set_budgets(Budgets(size_bytes=500, accuracy=0.95))

    with qtbot.waitSignal(solving.refused) as refused:
        solving.solve()

    assert refused.args == [
        "The original itself has 90.0 %, less than the accuracy floor of 95.0 %: lower the floor first"
    ]
    assert not loose_document.engine.of("search", "run")


def test_a_floor_that_was_raised_beside_the_dialog_is_not_searched_for_again(solving, scanned, loose_document):
    loose_document.figures.accuracy = EvaluationReport("top1", ORIGINAL, 500, 500, 0.1, reference=ORIGINAL)
    solving.solve()
    (first,) = loose_document.engine.of("search", "run")
    first.done(replace(NOTHING, model_digest="0" * 64, dataset_digest="data"))
    loose_document.set_budgets(Budgets(size_bytes=500, accuracy=0.95))

    solving.dialog.again.click()

    assert not solving.dialog.is_running
    assert "less than the accuracy floor" in solving.dialog.banner.toolTip()
    assert loose_document.engine.of("search", "run") == [first]


def test_a_floor_waits_for_the_accuracy_of_the_original(solving, scanned, loose_document, qtbot):
    loose_document.set_budgets(Budgets(size_bytes=500, accuracy=0.8))

    with qtbot.waitSignal(solving.refused) as refused:
        solving.solve()

    assert "whose accuracy is not known yet" in refused.args[0]
    assert not loose_document.engine.of("search", "run")


@pytest.fixture
def on_phone(loose_document):
    """A limit on the phone, which is chosen; says what the recipe takes there."""
    loose_document.set_budgets(Budgets(size_bytes=500, device_ms={PHONE: 9.0, "a-board": 1.0}))
    loose_document.latency.choose(PHONE)

    def answer(ms: float | None) -> None:
        for one in loose_document.engine.of("estimate_latency", "quick"):
            if one.ticket.is_open:
                one.done(estimate_of(ms))

    yield answer
    loose_document.latency.choose("")


def asked_budgets(document) -> SearchBudgets:
    return document.engine.of("search", "run")[-1].ticket.args[0]


def test_the_limit_of_the_chosen_device_is_searched_for_and_said(solving, scanned, loose_document, on_phone):
    on_phone(8.0)

    solving.solve()

    assert asked_budgets(loose_document) == SearchBudgets(max_bytes=500, max_latency_ms=9.0, device=PHONE)
    assert f"at most 500 bytes, at most 9 ms on {PHONE}" in solving.dialog._explanation.text()


def test_the_limit_of_a_device_is_not_taken_to_another(solving, scanned, loose_document, on_phone):
    loose_document.latency.choose("another")
    on_phone(8.0)

    solving.solve()

    assert asked_budgets(loose_document) == SearchBudgets(max_bytes=500)
    assert " ms" not in solving.dialog._explanation.text()


def test_a_limit_where_there_is_no_figure_is_left_out_and_said(solving, scanned, loose_document, on_phone):
    on_phone(None)

    solving.solve()

    said = f"The latency budget of {PHONE} is left out: there is no figure of the recipe on the bench there."
    assert asked_budgets(loose_document) == SearchBudgets(max_bytes=500)
    assert solving.dialog._explanation.text().endswith(said)


def test_a_limit_on_the_device_alone_is_enough_to_search(solving, scanned, loose_document, on_phone, qtbot):
    loose_document.set_budgets(Budgets(device_ms={PHONE: 9.0}))
    on_phone(8.0)
    solving.solve()
    assert asked_budgets(loose_document) == SearchBudgets(max_latency_ms=9.0, device=PHONE)

    loose_document.latency.choose("")
    with qtbot.waitSignal(solving.refused) as refused:
        solving.solve()
    assert refused.args[0].startswith("Set a budget first")
