"""One option for every choice, so that totals stay within limits and what is minimized is least: exactly.

A knapsack problem with multiple choice. With one limit that binds it is solved by the core of the problem: the
relaxed problem's multiplier says of nearly every option that no best solution can hold it, and what is left is
gone through state by state, keeping those that none dominates. 200 choices of 12 options take some ten
milliseconds so, where HiGHS, SciPy's solver for integer programs, takes most of a second: many solutions lie within
a ten-thousandth of the best. Where several limits bind at once, HiGHS solves it.

Source: Kellerer, Pferschy & Pisinger 2004, "Knapsack Problems", sections 11.2 (relaxation), 11.3 (reduction) and
11.5 (dynamic programming over the core).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Picks = npt.NDArray[np.int64]

# Sums of floats that mathematics has equal differ by so much of themselves.
_ROUNDING = 1e-9
# Many more states than 200 choices of 12 options ever had; beyond, HiGHS is asked.
_MOST_STATES = 100_000
_BISECTIONS = 100
# Of what the known solution is above the bound.
_PARTS = tuple(2.0**-power for power in range(8, -1, -1))
# HiGHS proves so much of the optimum: predicted losses are not known better by far.
_PROVEN = 1e-4
# HiGHS takes a row as kept that is off by a millionth; where that is beyond the limit, it is asked for a little less.
_TIGHTER = (0.0, 2e-6, 1e-4)


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

        Exact where it is also the best with one of the limits alone, unless that limit leaves more than a hundred
        thousand states; otherwise proven to a ten-thousandth of the optimum.

        Args:
            minimize: name of a total.
            limits: the most that totals may be, by name; below nothing, too, where options take something away.
        """
        limits = {name: limit for name, limit in limits.items() if limit < np.inf}
        names = tuple(sorted(limits))
        if np.isinf(self.least(minimize)) or any(self.least(name) > _most(limits[name]) for name in names):
            return None
        loss = np.where(self._is_useful((minimize, *names)), self._counts[minimize], np.inf)
        costs = {name: self._counts[name] for name in names}
        picks = self._with_one_limit(loss, costs, limits)
        if picks is None:
            picks = solve_by_highs(loss, list(costs.values()), [limits[name] for name in names])
        return None if picks is None else self._solution(picks)

    def _with_one_limit(self, loss: Floats, costs: Mapping[str, Floats], limits: Mapping[str, float]) -> Picks | None:
        """The best solution if it is also the best without all limits but one."""
        least = np.asarray(loss.argmin(axis=1), np.int64)
        if _is_within(least, costs, limits):
            return least
        for name, cost in costs.items():
            relaxed = _relaxed(loss, cost, limits[name])
            picks = _solve_core(loss, cost, limits[name], relaxed)
            if picks is not None and _is_within(picks, costs, limits):
                return picks
        return None

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
        return Solution(picks, {name: _total(values, picks) for name, values in self._counts.items()})


def solve_by_highs(loss: Floats, costs: list[Floats], limits: list[float]) -> Picks | None:
    """The same by HiGHS, with any number of limits; None where they are out of reach.

    Args:
        loss: what is minimized, shape (N, O); infinite where there is no such option.
        costs: of each limited total, shape (N, O).
        limits: the most that each may be.
    """
    from scipy.optimize import Bounds, LinearConstraint, milp
    from scipy.sparse import csr_array

    choices, options = np.nonzero(np.isfinite(loss))
    count = len(choices)
    one_each = csr_array((np.ones(count), (choices, np.arange(count))), shape=(len(loss), count))
    # Rows and objective near 1, as tolerances of the solver are absolute.
    objective = loss[choices, options] / _scale(loss, costs, limits)
    entries = [cost[choices, options] for cost in costs]
    scales = [_near_one(limit, row) for limit, row in zip(limits, entries, strict=True)]
    for less in _TIGHTER:
        constraints = [LinearConstraint(one_each, 1, 1)]
        if costs:
            rows = csr_array(np.stack([row / scale for row, scale in zip(entries, scales, strict=True)]))
            most = [_most(limit) / scale - less for limit, scale in zip(limits, scales, strict=True)]
            constraints.append(LinearConstraint(rows, -np.inf, most))
        found = milp(
            objective,
            constraints=constraints,
            integrality=np.ones(count),
            bounds=Bounds(0, 1),
            options={"mip_rel_gap": _PROVEN},
        )
        if found.x is None:
            return None
        chosen = np.flatnonzero(found.x > 0.5)
        picks = np.zeros(len(loss), np.int64)
        picks[choices[chosen]] = options[chosen]
        if all(_total(cost, picks) <= _most(limit) for cost, limit in zip(costs, limits, strict=True)):
            return picks
    return None


def _near_one(limit: float, row: Floats) -> float:
    """What a limited total is divided by; a limit of nothing says nothing of how large its total is."""
    return abs(limit) or float(np.abs(row).max(initial=0.0)) or 1.0


def _scale(loss: Floats, costs: list[Floats], limits: list[float]) -> float:
    """About what the best loss will be."""
    bounds = [_relaxed(loss, cost, limit).bound for cost, limit in zip(costs, limits, strict=True)]
    return max(abs(float(loss.min(axis=1).sum())), *map(abs, bounds), 1e-12)


@dataclass(frozen=True, slots=True, eq=False)
class _Relaxed:
    """The problem in which the limit has a price instead.

    Args:
        multiplier: the price of a unit of cost.
        bound: no solution within the limit has less loss.
        picks: a solution within the limit.
    """

    multiplier: float
    bound: float
    picks: Picks


def _relaxed(loss: Floats, cost: Floats, limit: float) -> _Relaxed:
    """Find the price by bisection: at a higher one the solution costs less."""
    rows = np.arange(len(loss))
    # Where an option is dear beyond measure, infinity times nothing would be no number.
    cost = np.where(np.isfinite(loss), cost, 0.0)

    def at(multiplier: float) -> Picks:
        return np.asarray((loss + multiplier * cost).argmin(axis=1), np.int64)

    low, high = 0.0, 1.0
    cheapest = np.asarray(np.where(np.isfinite(loss), cost, np.inf).argmin(axis=1), np.int64)
    while cost[rows, at(high)].sum() > limit and high < 1e30:
        low, high = high, high * 16
    for _ in range(_BISECTIONS):
        middle = (low + high) / 2
        low, high = (middle, high) if cost[rows, at(middle)].sum() > limit else (low, middle)
        if high - low <= 1e-14 * high:
            break
    picks = at(high)
    bound = float((loss + high * cost).min(axis=1).sum() - high * limit)
    if cost[rows, picks].sum() > limit:
        picks = cheapest
    return _Relaxed(high, bound, _improved(picks, loss, cost, limit))


def _improved(picks: Picks, loss: Floats, cost: Floats, limit: float) -> Picks:
    """Spend what is left of the limit, always where it takes the most off the loss."""
    rows, picks = np.arange(len(loss)), picks.copy()
    while True:
        slack = limit - cost[rows, picks].sum()
        gain = loss - loss[rows, picks][:, None]
        gain[cost - cost[rows, picks][:, None] > slack] = 0.0
        place = int(gain.argmin())
        if gain.flat[place] >= 0:
            return picks
        row, option = divmod(place, loss.shape[1])
        picks[row] = option


def _solve_core(loss: Floats, cost: Floats, limit: float, relaxed: _Relaxed) -> Picks | None:
    """The best solution with one limit; None where there are too many states.

    With the relaxed problem's price, any solution's loss is the bound, and what each option is dearer than the best
    one of its choice, and the price of what is left of the limit. So options and states that are dearer than a known
    solution allows can go. The true excess over the bound is mostly much less than the known solution's, and states
    grow fast with what is allowed: less is allowed at first, and more where nothing is found.
    """
    rows = np.arange(len(loss))
    known = float(loss[rows, relaxed.picks].sum())
    gap = known - relaxed.bound + _ROUNDING * max(abs(relaxed.bound), abs(known))
    priced = loss + relaxed.multiplier * np.where(np.isfinite(loss), cost, 0.0)
    core = _Core(cost, limit, relaxed.multiplier, priced)
    for part in _PARTS:
        found = core.best(part * gap)
        if found is not None:
            return found
        if core.is_too_large:
            return None
    return relaxed.picks


class _Core:
    """The choices of which more than one option may be in a best solution.

    Args:
        cost: of each option, shape (N, O).
        limit: of the costs.
        multiplier: the limit's price.
        priced: loss and price of the cost of each option.
    """

    def __init__(self, cost: Floats, limit: float, multiplier: float, priced: Floats) -> None:
        self._cost, self._limit, self._multiplier = cost, limit, multiplier
        self._best = np.asarray(priced.argmin(axis=1), np.int64)
        self._dearer = priced - priced.min(axis=1)[:, None]
        self._spent = float(cost[np.arange(len(cost)), self._best].sum())
        self.is_too_large = False

    def best(self, gap: float) -> Picks | None:
        """The best solution, if its loss is within the gap above the bound."""
        steps = self._steps(gap)
        rest = _Rest(steps, self._multiplier)
        # What is left of the limit, and how much dearer than the bound the state is without that.
        left, added = np.array([_most(self._limit) - self._spent]), np.zeros(1)
        trail: list[tuple[Picks, Picks]] = []
        for number, step in enumerate(steps, start=1):
            width = len(step.options)
            left = (left[:, None] - step.costs).reshape(-1)
            added = (added[:, None] + step.dearer).reshape(-1)
            (kept,) = np.nonzero(added + rest.excess(number, left) <= gap)
            # Of two states the one with less loss and more left is better whatever follows.
            kept = kept[_undominated(-left[kept], (added + self._multiplier * left)[kept])]
            self.is_too_large = len(kept) > _MOST_STATES
            if self.is_too_large or not len(kept):
                return None
            left, added = left[kept], added[kept]
            trail.append((kept // width, step.options[kept % width]))
        excess = np.where(left >= 0, added + self._multiplier * left, np.inf)
        last = int(excess.argmin())
        return _walked_back(last, steps, trail, self._best.copy()) if excess[last] <= gap else None

    def _steps(self, gap: float) -> "list[_Step]":
        is_left = self._dearer <= gap
        steps = []
        for row in np.flatnonzero(is_left.sum(axis=1) > 1).tolist():
            options = np.flatnonzero(is_left[row])
            costs = self._cost[row, options] - self._cost[row, self._best[row]]
            steps.append(_Step(row, options, costs, self._dearer[row, options]))
        # Large steps first: later, small ones then fill what is left of the limit.
        return sorted(steps, key=lambda step: -float(np.ptp(step.costs)))


@dataclass(frozen=True, slots=True, eq=False)
class _Step:
    """A choice of the core.

    Args:
        row: its number.
        options: those that are left.
        costs: of each, above that of the best one.
        dearer: what each is dearer, cost priced in.
    """

    row: int
    options: Picks
    costs: Floats
    dearer: Floats

    def hull(self, multiplier: float) -> "tuple[tuple[float, float], list[tuple[float, float]]]":
        """Cost and loss of the cheapest option, and how both change along the lower hull of the others."""
        order = np.lexsort((self.dearer, self.costs))
        points: list[tuple[float, float]] = []
        for cost, loss in zip(self.costs[order].tolist(), (self.dearer - multiplier * self.costs)[order], strict=True):
            if points and loss >= points[-1][1]:
                continue
            while len(points) > 1 and _slope(points[-2], points[-1]) >= _slope(points[-1], (cost, loss)):
                points.pop()
            if points and cost == points[-1][0]:
                points.pop()
            points.append((cost, float(loss)))
        return points[0], [(two[0] - one[0], two[1] - one[1]) for one, two in pairwise(points)]


class _Rest:
    """What the choices that are still open can do at best, each part of an option allowed."""

    def __init__(self, steps: list[_Step], multiplier: float) -> None:
        self._multiplier = multiplier
        hulls = [step.hull(multiplier) for step in steps]
        self._starts = np.array([start for start, _ in hulls]).reshape(-1, 2)
        changes = [(number, *change) for number, (_, hull) in enumerate(hulls) for change in hull]
        # The most that a unit of cost takes off the loss comes first.
        changes.sort(key=lambda change: change[2] / change[1])
        self._numbers = np.array([change[0] for change in changes], np.int64)
        self._changes = np.array([change[1:] for change in changes]).reshape(-1, 2)

    def excess(self, done: int, left: Floats) -> Floats:
        """The least that is still added to states with so much left, once so many steps are done."""
        begin = self._starts[done:].sum(axis=0)
        path = np.vstack([begin, begin + self._changes[self._numbers >= done].cumsum(axis=0)])
        loss = np.interp(left, path[:, 0], path[:, 1])
        return np.where(left >= begin[0], loss + self._multiplier * left, np.inf)


def _slope(one: tuple[float, float], two: tuple[float, float]) -> float:
    return (two[1] - one[1]) / (two[0] - one[0]) if two[0] > one[0] else -np.inf


def _undominated(spent: Floats, loss: Floats) -> Picks:
    """Places of the states with less loss than every one that spends no more, by what they spend."""
    order = np.lexsort((loss, spent))
    least = np.minimum.accumulate(loss[order])
    is_better = np.append(True, loss[order][1:] < least[:-1]) if len(order) else np.zeros(0, np.bool_)
    return np.asarray(order[is_better], np.int64)


def _walked_back(state: int, steps: list[_Step], trail: list[tuple[Picks, Picks]], picks: Picks) -> Picks:
    for step, (parents, options) in zip(reversed(steps), reversed(trail), strict=True):
        picks[step.row] = options[state]
        state = int(parents[state])
    return picks


def _is_within(picks: Picks, costs: Mapping[str, Floats], limits: Mapping[str, float]) -> bool:
    return all(_total(cost, picks) <= _most(limits[name]) for name, cost in costs.items())


def _most(limit: float) -> float:
    """A little more than the limit, as sums of floats are not exact."""
    return limit + _ROUNDING * abs(limit)


def _total(values: Floats, picks: Picks) -> float:
    return float(values[np.arange(len(values)), picks].sum())
