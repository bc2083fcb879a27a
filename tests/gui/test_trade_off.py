"""Which recipes are points of the trade-off."""

from dataclasses import replace

import numpy as np
import pytest

from workbench.engine.core.measurement import Figure, Origin
from workbench.engine.core.recipe import Recipe, WeightRule
from workbench.engine.core.reports import EvaluationReport
from workbench.engine.core.search_result import ParetoPoint, SearchBudgets, SearchResult
from workbench.gui.trade_off import PointKind

W4, W8 = (Recipe().with_rule("*", weights=WeightRule(bits)) for bits in (4, 8))
ORIGINAL = Figure(0.99, "fraction", Origin.MEASURED, n=500)


def report_of(recipe: Recipe, value: float) -> EvaluationReport:
    figure = Figure(value, "fraction", Origin.MEASURED, value - 0.01, value + 0.01, 500)
    difference = Figure(value - 0.99, "fraction", Origin.MEASURED, n=500)
    return EvaluationReport(
        "top1", figure, 500, 500, 0.1, recipe.digest, difference=difference, reference=ORIGINAL,
        model_digest="0" * 64, dataset_digest="data",
    )  # fmt: skip


def found(*points: ParetoPoint) -> SearchResult:
    return SearchResult(SearchBudgets(max_bytes=1000), "top1", ORIGINAL, front=points, is_final=True)


def predicted(recipe: Recipe, value: float, size: int) -> ParetoPoint:
    return ParetoPoint(recipe, size, None, Figure(value, "fraction", Origin.ESTIMATED, 0.5, 1.0, 500), 0.1)


@pytest.fixture
def opened(bench):
    bench.put(a=np.ones((2, 3), np.float32))
    bench.put_data()
    bench.measuring.set_model(bench.model)
    bench.measuring.set_data(bench.dataset)
    return bench


def measure(bench, recipe: Recipe, value: float, size: int) -> None:
    bench.set_recipe(recipe)
    bench.measuring.figures.add_size(recipe, size)
    bench.measuring.take(report_of(recipe, value))


def test_what_is_measured_on_the_bench_becomes_a_point_beside_the_original(opened):
    measure(opened, W4, 0.95, 400)

    original, tried = opened.trade_off.points()
    assert (original.kind, original.accuracy.value) == (PointKind.ORIGINAL, 0.99)
    assert original.size_bytes == opened.model.file_bytes
    assert (tried.kind, tried.recipe, tried.size_bytes, tried.accuracy.value) == (PointKind.TRIED, W4, 400, 0.95)
    assert tried.difference.value == pytest.approx(-0.04)


def test_a_recipe_without_an_exact_size_is_no_point_yet(opened):
    opened.set_recipe(W4)
    opened.measuring.take(report_of(W4, 0.95))

    assert [point.kind for point in opened.trade_off.points()] == [PointKind.ORIGINAL]


def test_what_a_search_finds_is_there_once(opened):
    measure(opened, W4, 0.95, 400)

    opened.trade_off.take(found(predicted(W4, 0.94, 400), predicted(W8, 0.985, 800)))

    kinds = {point.recipe: (point.kind, point.is_measured) for point in opened.trade_off.points()}
    assert kinds[W4] == (PointKind.TRIED, True)
    assert kinds[W8] == (PointKind.FOUND, False)
    assert opened.trade_off.front() == {W4.digest, W8.digest}


def test_other_samples_leave_nothing(opened):
    measure(opened, W4, 0.95, 400)
    opened.trade_off.take(found(predicted(W8, 0.985, 800)))

    opened.put_data()

    assert opened.trade_off.result is None
    assert all(point.kind is PointKind.ORIGINAL for point in opened.trade_off.points())


def test_what_a_search_estimates_for_a_device_is_no_latency_of_this_computer(opened):
    measure(opened, W4, 0.95, 400)
    on_device = Figure(7.0, "ms", Origin.ESTIMATED, 6.0, 8.0, 28)

    opened.trade_off.take(found(replace(predicted(W8, 0.985, 800), latency=on_device)))

    (point,) = (point for point in opened.trade_off.points() if point.recipe == W8)
    assert point.latency is None


def test_a_recipe_of_fewer_samples_than_the_original_never_beats_it_by_them(opened):
    measure(opened, W4, 0.95, 400)
    # Of the original more samples are known by now, and it does worse on them.
    more = Figure(0.93, "fraction", Origin.MEASURED, n=5000)
    opened.measuring.take(replace(report_of(Recipe(), 0.93), figure=more, done=5000, total=5000, recipe_digest=""))

    original, tried = opened.trade_off.points()

    assert original.compared.figure.value == 0.93
    assert tried.accuracy.value == 0.95
    # Four points less than the original on the same 500 samples.
    assert tried.compared.figure.value == pytest.approx(0.89)
    assert tried.compared.is_apart
