"""What a search for a recipe has found so far, how it measures the next one, and what it learns from that."""

from dataclasses import dataclass, replace
from typing import Protocol

from workbench.engine.core.accuracy_drop import drop_of
from workbench.engine.core.accuracy_prediction import AccuracyPrediction, MeasuredMix
from workbench.engine.core.errors import RunError
from workbench.engine.core.recipe import RECOVER_NOTHING, RECOVER_WEIGHTS, Recipe
from workbench.engine.core.reports import EvaluationReport
from workbench.engine.core.search_result import Lack, ParetoPoint, SearchBudgets
from workbench.engine.search.expected_drop import expected_drop
from workbench.engine.search.prediction.accuracy_fit import lost, with_mix
from workbench.engine.search.solving.exact_solver import ExactSolver, Solved
from workbench.engine.search.solving.search_space import BYTES, LATENCY, MACS, SearchSpace
from workbench.jobs import JobContext

_ROUNDING = 1e-9
# Of all that can be lost: so little is as good as nothing.
HARDLY = 0.001
# A measured recipe counts for as much as four of the mixes that the curve was fitted to: the next one is near it.
_NEAR = 4.0
# What is kept because it seems good is a little worse: by so many standard deviations, it has to be within.
_SURELY = 0.5
_POINTS = 100


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
class Found:
    """A solution, and what it measured."""

    solved: Solved
    point: ParetoPoint


class SearchRun:
    """One search under way.

    Args:
        space: what can be chosen.
        prediction: of accuracy; corrected by each recipe that is measured.
        budgets: to stay within.
        bench: measures recipes.
        solver: of the space.

    Attributes:
        points: all recipes so far, measured or not.
        best: the best within all budgets.
        nearest: while there is none, what comes nearest to the allowed drop.
        refusal: why there is none, in one line.
        lacks: what was not among the options, and might bring the limits into reach.
        failures: what could not be measured and why, a line each.
    """

    def __init__(
        self,
        space: SearchSpace,
        prediction: AccuracyPrediction,
        budgets: SearchBudgets,
        bench: SearchBench,
        solver: ExactSolver,
    ) -> None:
        self.space, self.prediction, self.budgets, self.bench, self.solver = space, prediction, budgets, bench, solver
        self.points: list[ParetoPoint] = []
        self._measured: dict[str, ParetoPoint] = {}
        self._failed: set[str] = set()
        self.best: Found | None = None
        self.nearest: Found | None = None
        self.refusal = ""
        self.lacks: tuple[Lack, ...] = ()
        self.failures: list[str] = []

    @property
    def is_for_size(self) -> bool:
        """Whether only what is lost is limited: any file is within, and the smallest is sought."""
        return self.budgets.max_drop is not None and not replace(self.budgets, max_drop=None).has_limits

    @property
    def limits(self) -> dict[str, float]:
        """All but those on bytes and on what is lost, in the terms of the space."""
        found: dict[str, float] = {}
        if self.budgets.max_macs is not None:
            found[MACS] = float(self.budgets.max_macs)
        if self.budgets.max_latency_ms is not None:
            found[LATENCY] = self.budgets.max_latency_ms
        return found

    @property
    def limits_with_bytes(self) -> dict[str, float]:
        """All but that on what is lost."""
        most = self.budgets.max_bytes
        return self.limits if most is None else {**self.limits, BYTES: float(most)}

    @property
    def budgets_text(self) -> str:
        """What is asked, in the metric's unit."""
        return self.budgets.text(self.prediction.original.unit)

    @property
    def allowed_drop(self) -> float:
        """In the metric's unit."""
        per_unit = _POINTS if self.prediction.original.unit == "fraction" else 1
        return (self.budgets.max_drop or 0.0) / per_unit

    def kl_at(self, drop: float) -> float:
        """The divergence at which about so much is lost; of nothing, at which it is hardly anything.

        A recipe that does something may measure no loss, and where nothing may happen there is nothing to find.
        """
        return self.prediction.kl_for(max(drop, HARDLY * self.prediction.curve.most))

    def is_allowed(self, point: ParetoPoint) -> bool:
        """Whether no more than allowed is lost, as far as that was measured."""
        most, measured = self.budgets.max_drop, point.measured
        return most is None or measured is None or drop_of(measured) <= most + _ROUNDING

    def is_surely_allowed(self, point: ParetoPoint) -> bool:
        """The same of a measured one by its divergence, too, with something to spare."""
        expected = expected_drop(point, self.prediction)
        at_most = expected.value + _SURELY * expected.deviation
        return self.is_allowed(point) and at_most <= self.allowed_drop + _ROUNDING

    def better(self, known: Found | None, found: Found) -> Found:
        """The one of two measured ones that is expected to lose less on other samples."""
        if known is None or self._expected(found.point) < self._expected(known.point):
            return found
        return known

    def by_expected_drop(self, points: list[ParetoPoint]) -> list[ParetoPoint]:
        """Measured ones, the best first."""
        return sorted(points, key=self._expected)

    def measured(self, solved: Solved, ctx: JobContext) -> ParetoPoint | None:
        """The point as it is measured; the prediction learns from it, once. None where its file does not run.

        Raises:
            Cancelled: somebody asked to stop.
        """
        known = self._measured.get(solved.recipe.digest)
        if known is not None:
            return known
        point, report = self.point(solved), self._evaluated(solved.recipe, solved.file_bytes, ctx)
        if report is None:
            return None
        if solved.kl > 0:
            self.prediction = with_mix(self.prediction, MeasuredMix(solved.kl, lost(report), _NEAR))
        # What was predicted is of biases as they are.
        predicted = None if self.solver.corrects_bias else point.predicted
        return self._keep(replace(point, measured=report, predicted=predicted))

    def _evaluated(self, recipe: Recipe, file_bytes: int, ctx: JobContext) -> EvaluationReport | None:
        if recipe.digest in self._failed:
            return None
        try:
            return self.bench.evaluate(recipe, ctx)
        except RunError as error:
            # One recipe that does not run says nothing of the others.
            self._failed.add(recipe.digest)
            self.failures.append(f"a file of {file_bytes:,} bytes could not be measured: {error}")
            return None

    def _keep(self, point: ParetoPoint) -> ParetoPoint:
        self._measured[point.recipe.digest] = point
        self.points.append(point)
        return point

    def point(self, solved: Solved) -> ParetoPoint:
        """The point as it is predicted."""
        predicted = self.prediction.accuracy_at(solved.kl)
        return ParetoPoint(solved.recipe, solved.file_bytes, solved.macs, predicted, solved.kl, solved.latency)

    def finish(self, ctx: JobContext) -> None:
        """Take the best recipe with what makes up for its losses; refuse where no recipe is allowed."""
        found = self.best or self.nearest
        if found is None:
            self.refusal = self.refusal or f"out of reach: {self.budgets_text}"
            return
        point = self.made_up_for(found, ctx)
        if self.is_for_size and self.best is not None and point.file_bytes > self.best.point.file_bytes:
            return
        if self.is_allowed(point):
            self.best = replace(found, point=point)
        elif self.best is None:
            self._refuse_drop(point)

    def made_up_for(self, found: Found, ctx: JobContext) -> ParetoPoint:
        """The recipe with corrected biases, and with layers fitted to the channels that are left: where that is better.

        Neither takes time, and hardly ever bytes. Biases help the more the fewer bits there are, and fitting where
        channels go; a scan of layers alone hardly sees it.
        """
        point = found.point
        corrected = self.space.recipe(found.solved.picks, corrects_bias=True)
        if corrected.digest != point.recipe.digest:
            point = self._better_of(point, corrected, ctx.part(0, 0.5))
        cuts = any(setting.ratio for setting in self.space.mix(found.solved.picks).values())
        if cuts and point.recipe.recover == RECOVER_NOTHING:
            point = self._better_of(point, replace(point.recipe, recover=RECOVER_WEIGHTS), ctx.part(0.5, 1))
        return point

    def _better_of(self, point: ParetoPoint, recipe: Recipe, ctx: JobContext) -> ParetoPoint:
        """The point, or another recipe for the same if that is within the limits and measures better."""
        file_bytes = self.bench.file_bytes(recipe, ctx)
        if self.budgets.max_bytes is not None and file_bytes > self.budgets.max_bytes:
            return point
        other = self._measured.get(recipe.digest)
        if other is None:
            measured = self._evaluated(recipe, file_bytes, ctx)
            if measured is None:
                return point
            # What was predicted is of the recipe without.
            other = self._keep(replace(point, recipe=recipe, file_bytes=file_bytes, predicted=None, measured=measured))
        return other if self._expected(other) < self._expected(point) else point

    def _expected(self, point: ParetoPoint) -> float:
        return expected_drop(point, self.prediction).value

    def _refuse_drop(self, point: ParetoPoint) -> None:
        assert point.measured is not None
        unit = self.prediction.original.unit
        self.refusal = (
            f"out of reach: {self.budgets_text}; the nearest recipe, of {point.file_bytes:,} bytes, "
            f"loses {drop_of(point.measured):.1f} {'pp' if unit == 'fraction' else unit}"
        )
