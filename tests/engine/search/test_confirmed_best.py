"""Which recipe is taken after it was measured on samples that nothing was chosen on: three points are allowed."""

from collections.abc import Iterator

import pytest

from workbench.engine.core.measurement import Figure, Origin
from workbench.engine.core.recipe import Recipe, WeightRule
from workbench.engine.core.reports import EvaluationReport
from workbench.engine.core.search_result import ParetoPoint
from workbench.engine.search.confirmed_best import Confirmed, confirmed_best


def _report(drop: float, spread: float) -> EvaluationReport:
    """A loss in percentage points, with an interval of so much on either side."""
    difference = Figure(-drop / 100, "fraction", Origin.MEASURED, -(drop + spread) / 100, (spread - drop) / 100)
    figure = Figure(0.9 - drop / 100, "fraction", Origin.MEASURED, n=200)
    return EvaluationReport("top1", figure, 200, 200, 1.0, difference=difference)


def _point(bits: int) -> ParetoPoint:
    recipe = Recipe().with_rule("*", weights=WeightRule(bits=bits))
    return ParetoPoint(recipe, 1000 * bits, None, None, 0.1, measured=_report(2.0, 5.0))


def _confirmed(elsewhere: dict[int, tuple[float, float]], max_drop: float | None = 3.0) -> Confirmed:
    """The first of some recipes is the best; each loses so much, give or take so much, on the other samples."""
    points = [_point(bits) for bits in elsewhere]
    reports = {point.recipe: _report(*loss) for point, loss in zip(points, elsewhere.values(), strict=True)}
    return confirmed_best(points[0], iter(points[1:]), max_drop, lambda point: reports[point.recipe])


def test_what_keeps_the_allowed_drop_is_taken_as_it_is():
    found = _confirmed({2: (2.9, 4)})

    assert found.point == _point(2)
    assert found.report == _report(2.9, 4)
    assert not found.note


def test_another_recipe_that_keeps_it_takes_the_place_of_one_that_does_not():
    found = _confirmed({2: (8, 4), 3: (5, 4), 4: (2, 4), 6: (1, 4)})

    assert found.point == _point(4)
    assert found.report == _report(2, 4)
    assert "lost more on other samples; of 3 measured there" in found.note


def test_where_none_keeps_it_for_sure_and_chance_may_explain_that_the_nearest_is_taken_with_a_remark():
    found = _confirmed({2: (8, 4), 3: (4, 4), 4: (5, 4)})

    assert found.point == _point(3)
    assert found.note.startswith("−4.0 pp (95 %: −8.0 … 0.0 pp) on 200 other samples, the best of 3 measured there")
    assert "may be chance" in found.note
    assert not found.refusal


def test_what_surely_loses_more_is_not_taken():
    found = _confirmed({2: (14.5, 7), 3: (12, 7)})

    assert found.point is None
    # Its interval ends at five points, of which three are allowed.
    assert "of 3,000 bytes" in found.refusal
    assert "−12.0 pp (95 %: −19.0 … −5.0 pp) on 200 other samples, the best of 2" in found.refusal
    assert "−2.0 pp" in found.refusal


def test_without_an_allowed_drop_the_figure_is_all_that_is_wanted():
    found = _confirmed({2: (50, 1), 3: (0, 1)}, max_drop=None)

    assert found.point == _point(2)
    assert found.report == _report(50, 1)


def test_without_other_samples_nothing_is_said():
    def never_asked() -> Iterator[ParetoPoint]:
        pytest.fail("another recipe was measured")
        yield _point(3)

    assert confirmed_best(_point(2), never_asked(), 3.0, lambda point: None) == Confirmed(_point(2))
