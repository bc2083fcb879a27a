"""Which points make the front of a trade-off: measured figures are not lost to mere predictions."""

from workbench.engine.core.measurement import Figure, Origin
from workbench.engine.core.recipe import Recipe, WeightRule
from workbench.engine.core.reports import EvaluationReport
from workbench.engine.core.search_result import ParetoPoint, undominated


def _point(file_bytes: int, accuracy: float, *, measured: bool = False, spread: float = 0.03) -> ParetoPoint:
    recipe = Recipe().with_rule(f"layer{file_bytes}{accuracy}", weights=WeightRule(bits=4))
    origin = Origin.MEASURED if measured else Origin.ESTIMATED
    figure = Figure(accuracy, "fraction", origin, accuracy - spread, accuracy + spread)
    if not measured:
        return ParetoPoint(recipe, file_bytes, None, figure, 0.1)
    report = EvaluationReport("top1", figure, 100, 100, 1.0, recipe.digest)
    return ParetoPoint(recipe, file_bytes, None, None, 0.1, measured=report)


def test_a_smaller_one_of_the_same_kind_beats_what_is_no_better():
    small, large, better = (_point(*one, measured=True) for one in ((10, 0.9), (20, 0.9), (30, 0.95)))

    assert undominated((better, large, small)) == (small, better)


def test_a_prediction_beats_what_was_measured_only_where_its_whole_interval_is_above():
    measured, perhaps, surely = _point(20, 0.902, measured=True), _point(10, 0.905), _point(10, 0.95)

    assert undominated((measured, perhaps)) == (perhaps, measured)
    assert undominated((measured, surely)) == (surely,)


def test_what_was_measured_beats_a_prediction_that_is_no_better():
    measured, predicted = _point(10, 0.9, measured=True), _point(20, 0.9)

    assert undominated((predicted, measured)) == (measured,)


def test_of_a_recipe_that_was_predicted_and_then_measured_the_measurement_counts():
    predicted = _point(10, 0.95)
    measured = ParetoPoint(predicted.recipe, 10, None, None, 0.1, measured=_point(10, 0.8, measured=True).measured)

    assert undominated((predicted, measured)) == (measured,)
