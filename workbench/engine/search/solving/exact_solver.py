"""Solutions within exact limits: what sums of layers leave out is corrected by the file, or the whole, itself."""

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from workbench.engine.core.measurement import Figure
from workbench.engine.core.recipe import Recipe
from workbench.engine.search.solving.budget_solver import BudgetSolver
from workbench.engine.search.solving.search_space import BYTES, KL, LATENCY, MACS, SearchSpace
from workbench.jobs import JobContext

Picks = npt.NDArray[np.int64]

# How often a solution is corrected: by what tables and headers add, and at the ratios that it found.
_MOST_CORRECTIONS = 8
# Less than this share of the budget is not worth another solution.
_WORTH = 0.002
_ROUNDING = 1e-9


@dataclass(frozen=True, slots=True)
class Way:
    """How a solution weighs what the scan found.

    Args:
        power: of divergences: with higher ones large divergences weigh more.
        prunes_weights: whether weights may become zero.
        by_divergence: whether the divergences are those that were measured, which vary less with the samples than what
            was weighed by the accuracy lost: whoever takes the best of many is misled less.
    """

    power: float = 1.0
    prunes_weights: bool = True
    by_divergence: bool = False


PLAIN = Way()


@dataclass(frozen=True, slots=True, eq=False)
class Solved:
    """A solution with its exact size.

    Args:
        picks: number of the option of every choice, shape (N,).
        recipe: gives the file.
        kl: the sum of divergences, nats.
        file_bytes: of the file, exact.
        macs: multiply-adds at batch 1; None where they are not known.
        latency: of one inference of the whole, estimated; None without a device, or where it gives no figure.
    """

    picks: Picks
    recipe: Recipe
    kl: float
    file_bytes: int
    macs: int | None
    latency: Figure | None

    def total(self, name: str) -> float:
        """Bytes, multiply-adds or ms; infinite where they are not known."""
        ms = None if self.latency is None else self.latency.value
        value = {BYTES: self.file_bytes, MACS: self.macs, LATENCY: ms, KL: self.kl}[name]
        return math.inf if value is None else float(value)

    def keeps(self, limits: Mapping[str, float]) -> bool:
        """Whether it is within all of them."""
        return all(self.total(name) <= limit + _ROUNDING * abs(limit) for name, limit in limits.items())


class ExactSolver:
    """Solves for a space. What wholes have beside the sum of layers is learned from one solution to the next.

    Limits are those of whole files and runs, by the totals' names.

    Args:
        space: what can be chosen.
        file_bytes: gives the exact size of a recipe's file.
        latency: estimates the whole of what a recipe gives, on a device; None without one.
        macs: the multiply-adds that a recipe leaves; None where the sum of layers is all there is to know.
    """

    def __init__(
        self,
        space: SearchSpace,
        file_bytes: Callable[[Recipe, JobContext], int],
        latency: Callable[[Recipe, JobContext], Figure | None] | None = None,
        macs: Callable[[Recipe, JobContext], int | None] | None = None,
    ) -> None:
        self._space, self._file_bytes, self._latency, self._macs = space, file_bytes, latency, macs
        # Where no channels can go, what options cost depends on nothing that is found.
        self._plain = None if space.groups else BudgetSolver(space.counts())
        self._rest = {BYTES: space.rest_bytes, MACS: space.rest_macs, LATENCY: 0.0}
        self._corrects_bias = False

    @property
    def corrects_bias(self) -> bool:
        """Whether solutions are written with corrected biases."""
        return self._corrects_bias

    def choose_form(self, limits: Mapping[str, float], ctx: JobContext) -> None:
        """Write solutions with corrected biases from now on, if the smallest file is smaller so.

        Correcting biases folds BatchNorms into the layers, and what these take is in no sum of layers.

        Args:
            limits: on totals other than bytes.
            ctx: asked before each step.

        Raises:
            Cancelled: somebody asked to stop.
        """
        picks = self.settled(BYTES, limits)
        if picks is None:
            return
        plain, corrected = self._space.recipe(picks), self._space.recipe(picks, corrects_bias=True)
        if plain.digest == corrected.digest:
            return
        file_bytes = self._file_bytes(corrected, ctx)
        if file_bytes < self._file_bytes(plain, ctx):
            self._corrects_bias = True
            self._rest[BYTES] = file_bytes - self._counted(picks, BYTES)

    def solve(
        self, minimize: str, limits: Mapping[str, float], ctx: JobContext, way: Way | None = None
    ) -> Solved | None:
        """The best solution of which the whole is within the limits; None where there is none.

        Args:
            minimize: name of a total.
            limits: on bytes, multiply-adds and latency.
            ctx: asked before each step.
            way: how losses are weighed.

        Raises:
            Cancelled: somebody asked to stop.
        """
        if not limits:
            found = self.settled(minimize, limits, way)
            return None if found is None else self.exactly(found, ctx)
        best = self._corrected(minimize, limits, ctx, way)
        for name in limits if best is None else ():
            # What layers have beside their sum may be less where little is left of them.
            least = self.least(name, limits, ctx, way)
            if least is None or not least.keeps(limits):
                continue
            self._learn(least, limits)
            again = self._corrected(minimize, limits, ctx, way)
            return again if again is not None and again.total(minimize) < least.total(minimize) else least
        return best

    def least(self, name: str, limits: Mapping[str, float], ctx: JobContext, way: Way | None = None) -> Solved | None:
        """The solution with the least of a total, whatever it loses; None where the other limits are out of reach.

        Args:
            name: of the total; a limit on it says nothing here.
            limits: on others.
            ctx: asked before each step.
            way: what may be chosen.

        Raises:
            Cancelled: somebody asked to stop.
        """
        others = {other: limit for other, limit in limits.items() if other != name}
        found = self.settled(name, others, way)
        if found is None:
            return None
        least = self.exactly(found, ctx)
        # Fewer bits save no time where all compute in eight: of what costs the same, that which loses least.
        same = self.settled(KL, {**others, name: self._rest.get(name, 0.0) + self._counted(found, name)}, way)
        if name == KL or same is None or np.array_equal(same, found):
            return least
        gentler = self.exactly(same, ctx)
        return gentler if gentler.total(name) <= least.total(name) and gentler.keeps(others) else least

    def _corrected(self, minimize: str, limits: Mapping[str, float], ctx: JobContext, way: Way | None) -> Solved | None:
        """The same as `solve`, from what is known of the rest now."""
        best: Solved | None = None
        before = dict(self._rest)
        for _ in range(_MOST_CORRECTIONS):
            ctx.checkpoint()
            found = self.settled(minimize, limits, way)
            if found is None:
                break
            solved = self.exactly(found, ctx)
            is_within = solved.keeps(limits)
            if is_within and (best is None or solved.total(minimize) < best.total(minimize)):
                best = solved
            off = self._learn(solved, limits)
            # Less is left over than another solution could use, or more is not to be had.
            is_worth = any(by < -_WORTH * abs(limits[name]) for name, by in off.items())
            if best is not None and not (is_within and is_worth):
                break
        if best is None:
            self._rest = before
        return best

    def _learn(self, solved: Solved, names: Iterable[str]) -> dict[str, float]:
        """Take over what a solution's whole has beside the sum of its layers; how far off that was known, by name."""
        off = {}
        for name in names:
            total = solved.total(name)
            off[name] = total - (self._rest[name] + self._counted(solved.picks, name)) if math.isfinite(total) else 0.0
            self._rest[name] += off[name]
        return off

    def settled(self, minimize: str, limits: Mapping[str, float], way: Way | None = None) -> Picks | None:
        """A solution by sums of layers at the ratios that it found itself, or near; None where limits are too low."""
        left = {name: limit - self._rest.get(name, 0.0) for name, limit in limits.items()}
        found: Picks | None = None
        for _ in range(_MOST_CORRECTIONS if self._space.groups else 1):
            solver = self._solver_at(found, way or PLAIN)
            if any(name not in solver.names for name in limits):
                return None
            solution = solver.solve(minimize, left)
            if solution is None or (found is not None and np.array_equal(found, solution.picks)):
                break
            found = solution.picks
        return found

    def _solver_at(self, at: Picks | None, way: Way) -> BudgetSolver:
        if self._plain is not None and way == PLAIN:
            return self._plain
        counts = self._space.counts(at)
        if way.by_divergence and self._space.divergences is not None:
            rows, options = self._space.divergences.shape
            weighed = counts[KL][:rows, :options]
            weighed[np.isfinite(weighed)] = self._space.divergences[np.isfinite(weighed)]
        counts[KL] = counts[KL] ** way.power
        if not way.prunes_weights:
            is_sparse = np.array([option.sparsity is not None for option in self._space.options])
            for table in counts.values():
                table[: len(self._space.rows), : len(is_sparse)][:, is_sparse] = np.inf
        return BudgetSolver(counts)

    def exactly(self, picks: Picks, ctx: JobContext) -> Solved:
        """The solution with the size of its file. Raises Cancelled."""
        recipe = self._space.recipe(picks, corrects_bias=self._corrects_bias)
        return Solved(
            picks,
            recipe,
            self._counted(picks, KL),
            self._file_bytes(recipe, ctx),
            self._space.num_macs(picks) if self._macs is None else self._macs(recipe, ctx),
            None if self._latency is None else self._latency(recipe, ctx),
        )

    def _counted(self, picks: Picks, name: str) -> float:
        counts = self._space.counts(picks)[name]
        return float(counts[np.arange(len(picks)), picks].sum())
