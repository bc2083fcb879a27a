"""Auto-compress on values: what is asked, and what the dialog shows."""

from dataclasses import replace

import pytest

from workbench.engine.core.measurement import Figure, Origin
from workbench.engine.core.recipe import Prune, Recipe, WeightRule
from workbench.engine.core.reports import EvaluationReport
from workbench.engine.core.search_result import Lack, ParetoPoint, SearchBudgets, SearchResult
from workbench.gui.recipe_diff import recipe_diff
from workbench.gui.solve_dialog import SolveDialog
from workbench.gui.window_solve import search_budgets
from workbench.project.budgets import Budgets

NOW = Recipe().with_rule("a", weights=WeightRule(8))
FOUND = Recipe().with_rule(("a", "b"), weights=WeightRule(4)).with_rule("b", prune=Prune("weights", sparsity=0.5))
ORIGINAL = Figure(0.99, "fraction", Origin.MEASURED, n=500)


@pytest.fixture
def model(make_model, make_layer):
    import numpy as np

    return make_model(*(make_layer(name, np.ones((2, 3), np.float32)) for name in ("a", "b", "c")))


@pytest.fixture
def dialog(theme, qtbot) -> SolveDialog:
    dialog = SolveDialog(theme, "what is searched")
    qtbot.addWidget(dialog)
    dialog.show()
    return dialog


def result(*, is_final: bool, refusal: str = "") -> SearchResult:
    figure = Figure(0.985, "fraction", Origin.MEASURED, 0.97, 0.99, 500)
    difference = Figure(-0.005, "fraction", Origin.MEASURED, -0.012, 0.002, 500)
    report = EvaluationReport("top1", figure, 500, 500, 0.1, FOUND.digest, difference=difference, reference=ORIGINAL)
    best = None if refusal else ParetoPoint(FOUND, 400, None, None, 0.1, measured=report)
    budgets = SearchBudgets(max_bytes=500)
    return SearchResult(budgets, "top1", ORIGINAL, best, refusal, num_measured=3, seconds=1.26, is_final=is_final)


def test_what_changes_is_told_layer_by_layer(model):
    changes = [(one.layer, one.before, one.after) for one in recipe_diff(model, NOW, FOUND)]

    assert changes == [("a", "W8", "W4"), ("b", "float", "W4, 50 % zeros")]


def test_the_best_recipe_is_shown_and_can_be_taken_when_the_search_has_ended(dialog, model, qtbot):
    dialog.show_result(result(is_final=False), model, NOW)
    assert not dialog.apply.isEnabled()
    assert dialog.table.rowCount() == 2

    dialog.show_result(result(is_final=True), model, NOW)
    assert dialog.banner.headline == "400 B, Accuracy (top1) 98.5 %"
    said = "−0.5 pp (−1.2 … +0.2 pp) · measured, n = 500 · best of 3 measured in 1.3 s"
    assert dialog.banner.toolTip() == f"400 B, Accuracy (top1) 98.5 %\n{said}"

    with qtbot.waitSignal(dialog.apply_wished) as wished:
        dialog.apply.click()
    assert wished.args == [FOUND]


def test_what_other_samples_say_of_the_winner_and_what_the_search_noted_is_readable(dialog, model):
    found = result(is_final=True)
    other = Figure(0.98, "fraction", Origin.MEASURED, 0.96, 0.99, 400)
    lost = Figure(-0.01, "fraction", Origin.MEASURED, -0.02, 0.001, 400)
    confirmed = EvaluationReport("top1", other, 400, 400, 0.1, FOUND.digest, difference=lost, reference=ORIGINAL)

    dialog.show_result(replace(found, confirmed=confirmed, notes=("the scan is not complete",)), model, NOW)

    assert dialog.remarks.isVisible()
    said = "On 400 other samples: 98.0 % (95 %: 96.0 … 99.0 %), −1.0 pp (95 %: −2.0 … +0.1 pp)"
    assert dialog.remarks.text() == f"{said}\nthe scan is not complete"


def test_without_other_samples_the_winner_is_said_to_be_the_best_of_several(dialog, model):
    dialog.show_result(result(is_final=True), model, NOW)

    assert dialog.remarks.text() == "Best of 3 recipes measured on these samples: others may lose more"


def test_a_new_search_begins_without_the_remarks_of_the_last_one(dialog, model):
    dialog.show_result(result(is_final=True), model, NOW)

    dialog.begin()

    assert not dialog.remarks.isVisible()


def test_a_search_without_a_recipe_says_why(dialog, model):
    dialog.show_result(result(is_final=True, refusal="no recipe is within at most 500 B"), model, NOW)

    assert dialog.banner.headline == "Nothing found"
    assert dialog.banner.toolTip() == "Nothing found\nno recipe is within at most 500 B"
    assert dialog.remarks.text().splitlines() == [
        "no recipe is within at most 500 B",
        "Loosen the budget in the preview: the limit on size.",
    ]
    assert not dialog.apply.isEnabled()
    assert dialog.again.isEnabled()


def test_what_the_scan_did_not_try_is_told_in_the_words_of_the_window(dialog, model):
    refused = replace(
        result(is_final=True, refusal="the fastest takes 3 ms, estimated"),
        budgets=SearchBudgets(max_latency_ms=2, device="phone"),
        lacks=(Lack.CHANNELS, Lack.INTEGERS),
    )

    dialog.show_result(refused, model, NOW)

    said = dialog.remarks.text()
    assert "the limit on the latency on the device" in said
    assert "“Fewer channels” and 8 under “Bits of activations” in the settings of the page Sensitivity" in said
    assert "--" not in said


def test_limits_of_the_cards_are_those_of_the_search():
    asked = search_budgets(Budgets(accuracy=0.9733, size_bytes=4000.7, latency_ms=2.0), ORIGINAL)

    # The floor is 1.67 points below the original; how fast a recipe is cannot be searched for.
    assert asked == SearchBudgets(max_bytes=4000, max_drop=1.67)


def test_of_the_latency_budgets_only_that_of_the_device_is_asked():
    budgets = Budgets(latency_ms=2.0, device_ms={"phone": 5.0, "board": 9.0})

    assert search_budgets(budgets, ORIGINAL, device="phone") == SearchBudgets(max_latency_ms=5.0, device="phone")
    assert search_budgets(budgets, ORIGINAL, device="other") == SearchBudgets()
    assert search_budgets(budgets, ORIGINAL) == SearchBudgets()


def test_a_limit_that_was_dragged_is_asked_with_the_digits_that_one_can_read():
    asked = search_budgets(Budgets(device_ms={"phone": 8.0398765}), ORIGINAL, device="phone")

    assert asked.text() == "at most 8.039 ms on phone"


def test_what_is_found_says_what_it_takes_on_the_device(dialog, model):
    found = result(is_final=True)
    best = replace(found.best, latency=Figure(4.2, "ms", Origin.ESTIMATED, 3.4, 5.2, 28, level=80))
    budgets = SearchBudgets(max_latency_ms=5.0, device="phone")

    dialog.show_result(replace(found, best=best, budgets=budgets), model, NOW)

    assert "4.20 ms estimated (3.40 … 5.20 ms, 80 %) on phone" in dialog.banner.toolTip()


def test_a_floor_above_the_original_allows_no_drop():
    assert search_budgets(Budgets(accuracy=1.0), ORIGINAL).max_drop == 0.0


def test_a_floor_in_decibels_is_a_drop_in_decibels():
    psnr = Figure(32.5, "dB", Origin.MEASURED, n=10)

    assert search_budgets(Budgets(accuracy=30.0), psnr).max_drop == 2.5


def test_without_the_originals_figure_a_floor_is_no_drop():
    assert not search_budgets(Budgets(accuracy=0.9), None).has_limits
