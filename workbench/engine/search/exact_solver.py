"""Solutions within an exact file size: what sums of layers leave out is corrected by the file itself."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from workbench.engine.core.recipe import Recipe
from workbench.engine.search.budget_solver import BudgetSolver
from workbench.engine.search.search_space import BYTES, KL, LATENCY, SearchSpace
from workbench.jobs import JobContext

Picks = npt.NDArray[np.int64]

# How often a solution is corrected: by what tables and headers add, and at the ratios that it found.
_MOST_CORRECTIONS = 8
# Less than this share of the budget is not worth another solution.
_WORTH = 0.002


@dataclass(frozen=True, slots=True)
class Way:
    """How a solution weighs what the scan found.

    Args:
        power: of divergences: with higher ones large divergences weigh more.
        prunes_weights: whether weights may become zero.
    """

    power: float = 1.0
    prunes_weights: bool = True


PLAIN = Way()


@dataclass(frozen=True, slots=True, eq=False)
class Solved:
    """A solution with its exact size.

    Args:
        picks: number of the option of every choice, shape (N,).
        recipe: gives the file.
        kl: the sum of divergences, nats.
        file_bytes: of the file, exact.
        latency_ms: of one inference, estimated; None without a device.
    """

    picks: Picks
    recipe: Recipe
    kl: float
    file_bytes: int
    latency_ms: float | None


class ExactSolver:
    """Solves for a space. What files have beside the sum of their layers is learned from one solution to the next.

    Args:
        space: what can be chosen.
        file_bytes: gives the exact size of a recipe's file.
    """

    def __init__(self, space: SearchSpace, file_bytes: Callable[[Recipe, JobContext], int]) -> None:
        self._space, self._file_bytes = space, file_bytes
        # Where no channels can go, what options cost depends on nothing that is found.
        self._plain = None if space.groups else BudgetSolver(space.counts())
        self._rest_bytes = space.rest_bytes
        self._corrects_bias = False

    @property
    def corrects_bias(self) -> bool:
        """Whether solutions are written with corrected biases."""
        return self._corrects_bias

    def choose_form(self, limits: Mapping[str, float], ctx: JobContext) -> None:
        """Write solutions with corrected biases from now on, if the smallest file is smaller so.

        Correcting biases folds BatchNorms into the layers, and what these take is in no sum of layers.

        Args:
            limits: on totals other than bytes, by name.
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
            self._rest_bytes = file_bytes - self._counted(picks, BYTES)

    def solve(
        self,
        minimize: str,
        limits: Mapping[str, float],
        max_bytes: int | None,
        ctx: JobContext,
        way: Way | None = None,
    ) -> Solved | None:
        """The best solution of which the file's exact size is within the limit; None where there is none.

        Args:
            minimize: name of a total.
            limits: on totals other than bytes, by name.
            max_bytes: of the file; None for no limit.
            ctx: asked before each step.
            way: how losses are weighed.

        Raises:
            Cancelled: somebody asked to stop.
        """
        if max_bytes is None:
            found = self.settled(minimize, limits, way)
            return None if found is None else self.exactly(found, ctx)
        best: Solved | None = None
        rest = self._rest_bytes
        for _ in range(_MOST_CORRECTIONS):
            ctx.checkpoint()
            found = self.settled(minimize, {**limits, BYTES: max_bytes - rest}, way)
            if found is None:
                break
            solved = self.exactly(found, ctx)
            counted = self._counted(found, BYTES)
            off = solved.file_bytes - (rest + counted)
            if solved.file_bytes <= max_bytes:
                if best is None or solved.kl < best.kl:
                    best = solved
                # Less is left over than another solution could use.
                if off >= -_WORTH * max_bytes:
                    break
            elif best is not None:
                break
            rest += off
        if best is not None:
            self._rest_bytes = rest
        return best

    def settled(self, minimize: str, limits: Mapping[str, float], way: Way | None = None) -> Picks | None:
        """A solution at the ratios that it found itself, or near; None where the limits are out of reach."""
        found: Picks | None = None
        for _ in range(_MOST_CORRECTIONS if self._space.groups else 1):
            solver = self._solver_at(found, way or PLAIN)
            if any(name not in solver.names for name in limits):
                return None
            solution = solver.solve(minimize, limits)
            if solution is None or (found is not None and np.array_equal(found, solution.picks)):
                break
            found = solution.picks
        return found

    def _solver_at(self, at: Picks | None, way: Way) -> BudgetSolver:
        if self._plain is not None and way == PLAIN:
            return self._plain
        counts = self._space.counts(at)
        counts[KL] = counts[KL] ** way.power
        if not way.prunes_weights:
            is_sparse = [option.sparsity is not None for option in self._space.options]
            counts[KL][: len(self._space.rows), : len(is_sparse)][:, is_sparse] = np.inf
        return BudgetSolver(counts)

    def exactly(self, picks: Picks, ctx: JobContext) -> Solved:
        """The solution with the size of its file. Raises Cancelled."""
        recipe = self._space.recipe(picks, corrects_bias=self._corrects_bias)
        latency = None
        if LATENCY in self._space.layer_counts:
            latency = self._space.rest_ms + self._counted(picks, LATENCY)
        return Solved(picks, recipe, self._counted(picks, KL), self._file_bytes(recipe, ctx), latency)

    def _counted(self, picks: Picks, name: str) -> float:
        counts = self._space.counts(picks)[name]
        return float(counts[np.arange(len(picks)), picks].sum())
