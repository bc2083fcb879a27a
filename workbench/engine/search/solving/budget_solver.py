"""One option for every choice, so that totals stay within limits and what is minimized is least.

A knapsack problem with multiple choice. With one limit that binds it is solved exactly by the core of the problem: the
relaxed problem's multiplier says of nearly every option that no best solution can hold it, and what is left is
gone through state by state, keeping those that none dominates. 200 choices of 12 options take some ten
milliseconds so, where HiGHS, SciPy's solver for integer programs, takes most of a second: many solutions lie within
a ten-thousandth of the best. Where several limits bind at once, a solution near the relaxed problem's is taken that is
known to be good enough.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from workbench.engine.search.solving.one_limit import Relaxed, relaxed_problem, solve_core
from workbench.engine.search.solving.picks import Floats, Picks, most, total
from workbench.engine.search.solving.several_limits import solve_several

# A relaxed solution that is above another limit by more, as a share, leads to no exact one within it.
_FAR_OFF = 0.01


@dataclass(frozen=True, slots=True, eq=False)
class Solution:
    """The best option of every choice.

    Args:
        picks: number of the option, shape (N,).
        totals: of all that was counted, by name.
    """

    picks: Picks
    totals: Mapping[str, float]


class BudgetSolver:
    """Keeps what does not depend on the limits, so that the next budget is solved at once.

    Args:
        counts: what each option adds to each total, by the total's name; shape (N, O). Infinite where a choice has
            fewer options.
    """

    def __init__(self, counts: Mapping[str, Floats]) -> None:
        self._counts = {name: np.asarray(values, np.float64) for name, values in counts.items()}
        self._useful: dict[tuple[str, ...], npt.NDArray[np.bool_]] = {}

    @property
    def names(self) -> tuple[str, ...]:
        """Of the totals."""
        return tuple(self._counts)

    def least(self, name: str) -> float:
        """The least that a total can be."""
        return float(self._counts[name].min(axis=1).sum())

    def solve(self, minimize: str, limits: Mapping[str, float]) -> Solution | None:
        """The solution that is best, or None where the limits are out of reach.

        Exact with one limit, unless that leaves more than a hundred thousand states, and mostly where one of several
        is enough; otherwise within `GAP` of the optimum, and with few choices within a ten-thousandth.

        Args:
            minimize: name of a total.
            limits: the most that totals may be, by name; below nothing, too, where options take something away.
        """
        limits = {name: limit for name, limit in limits.items() if limit < np.inf}
        names = tuple(sorted(limits))
        if np.isinf(self.least(minimize)) or any(self.least(name) > most(limits[name]) for name in names):
            return None
        loss = np.where(self._is_useful((minimize, *names)), self._counts[minimize], np.inf)
        costs = {name: self._counts[name] for name in names}
        least = np.asarray(loss.argmin(axis=1), np.int64)
        if _is_within(least, costs, limits):
            return self._solution(least)
        relaxed = {name: relaxed_problem(loss, cost, limits[name]) for name, cost in costs.items()}
        picks = _with_one_limit(loss, costs, limits, relaxed)
        if picks is None:
            floor = max((one.bound for one in relaxed.values()), key=abs)
            picks = solve_several(loss, list(costs.values()), [limits[name] for name in names], floor=floor)
        return None if picks is None else self._solution(picks)

    def _is_useful(self, names: tuple[str, ...]) -> npt.NDArray[np.bool_]:
        """Which options no other one of the same choice beats in every one of these totals, shape (N, O)."""
        if names not in self._useful:
            counts = [self._counts[name] for name in names]
            no_more = np.all([one[:, :, None] <= one[:, None, :] for one in counts], axis=0)
            less = np.any([one[:, :, None] < one[:, None, :] for one in counts], axis=0)
            earlier = np.tri(counts[0].shape[1], k=-1, dtype=np.bool_).T
            self._useful[names] = ~np.any(no_more & (less | earlier), axis=1)
        return self._useful[names]

    def _solution(self, picks: Picks) -> Solution:
        return Solution(picks, {name: total(values, picks) for name, values in self._counts.items()})


def _with_one_limit(
    loss: Floats, costs: Mapping[str, Floats], limits: Mapping[str, float], relaxed: Mapping[str, Relaxed]
) -> Picks | None:
    """The best solution if it is also the best without all limits but one."""
    for name, cost in costs.items():
        # The exact solution differs in few choices from the relaxed one, which is known already.
        if len(costs) > 1 and not _is_within(relaxed[name].picks, costs, limits, spare=_FAR_OFF):
            continue
        picks = solve_core(loss, cost, limits[name], relaxed[name])
        if picks is not None and _is_within(picks, costs, limits):
            return picks
    return None


def _is_within(picks: Picks, costs: Mapping[str, Floats], limits: Mapping[str, float], *, spare: float = 0.0) -> bool:
    """Whether totals are within all limits, or no more than a share of each above it."""
    return all(total(cost, picks) <= most(limits[name]) + spare * abs(limits[name]) for name, cost in costs.items())
