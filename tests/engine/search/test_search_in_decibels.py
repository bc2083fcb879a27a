"""A search for a model whose metric is in dB: limits and losses are said in its unit."""

from dataclasses import replace

from tests.engine.search.test_recipe_search import _CURVE, _Bench, _prediction, _space
from workbench.engine.core.measurement import Figure, Origin
from workbench.engine.core.recipe import Recipe
from workbench.engine.core.reports import EvaluationReport
from workbench.engine.core.search_result import SearchBudgets
from workbench.engine.search.recipe_search import search_recipe
from workbench.jobs import JobContext

_ORIGINAL = Figure(30.0, "dB", Origin.MEASURED, n=1000)
# What loses 80 points of accuracy at most loses 8 dB.
_TIMES = 10


class _InDecibels(_Bench):
    def evaluate(self, recipe: Recipe, ctx: JobContext) -> EvaluationReport:
        report = super().evaluate(recipe, ctx)
        lost = Figure(_TIMES * report.difference.value, "dB", Origin.MEASURED, n=1000)
        figure = replace(_ORIGINAL, value=_ORIGINAL.value + lost.value)
        return replace(report, metric="psnr", figure=figure, reference=_ORIGINAL, difference=lost)


def _found(budgets: SearchBudgets):
    space = _space()
    curve = replace(_CURVE, most=_TIMES * _CURVE.most)
    prediction = replace(_prediction(space, curve), metric="psnr", original=_ORIGINAL)
    *_, result = search_recipe(space, prediction, budgets, _InDecibels(space), JobContext())
    return result


def test_what_is_out_of_reach_is_said_in_decibels():
    found = _found(SearchBudgets(max_bytes=650, max_drop=0.01))

    assert found.best is None
    assert found.refusal.startswith("out of reach: at most 650 bytes, a drop of at most 0.01 dB; ")
    assert found.refusal.endswith(" dB")
    assert "pp" not in found.refusal


def test_a_limit_is_held_in_decibels():
    found = _found(SearchBudgets(max_drop=0.5))

    assert found.best is not None
    assert -found.best.measured.difference.value <= 0.5
