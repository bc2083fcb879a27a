"""What pictures of the window wait for."""

from workbench.engine.core.measurement import Figure, Origin
from workbench.engine.core.recipe import Recipe, WeightRule
from workbench.engine.core.reports import EvaluationReport, LatencyReport
from workbench.gui import screenshots

W4 = Recipe().with_rule("*", weights=WeightRule(4))


def latency_of(recipe: Recipe) -> LatencyReport:
    p50 = Figure(2.0, "ms", Origin.MEASURED, n=200)
    return LatencyReport(p50, p50, "cpu", recipe_digest=recipe.digest)


def accuracy_of(recipe: Recipe, done: int) -> EvaluationReport:
    figure = Figure(0.9, "fraction", Origin.MEASURED, n=done)
    return EvaluationReport("top1", figure, done, done, 0.1, recipe.digest)


def test_budgets_wait_for_the_figures_and_not_for_a_pause_between_two_measurements(loose_document):
    figures, known = loose_document.figures, loose_document.measuring.figures
    loose_document.edit(W4, "4 bits")
    known.add_size(W4, 400)
    # A quick look at 128 of the 500 samples, and the time of the recipe before.
    figures.accuracy, figures.latency = accuracy_of(W4, 128), latency_of(Recipe())
    assert not screenshots._has_figures(loose_document)

    figures.latency = latency_of(W4)
    assert not screenshots._has_figures(loose_document)

    figures.accuracy = accuracy_of(W4, 500)
    assert screenshots._has_figures(loose_document)
