"""The best recipe within budgets: solved by what the scan predicts, measured, and corrected where it was off."""

import itertools
import math
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np

from workbench.engine.core.accuracy_drop import drop_of
from workbench.engine.core.accuracy_prediction import AccuracyPrediction, MeasuredMix
from workbench.engine.core.format import format_bytes
from workbench.engine.core.measurement import Figure
from workbench.engine.core.recipe import RECOVER_NOTHING, RECOVER_WEIGHTS, Recipe
from workbench.engine.core.reports import EvaluationReport
from workbench.engine.core.search_result import ParetoPoint, SearchBudgets, SearchResult, undominated
from workbench.engine.search.accuracy_fit import lost, with_mix
from workbench.engine.search.confirmed_best import confirmed_best
from workbench.engine.search.exact_solver import PLAIN, ExactSolver, Solved, Way
from workbench.engine.search.out_of_reach import why_not
from workbench.engine.search.search_space import BYTES, KL, LATENCY, MACS, SearchSpace
from workbench.jobs import JobContext

NUM_ROUNDS, NUM_POINTS = 6, 10
_ROUNDING = 1e-9
# The largest recipe of the trade-off loses so little of all that can be lost, by what is predicted.
_HARDLY = 0.001
# A measured recipe counts for as much as four of the mixes that the curve was fitted to: the next one is near it.
_NEAR = 4.0
# A round goes back by at least so much where too much was lost, on where so little was, and by no more than so much.
_BACK, _ONWARD = 0.8, 0.7
_FAR = 4.0
_POINTS = 100
# How far a drop lies from the curve at the divergence that was measured, as a share.
_CURVE_SPREAD = 0.2
# Smaller files than the first that is allowed: by which share each, the least one, and how many are measured.
_STEP, _LEAST_STEP, _NUM_SMALLER = 0.06, 0.007, 10
# What is kept because it seems good is a little worse: by so many standard deviations, it has to be within.
_SURELY = 0.5
# So many other recipes are tried where the best loses too much on other samples.
_NUM_OTHERS = 3
_FOLDED = "all have corrected biases, as files are smaller so; what is predicted is of a scan without"


class SearchBench(Protocol):
    """The model, and its samples."""

    def file_bytes(self, recipe: Recipe, ctx: JobContext) -> int:
        """The exact size of what a recipe gives."""
        ...

    def evaluate(self, recipe: Recipe, ctx: JobContext) -> EvaluationReport:
        """How good it is, paired with the original; what is known already is not measured again."""
        ...

    def confirm(self, recipe: Recipe, ctx: JobContext) -> EvaluationReport | None:
        """How good it is on samples that `evaluate` never runs on; None where there are none."""
        ...


@dataclass(frozen=True, slots=True, eq=False)
class _Found:
    """A solution, and what it measured."""

    solved: Solved
    point: ParetoPoint


def search_recipe(
    space: SearchSpace,
    prediction: AccuracyPrediction,
    budgets: SearchBudgets,
    bench: SearchBench,
    ctx: JobContext,
    *,
    latency: Callable[[Recipe, JobContext], Figure | None] | None = None,
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
        num_rounds: recipes that are measured at most.
        num_points: of the trade-off, besides those that are measured.

    Raises:
        Cancelled: somebody asked to stop.
        RunError: a recipe's file does not run.
    """
    search = _Search(space, prediction, budgets, bench, latency)
    search.sweep(num_points, ctx.part(0, 0.2))
    yield search.result()
    yield from search.rounds(num_rounds, ctx.part(0.2, 0.9))
    yield replace(search.confirmed(ctx.part(0.9, 1)), is_final=True)


class _Search:
    def __init__(
        self,
        space: SearchSpace,
        prediction: AccuracyPrediction,
        budgets: SearchBudgets,
        bench: SearchBench,
        latency: Callable[[Recipe, JobContext], Figure | None] | None,
    ) -> None:
        self._space, self._prediction, self._budgets, self._bench = space, prediction, budgets, bench
        self._solver = ExactSolver(space, bench.file_bytes, latency)
        self._points: list[ParetoPoint] = []
        # The best within all budgets; while there is none, what comes nearest to the allowed drop.
        self._best: _Found | None = None
        self._nearest: _Found | None = None
        self._refusal = ""
        self._start = time.perf_counter()

    def result(self) -> SearchResult:
        """What is known now."""
        return SearchResult(
            budgets=self._budgets,
            metric=self._prediction.metric,
            original=self._prediction.original,
            best=None if self._best is None else self._best.point,
            refusal="" if self._best is not None else self._refusal,
            front=undominated(tuple(self._predicted_anew(point) for point in self._points)),
            num_measured=sum(point.measured is not None for point in self._points),
            seconds=time.perf_counter() - self._start,
            model_digest=self._prediction.model_digest,
            dataset_digest=self._prediction.dataset_digest,
            notes=tuple(self._notes()),
        )

    def _notes(self) -> Iterator[str]:
        if self._solver.corrects_bias:
            yield _FOLDED
        scan = self._space.scan
        if scan.num_missing:
            yield (
                f"the scan is not complete: {scan.num_missing:,} of {scan.num_places:,} cells are missing, and what "
                "they try is not chosen from; a complete one gives more choice"
            )

    def confirmed(self, ctx: JobContext) -> SearchResult:
        """All that is known, of the recipe that is taken after it was measured on other samples."""
        if self._best is None:
            return self.result()
        count = 1 + _NUM_OTHERS
        parts = iter([ctx.part(number / count, (number + 1) / count) for number in range(count)])
        found = confirmed_best(
            self._best.point,
            itertools.islice(self._larger(ctx) if self._is_for_size else self._less_accurate(), _NUM_OTHERS),
            self._budgets.max_drop,
            lambda point: self._bench.confirm(point.recipe, next(parts)),
        )
        result = self.result()
        notes = (*result.notes, found.note) if found.note else result.notes
        refusal = f"out of reach: {self._budgets.text}; {found.refusal}" if found.refusal else ""
        return replace(result, best=found.point, confirmed=found.report, notes=notes, refusal=refusal)

    def _larger(self, ctx: JobContext) -> Iterator[ParetoPoint]:
        """The best recipes of larger and larger files, each by twice the last step."""
        assert self._best is not None
        size, step = float(self._best.point.file_bytes), _STEP
        while True:
            size, step = size * (1 + step), 2 * step
            solved = self._solver.solve(KL, {**self._limits(), BYTES: size}, ctx)
            if solved is None:
                return
            yield self._measured(solved, ctx)

    def _less_accurate(self) -> Iterator[ParetoPoint]:
        """What else was measured within all limits, from the best on."""
        assert self._best is not None
        best = self._best.point
        others = [one for one in self._points if one.measured and one.recipe != best.recipe and self._is_allowed(one)]
        yield from sorted(others, key=self._expected_drop)

    def sweep(self, count: int, ctx: JobContext) -> None:
        """Recipes from the smallest file to hardly any loss, none of them measured."""
        limits = self._limits()
        self._solver.choose_form(limits, ctx)
        hardly = self._prediction.kl_for(_HARDLY * self._prediction.curve.most)
        ends = [self._solver.settled(BYTES, limits), self._solver.settled(BYTES, {**limits, KL: hardly})]
        if any(end is None for end in ends):
            return
        low, high = (self._solver.exactly(end, ctx).file_bytes for end in ends if end is not None)
        for number, aim in enumerate(np.geomspace(low, max(low, high), count).tolist()):
            ctx.checkpoint()
            found = self._solver.solve(KL, {**limits, BYTES: round(aim)}, ctx)
            if found is not None:
                self._points.append(self._point(found))
            ctx.progress(number + 1, count, f"solved for {format_bytes(aim)}")

    def rounds(self, count: int, ctx: JobContext) -> Iterator[SearchResult]:
        """Solve, measure, correct; each result as it is known."""
        if self._is_for_size:
            yield from self._smallest(count, ctx)
        else:
            yield from self._most_accurate(count, ctx)

    @property
    def _is_for_size(self) -> bool:
        """Whether the smallest file within an allowed drop is sought."""
        return self._budgets.max_drop is not None and not self._has_other_limits

    @property
    def _has_other_limits(self) -> bool:
        return replace(self._budgets, max_drop=None).has_limits

    def _most_accurate(self, count: int, ctx: JobContext) -> Iterator[SearchResult]:
        """The best accuracy within the limits; of several ways to weigh the same scan, the one that measures best."""
        limits = self._limits()
        if self._budgets.max_bytes is not None:
            limits[BYTES] = float(self._budgets.max_bytes)
        tried: set[str] = set()
        for number, way in enumerate(_WAYS[:count]):
            part = ctx.part(number / count, (number + 1) / count)
            part.checkpoint()
            solved = self._solver.solve(KL, limits, part, way)
            if solved is None and way == PLAIN:
                self._refusal = (
                    f"out of reach: {self._budgets.text}; {why_not(self._solver, limits, self._space, part)}"
                )
                return
            if solved is None or solved.recipe.digest in tried:
                continue
            tried.add(solved.recipe.digest)
            found = _Found(solved, self._measured(solved, part))
            if self._is_allowed(found.point):
                self._best = self._better(self._best, found)
            self._nearest = self._better(self._nearest, found)
            yield self.result()
        self._finish(ctx)

    def _better(self, known: _Found | None, found: _Found) -> _Found:
        if known is None or self._expected_drop(found.point) < self._expected_drop(known.point):
            return found
        return known

    def _finish(self, ctx: JobContext) -> None:
        """Take the best recipe with what makes up for its losses; refuse where no recipe is allowed."""
        found = self._best or self._nearest
        if found is None:
            return
        point = self._made_up_for(found, ctx)
        if self._is_allowed(point):
            self._best = replace(found, point=point)
        elif self._best is None:
            self._refuse_drop(point)

    def _made_up_for(self, found: _Found, ctx: JobContext) -> ParetoPoint:
        """The recipe with corrected biases, and with layers fitted to the channels that are left: where that is better.

        Neither takes bytes or time. Biases help the more the fewer bits there are, and fitting where channels go; a
        scan of layers alone hardly sees it.
        """
        point = found.point
        corrected = self._space.recipe(found.solved.picks, corrects_bias=True)
        if corrected.digest != point.recipe.digest:
            point = self._better_of(point, corrected, ctx.part(0, 0.5))
        cuts = any(setting.ratio for setting in self._space.mix(found.solved.picks).values())
        if cuts and point.recipe.recover == RECOVER_NOTHING:
            point = self._better_of(point, replace(point.recipe, recover=RECOVER_WEIGHTS), ctx.part(0.5, 1))
        return point

    def _better_of(self, point: ParetoPoint, recipe: Recipe, ctx: JobContext) -> ParetoPoint:
        """The point, or another recipe for the same if that is within the limits and measures better."""
        file_bytes = self._bench.file_bytes(recipe, ctx)
        if self._budgets.max_bytes is not None and file_bytes > self._budgets.max_bytes:
            return point
        measured = self._bench.evaluate(recipe, ctx)
        # What was predicted is of the recipe without.
        other = replace(point, recipe=recipe, file_bytes=file_bytes, predicted=None, measured=measured)
        self._points.append(other)
        return other if self._expected_drop(other) < self._expected_drop(point) else point

    def _expected_drop(self, point: ParetoPoint) -> float:
        """What a recipe that was measured loses on other samples, in the metric's unit.

        Of recipes that lose about the same, the divergence tells which is better with less noise than answers that
        happen to get right or wrong: both are counted, each by how sure it is.
        """
        return self._expected(point)[0]

    def _expected(self, point: ParetoPoint) -> tuple[float, float]:
        """The same, and its standard deviation."""
        assert point.measured is not None
        drop, divergence = lost(point.measured), point.measured.kl_divergence
        if divergence is None:
            return drop, math.sqrt(self._prediction.spread.sampling.variance(drop))
        curve, sampling = self._prediction.curve, self._prediction.spread.sampling
        by_curve = curve.drop(divergence.value)
        own, of_curve = sampling.variance(drop), (_CURVE_SPREAD * by_curve) ** 2 + sampling.least
        both = max(own + of_curve, 1e-12)
        return (drop * of_curve + by_curve * own) / both, math.sqrt(own * of_curve / both)

    def _smallest(self, count: int, ctx: JobContext) -> Iterator[SearchResult]:
        """The smallest file within the allowed drop: nearer to it from round to round, then smaller step by step."""
        yield from self._nearer(count, ctx.part(0, 0.4))
        if self._best is None and self._nearest is None:
            self._refusal = f"out of reach: {self._budgets.text}"
        self._finish(ctx.part(0.4, 0.5))
        yield from self._step_by_step(_NUM_SMALLER, ctx.part(0.5, 1))

    def _step_by_step(self, count: int, ctx: JobContext) -> Iterator[SearchResult]:
        """Ask for less and less than the best file has: other ways to weigh the scan may keep what was lost.

        Among many recipes one is within the allowed drop by chance: these have to be so by their divergence, too.
        """
        step, num_measured, tried = _STEP, 0, {point.recipe.digest for point in self._points if point.measured}
        while self._best is not None and step >= _LEAST_STEP and num_measured < count:
            size = (1 - step) * self._best.point.file_bytes
            is_smaller = False
            for way in _SMALLER_WAYS:
                ctx.checkpoint()
                solved = self._solver.solve(KL, {**self._limits(), BYTES: size}, ctx, way)
                if solved is None or solved.recipe.digest in tried or num_measured >= count:
                    continue
                tried.add(solved.recipe.digest)
                part = ctx.part(num_measured / count, (num_measured + 1) / count)
                point = self._measured(solved, part)
                num_measured += 1
                if not self._is_surely_allowed(point):
                    point = self._made_up_for(_Found(solved, point), part)
                if self._is_surely_allowed(point):
                    self._best, is_smaller = _Found(solved, point), True
                yield self.result()
                if is_smaller:
                    break
            if not is_smaller:
                step /= 2

    def _is_surely_allowed(self, point: ParetoPoint) -> bool:
        expected, deviation = self._expected(point)
        return self._is_allowed(point) and expected + _SURELY * deviation <= self._allowed_drop + _ROUNDING

    def _nearer(self, count: int, ctx: JobContext) -> Iterator[SearchResult]:
        """Recipes at the divergence at which about so much is lost, corrected by what the last one lost."""
        allowed = self._allowed_drop
        kl, most = self._aim(allowed), math.inf
        tried: set[str] = set()
        for number in range(count):
            part = ctx.part(number / count, (number + 1) / count)
            part.checkpoint()
            found = self._solver.settled(BYTES, {**self._limits(), KL: kl})
            if found is None:
                break
            solved = self._solver.exactly(found, part)
            point = self._measured(solved, part)
            if not self._is_allowed(point):
                # What loses too much may lose less with what makes up for it, and is smaller than what comes next.
                point = self._made_up_for(_Found(solved, point), part)
            if not self._is_allowed(point):
                self._nearest, most = _Found(solved, point), min(most, solved.kl)
            elif self._best is None or point.file_bytes < self._best.point.file_bytes:
                self._best = _Found(solved, point)
            yield self.result()
            drop = lost(point.measured) if point.measured is not None else 0.0
            # Within an infinite divergence there is no smaller file.
            is_enough = 0 < _ONWARD * allowed < drop or solved.recipe.digest in tried or math.isinf(kl)
            if self._is_allowed(point) and is_enough:
                break
            tried.add(solved.recipe.digest)
            least = 0.0 if self._best is None else self._best.solved.kl
            kl = self._next_kl(solved.kl or kl, drop, is_allowed=self._is_allowed(point))
            # Between what is known to be allowed and what is known to lose too much.
            if not least < kl < most:
                kl = (least + most) / 2 if math.isfinite(most) else max(kl, least / _BACK)

    def _next_kl(self, kl: float, drop: float, *, is_allowed: bool) -> float:
        """The divergence to try after one that lost so much: the curve as if it went through that point.

        Steps of a secant do the same. Never a number too far from the last one, and never none.
        """
        aimed, reached = self._aim(self._allowed_drop), self._prediction.kl_for(drop)
        if math.isinf(reached):
            aim = 0.0
        elif math.isinf(aimed):
            aim = math.inf
        else:
            aim = kl * aimed / max(reached, 1e-12)
        return min(max(aim, kl / _BACK), _FAR * kl) if is_allowed else max(min(aim, _BACK * kl), kl / _FAR)

    def _aim(self, drop: float) -> float:
        """The divergence at which about so much is lost; of nothing, at which it is hardly anything.

        A recipe that does something may measure no loss, and where nothing may happen there is nothing to find.
        """
        return self._prediction.kl_for(max(drop, _HARDLY * self._prediction.curve.most))

    def _refuse_drop(self, point: ParetoPoint) -> None:
        assert point.measured is not None
        self._refusal = (
            f"out of reach: {self._budgets.text}; the nearest recipe, of {point.file_bytes:,} bytes, "
            f"loses {drop_of(point.measured):.1f} pp"
        )

    def _is_allowed(self, point: ParetoPoint) -> bool:
        return point.measured is None or self._is_within(point.measured)

    def _is_within(self, report: EvaluationReport) -> bool:
        return self._budgets.max_drop is None or drop_of(report) <= self._budgets.max_drop + _ROUNDING

    @property
    def _allowed_drop(self) -> float:
        """In the metric's unit."""
        per_unit = _POINTS if self._prediction.original.unit == "fraction" else 1
        return (self._budgets.max_drop or 0.0) / per_unit

    def _limits(self) -> dict[str, float]:
        """All but those on bytes and on what is lost, in the terms of the space."""
        limits: dict[str, float] = {}
        if self._budgets.max_macs is not None:
            limits[MACS] = float(self._budgets.max_macs)
        if self._budgets.max_latency_ms is not None:
            limits[LATENCY] = self._budgets.max_latency_ms
        return limits

    def _measured(self, solved: Solved, ctx: JobContext) -> ParetoPoint:
        """The point as it is measured; the prediction learns from it."""
        point = self._point(solved)
        report = self._bench.evaluate(solved.recipe, ctx)
        if solved.kl > 0:
            self._prediction = with_mix(self._prediction, MeasuredMix(solved.kl, lost(report), _NEAR))
        # What was predicted is of biases as they are.
        predicted = None if self._solver.corrects_bias else point.predicted
        point = replace(point, measured=report, predicted=predicted)
        self._points.append(point)
        return point

    def _point(self, solved: Solved) -> ParetoPoint:
        predicted = self._prediction.accuracy_at(solved.kl)
        return ParetoPoint(solved.recipe, solved.file_bytes, solved.macs, predicted, solved.kl, solved.latency)

    def _predicted_anew(self, point: ParetoPoint) -> ParetoPoint:
        # What was measured shows what was predicted of it before.
        if point.measured is not None:
            return point
        return replace(point, predicted=self._prediction.accuracy_at(point.kl))


# The solver takes what the scan happens to underrate, the more the more it may choose from. Where the sum is off,
# one of these is nearer.
_WAYS = (
    PLAIN,
    Way(prunes_weights=False),
    Way(0.8),
    Way(0.8, prunes_weights=False),
    Way(1.25),
    Way(0.65, prunes_weights=False),
)
_SMALLER_WAYS = (PLAIN, Way(1.25), Way(0.8, prunes_weights=False))
