"""What pictures of the window wait for."""

from workbench.engine.core.measurement import Figure, Origin
from workbench.engine.core.recipe import Recipe, WeightRule
from workbench.engine.core.reports import LatencyReport
from workbench.gui import screenshots

W4 = Recipe().with_rule("*", weights=WeightRule(4))


def latency_of(recipe: Recipe) -> LatencyReport:
    p50 = Figure(2.0, "ms", Origin.MEASURED, n=200)
    return LatencyReport(p50, p50, "cpu", recipe_digest=recipe.digest)


def test_budgets_wait_for_the_figures_and_not_for_a_pause_between_two_measurements(loose_document):
    figures, known = loose_document.figures, loose_document.measuring.figures
    loose_document.edit(W4, "4 bits")
    known.add_size(W4, 400)
    # Of the recipe before; nothing else is under way yet.
    figures.latency = latency_of(Recipe())
    assert not screenshots._has_costs(loose_document)

    figures.latency = latency_of(W4)
    assert screenshots._has_costs(loose_document)
