"""The best recipe within budgets: solved by what the scan predicts, measured, and corrected where it was off."""

import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import islice

import numpy as np

from workbench.engine.core.accuracy_prediction import AccuracyPrediction
from workbench.engine.core.format import format_bytes
from workbench.engine.core.measurement import Figure
from workbench.engine.core.recipe import Recipe
from workbench.engine.core.search_result import ParetoPoint, SearchBudgets, SearchResult, undominated
from workbench.engine.search.confirmed_best import confirmed_best
from workbench.engine.search.most_accurate import most_accurate
from workbench.engine.search.search_run import HARDLY, SearchBench, SearchRun
from workbench.engine.search.smallest_file import larger_files, smallest_file
from workbench.engine.search.solving.exact_solver import ExactSolver
from workbench.engine.search.solving.search_space import BYTES, KL, SearchSpace
from workbench.jobs import JobContext

NUM_ROUNDS, NUM_POINTS = 6, 10
# So many other recipes are tried where the best loses too much on other samples.
_NUM_OTHERS = 3
_FOLDED = "every recipe corrects biases, which makes these files smaller; what is predicted is without that"


def search_recipe(
    space: SearchSpace,
    prediction: AccuracyPrediction,
    budgets: SearchBudgets,
    bench: SearchBench,
    ctx: JobContext,
    *,
    latency: Callable[[Recipe, JobContext], Figure | None] | None = None,
    macs: Callable[[Recipe, JobContext], int | None] | None = None,
    num_rounds: int = NUM_ROUNDS,
    num_points: int = NUM_POINTS,
) -> Iterator[SearchResult]:
    """What is found so far: first the predicted trade-off, then the best recipe as it is measured, at last all of it.

    Where only accuracy is limited, the smallest file within it is sought; otherwise the accuracy that is best within
    the other limits. Whether a recipe is within the allowed drop is decided by the point estimate of the measured
    difference, as rounds of pruning do; a recipe that surely loses more than that on other samples is not taken.

    Args:
        space: what can be chosen.
        prediction: of accuracy; corrected on the way.
        budgets: to stay within.
        bench: measures recipes.
        ctx: asked before each step; told the progress. What was yielded stays valid when it is cancelled.
        latency: estimates what a recipe gives on the device of the budget; None without one.
        macs: the multiply-adds that a recipe leaves; None where sums of layers say it.
        num_rounds: recipes that are measured at most.
        num_points: of the trade-off, besides those that are measured.

    Raises:
        Cancelled: somebody asked to stop.
        RunError: the recipe that was found does not run on other samples.
    """
    start = time.perf_counter()
    run = SearchRun(space, prediction, budgets, bench, ExactSolver(space, bench.file_bytes, latency, macs))
    _sweep(run, num_points, ctx.part(0, 0.2))
    yield _result(run, start)
    rounds = smallest_file if run.is_for_size else most_accurate
    for _ in rounds(run, num_rounds, ctx.part(0.2, 0.9)):
        yield _result(run, start)
    part = ctx.part(0.9, 1)
    others = islice(larger_files(run, part) if run.is_for_size else _less_accurate(run), _NUM_OTHERS)
    result = _confirmed(run, others, start, part)
    ctx.progress(1, 1, "1 recipe measured" if result.num_measured == 1 else f"{result.num_measured} recipes measured")
    yield replace(result, is_final=True)


def _sweep(run: SearchRun, count: int, ctx: JobContext) -> None:
    """Recipes from the smallest file to hardly any loss, none of them measured."""
    limits, solver = run.limits, run.solver
    solver.choose_form(limits, ctx)
    hardly = run.prediction.kl_for(HARDLY * run.prediction.curve.most)
    least, most = solver.settled(BYTES, limits), solver.settled(BYTES, {**limits, KL: hardly})
    if most is None:
        # Within the other limits something has to be lost.
        most = solver.settled(KL, limits)
    if least is None or most is None:
        return
    low, high = (solver.exactly(end, ctx).file_bytes for end in (least, most))
    for number, aim in enumerate(np.geomspace(low, max(low, high), count).tolist()):
        ctx.checkpoint()
        found = solver.solve(KL, {**limits, BYTES: round(aim)}, ctx)
        if found is not None:
            run.points.append(run.point(found))
        ctx.progress(number + 1, count, f"solved for {format_bytes(aim)}")


def _less_accurate(run: SearchRun) -> Iterator[ParetoPoint]:
    """What else was measured within all limits, from the best on."""
    assert run.best is not None
    best = run.best.point.recipe
    yield from run.by_expected_drop(
        [point for point in run.points if point.measured and point.recipe != best and run.is_allowed(point)]
    )


def _confirmed(run: SearchRun, others: Iterator[ParetoPoint], start: float, ctx: JobContext) -> SearchResult:
    """All that is known, of the recipe that is taken after it was measured on other samples."""
    if run.best is None:
        return _result(run, start)
    count = 1 + _NUM_OTHERS
    parts = iter([ctx.part(number / count, (number + 1) / count) for number in range(count)])
    found = confirmed_best(
        run.best.point, others, run.budgets.max_drop, lambda point: run.bench.confirm(point.recipe, next(parts))
    )
    result = _result(run, start)
    notes = (*result.notes, found.note) if found.note else result.notes
    refusal = f"out of reach: {run.budgets_text}; {found.refusal}" if found.refusal else ""
    return replace(result, best=found.point, confirmed=found.report, notes=notes, refusal=refusal)


def _result(run: SearchRun, start: float) -> SearchResult:
    """What is known now."""
    prediction = run.prediction
    return SearchResult(
        budgets=run.budgets,
        metric=prediction.metric,
        original=prediction.original,
        best=None if run.best is None else run.best.point,
        refusal="" if run.best is not None else run.refusal,
        lacks=() if run.best is not None else run.lacks,
        front=undominated(tuple(_predicted_anew(point, prediction) for point in run.points)),
        num_measured=sum(point.measured is not None for point in run.points),
        seconds=time.perf_counter() - start,
        model_digest=prediction.model_digest,
        dataset_digest=prediction.dataset_digest,
        notes=tuple(_notes(run)),
    )


def _predicted_anew(point: ParetoPoint, prediction: AccuracyPrediction) -> ParetoPoint:
    # What was measured shows what was predicted of it before.
    return point if point.measured is not None else replace(point, predicted=prediction.accuracy_at(point.kl))


def _notes(run: SearchRun) -> Iterator[str]:
    if run.best is not None and not run.best.point.recipe.rules:
        yield "the original keeps these budgets as it is; for its smallest file, limit the drop alone"
    yield from run.failures
    if run.solver.corrects_bias:
        yield _FOLDED
    scan = run.space.scan
    if scan.num_missing:
        yield (
            f"the scan is not complete: {scan.num_missing:,} of {scan.num_places:,} cells are missing, and what "
            "they try is not chosen from; a complete one gives more choice"
        )
