"""The problem with one limit: relaxed, where the limit has a price, and exactly, by its core.

Source: Kellerer, Pferschy & Pisinger 2004, "Knapsack Problems", sections 11.2 (relaxation), 11.3 (reduction) and
11.5 (dynamic programming over the core).
"""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from workbench.engine.search.solving.picks import ROUNDING, Floats, Picks, most

# Many more states than 200 choices of 12 options ever had; beyond, HiGHS is asked.
_MOST_STATES = 100_000
_BISECTIONS = 100
# Of what the known solution is above the bound.
_PARTS = tuple(2.0**-power for power in range(8, -1, -1))


@dataclass(frozen=True, slots=True, eq=False)
class Relaxed:
    """The problem in which the limit has a price instead.

    Args:
        multiplier: the price of a unit of cost.
        bound: no solution within the limit has less loss.
        picks: a solution within the limit.
    """

    multiplier: float
    bound: float
    picks: Picks


def relaxed_problem(loss: Floats, cost: Floats, limit: float) -> Relaxed:
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
    return Relaxed(high, bound, _improved(picks, loss, cost, limit))


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


def solve_core(loss: Floats, cost: Floats, limit: float, relaxed: Relaxed) -> Picks | None:
    """The best solution with one limit; None where there are too many states.

    With the relaxed problem's price, any solution's loss is the bound, and what each option is dearer than the best
    one of its choice, and the price of what is left of the limit. So options and states that are dearer than a known
    solution allows can go. The true excess over the bound is mostly much less than the known solution's, and states
    grow fast with what is allowed: less is allowed at first, and more where nothing is found.
    """
    rows = np.arange(len(loss))
    known = float(loss[rows, relaxed.picks].sum())
    gap = known - relaxed.bound + ROUNDING * max(abs(relaxed.bound), abs(known))
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
        left, added = np.array([most(self._limit) - self._spent]), np.zeros(1)
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
