"""The problem with several limits that bind at once: near the relaxed solution, and known to be near the best.

The relaxed problem allows parts of options. Its solution takes whole ones but for as many choices as there are limits;
those are rounded, then options are exchanged one, two or three at a time while that takes something off. What that
gives is hardly ever more than a hundredth above the bound. Where it is above it by more than is allowed, HiGHS, SciPy's
solver for integer programs, goes on with the options that a better solution could hold.

Source: Kellerer, Pferschy & Pisinger 2004, "Knapsack Problems", sections 9.2 (relaxations of several limits) and 11.3
(reduction).
"""

import itertools
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from workbench.engine.search.solving.one_limit import relaxed_problem
from workbench.engine.search.solving.picks import ROUNDING, Floats, Picks, most, total

# How far above the optimum a solution may be, as a share: predicted losses are not known better by far.
GAP = 5e-3
# Where there are so few choices that it takes no time, and a choice may be a large part of all, as a share.
_FEW_CHOICES, _PROVEN = 60, 1e-4
# Of the bound, at which exchanges stop, and where HiGHS does: a little closer than is allowed.
_CLOSE, _CLOSER = 1e-3, 0.8 * GAP
# Roundings that are tried at most, and options that are exchanged two or three at a time: the cheapest ones.
_ROUNDINGS, _PAIRS, _TRIPLES, _EXCHANGES = 20_000, 160, 70, 300
_LEAST_GAIN = 1e-12
# HiGHS takes a row as kept that is off by a millionth; where that is beyond the limit, it is asked for a little less.
_TIGHTER = (0.0, 2e-6, 1e-4)


def solve_several(loss: Floats, costs: list[Floats], limits: list[float], *, floor: float = 0.0) -> Picks | None:
    """The solution with about the least loss; None where the limits are out of reach.

    Args:
        loss: what is minimized, shape (N, O); infinite where there is no such option.
        costs: of each limited total, shape (N, O).
        limits: the most that each may be.
        floor: a loss that no solution is below, as far as one is known: numbers are scaled by it.
    """
    problem = _Problem.of(loss, costs, limits, floor)
    relaxed = problem.relaxed()
    if relaxed is None:
        return None
    picks = problem.rounded(relaxed)
    if picks is None:
        return problem.by_highs(loss, _PROVEN)
    allowed = _PROVEN if len(loss) <= _FEW_CHOICES else GAP
    close = min(_CLOSE, allowed)
    enough, bearable = (relaxed.bound + share * abs(relaxed.bound) for share in (close, allowed))
    picks = problem.exchanged(picks, relaxed.dearer, enough, bearable)
    above = total(loss, picks) - relaxed.bound
    if above <= allowed * abs(relaxed.bound):
        return picks
    # A better solution holds no option that alone is dearer than this one is above the bound.
    core = np.where(relaxed.dearer <= above + ROUNDING * abs(relaxed.bound), loss, np.inf)
    found = problem.by_highs(core, min(allowed, _CLOSER))
    return picks if found is None or total(loss, found) >= total(loss, picks) else found


def solve_by_highs(loss: Floats, costs: list[Floats], limits: list[float]) -> Picks | None:
    """The same by HiGHS alone, proven to a ten-thousandth of the optimum; arguments as of `solve_several`."""
    bounds = [relaxed_problem(loss, cost, limit).bound for cost, limit in zip(costs, limits, strict=True)]
    floor = max(bounds, key=abs)
    return _Problem.of(loss, costs, limits, floor).by_highs(loss, _PROVEN)


@dataclass(frozen=True, slots=True, eq=False)
class _Relaxed:
    """The problem in which parts of options can be taken.

    Args:
        bound: no solution has less loss.
        shares: of each option, shape (N, O).
        dearer: what each option adds to the bound at least, shape (N, O): loss and priced costs.
    """

    bound: float
    shares: Floats
    dearer: Floats


@dataclass(frozen=True, slots=True, eq=False)
class _Problem:
    """What is minimized within what.

    Args:
        loss: shape (N, O).
        costs: shape (K, N, O).
        limits: shape (K,).
        scale: about what the best loss will be.
    """

    loss: Floats
    costs: Floats
    limits: Floats
    scale: float

    @classmethod
    def of(cls, loss: Floats, costs: list[Floats], limits: list[float], floor: float) -> "_Problem":
        stacked = np.stack(costs) if costs else np.zeros((0, *loss.shape))
        # Where an option is dear beyond measure, infinity times nothing would be no number.
        stacked = np.where(np.isfinite(loss), stacked, 0.0)
        scale = max(abs(float(loss.min(axis=1).sum())), abs(floor), 1e-12)
        return cls(loss, stacked, np.array(limits), scale)

    def relaxed(self) -> _Relaxed | None:
        """The relaxed problem's solution; None where even that is out of reach."""
        from scipy.optimize import linprog

        choices, options = np.nonzero(np.isfinite(self.loss))
        rows, most_of_rows = self._rows(choices, options, 0.0)
        found = linprog(
            self.loss[choices, options] / self.scale,
            A_ub=rows,
            b_ub=most_of_rows,
            A_eq=self._one_each(choices),
            b_eq=np.ones(len(self.loss)),
            bounds=(0, 1),
            method="highs-ds",
        )
        if found.x is None:
            return None
        prices = np.maximum(0.0, -found.ineqlin.marginals) * self.scale / self._scales(choices, options)
        priced = self.loss + np.tensordot(prices, self.costs, axes=1)
        least = priced.min(axis=1)
        shares = np.zeros(self.loss.shape)
        shares[choices, options] = found.x
        return _Relaxed(float(least.sum() - prices @ self.limits), shares, priced - least[:, None])

    def rounded(self, relaxed: _Relaxed) -> Picks | None:
        """The best whole solution that differs only where parts were taken; None where none is within the limits."""
        picks = np.asarray(relaxed.shares.argmax(axis=1), np.int64)
        parts = np.flatnonzero(relaxed.shares.max(axis=1) < 1 - 1e-6)
        if not len(parts):
            return picks if self._keeps(picks) else None
        each = max(2, int(_ROUNDINGS ** (1 / len(parts))))
        tried = [np.argsort(relaxed.dearer[row], kind="stable")[:each].tolist() for row in parts]
        if np.prod([len(one) for one in tried], dtype=np.float64) > _ROUNDINGS:
            return None
        ways = np.array(list(itertools.product(*tried)), np.int64)
        rows = np.arange(len(picks))
        others = self.costs[:, rows, picks].sum(axis=1) - self.costs[:, parts, picks[parts]].sum(axis=1)
        spent = others[:, None] + self.costs[:, parts[None], ways].sum(axis=2)
        lost = np.where((spent <= self._most[:, None]).all(axis=0), self.loss[parts[None], ways].sum(axis=1), np.inf)
        best = int(lost.argmin())
        if np.isinf(lost[best]):
            return None
        picks[parts] = ways[best]
        return picks

    def exchanged(self, picks: Picks, dearer: Floats, enough: float, bearable: float) -> Picks:
        """Exchange options while that takes something off the loss, until it is enough.

        Args:
            picks: a solution within the limits.
            dearer: what each option adds to the bound at least; those that add least are exchanged.
            enough: the loss at which nothing more is gained.
            bearable: the loss at which three at a time are not worth their time.
        """
        picks, rows = picks.copy(), np.arange(len(picks))
        for _ in range(_EXCHANGES):
            lost = total(self.loss, picks)
            if lost <= enough:
                break
            change = dearer - dearer[rows, picks][:, None]
            change[rows, picks] = np.inf
            order = np.argsort(change, axis=None, kind="stable")[:_PAIRS]
            moves = _Moves.of(self, picks, order[np.isfinite(change.flat[order])])
            taken = moves.best_pair(-_LEAST_GAIN * abs(lost))
            if not taken and lost > bearable:
                taken = moves.best_triple(-_LEAST_GAIN * abs(lost))
            if not taken:
                break
            picks[moves.rows[taken]] = moves.options[taken]
        return picks

    def by_highs(self, loss: Floats, gap: float) -> Picks | None:
        """The best solution of the options with a finite loss, proven to a share of it; None where there is none."""
        from scipy.optimize import Bounds, LinearConstraint, milp

        choices, options = np.nonzero(np.isfinite(loss))
        for less in _TIGHTER:
            constraints = [LinearConstraint(self._one_each(choices), 1, 1)]
            if len(self.costs):
                rows, most_of_rows = self._rows(choices, options, less)
                constraints.append(LinearConstraint(rows, -np.inf, most_of_rows))
            found = milp(
                loss[choices, options] / self.scale,
                constraints=constraints,
                integrality=np.ones(len(choices)),
                bounds=Bounds(0, 1),
                options={"mip_rel_gap": gap},
            )
            if found.x is None:
                return None
            chosen = np.flatnonzero(found.x > 0.5)
            picks = np.zeros(len(loss), np.int64)
            picks[choices[chosen]] = options[chosen]
            if self._keeps(picks):
                return picks
        return None

    @property
    def _most(self) -> Floats:
        return np.array([most(limit) for limit in self.limits.tolist()])

    def _keeps(self, picks: Picks) -> bool:
        spent = self.costs[:, np.arange(len(picks)), picks].sum(axis=1)
        return bool((spent <= self._most).all())

    def _one_each(self, choices: Picks) -> object:
        from scipy.sparse import csr_array

        count = len(choices)
        return csr_array((np.ones(count), (choices, np.arange(count))), shape=(len(self.loss), count))

    def _rows(self, choices: Picks, options: Picks, less: float) -> tuple[object, Floats]:
        """The limited totals, near 1, as tolerances of the solver are absolute; and the most that each may be."""
        from scipy.sparse import csr_array

        scales = self._scales(choices, options)
        return csr_array(self.costs[:, choices, options] / scales[:, None]), self._most / scales - less

    def _scales(self, choices: Picks, options: Picks) -> Floats:
        """What totals are divided by; a limit of nothing says nothing of how large its total is."""
        largest = np.abs(self.costs[:, choices, options]).max(axis=1, initial=0.0)
        scales = np.where(self.limits != 0, np.abs(self.limits), largest)
        return np.where(scales > 0, scales, 1.0)


@dataclass(frozen=True, slots=True, eq=False)
class _Moves:
    """Options that could be taken in place of those of a solution.

    Args:
        rows, options: of each, the cheapest first, shape (M,).
        loss: what each adds, shape (M,).
        costs: what each adds to the limited totals, shape (K, M).
        slack: what is left of the limits, shape (K,).
    """

    rows: Picks
    options: Picks
    loss: Floats
    costs: Floats
    slack: Floats

    @classmethod
    def of(cls, problem: _Problem, picks: Picks, places: npt.NDArray[np.intp]) -> "_Moves":
        rows, options = np.divmod(places, problem.loss.shape[1])
        loss = problem.loss[rows, options] - problem.loss[rows, picks[rows]]
        costs = problem.costs[:, rows, options] - problem.costs[:, rows, picks[rows]]
        spent = problem.costs[:, np.arange(len(picks)), picks].sum(axis=1)
        return cls(rows, options, loss, costs, problem._most - spent)

    def best_pair(self, least: float) -> list[int]:
        """One or two moves that together take the most off the loss; none where that is no more than `least`."""
        if not len(self.rows):
            return []
        gained = self.loss[:, None] + self.loss[None]
        is_bad = self.rows[:, None] == self.rows[None]
        for cost, slack in zip(self.costs, self.slack, strict=True):
            is_bad |= cost[:, None] + cost[None] > slack
        gained[is_bad] = 0.0
        is_within = (self.costs <= self.slack[:, None]).all(axis=0)
        gained[np.diag_indices(len(self.rows))] = np.where(is_within, self.loss, 0.0)
        place = int(gained.argmin())
        return sorted(set(divmod(place, len(self.rows)))) if gained.flat[place] < least else []

    def best_triple(self, least: float) -> list[int]:
        """The same of three moves, among the cheapest ones."""
        rows, loss, costs = self.rows[:_TRIPLES], self.loss[:_TRIPLES], self.costs[:, :_TRIPLES]
        first, second = np.triu_indices(len(rows), 1)
        is_apart = rows[first] != rows[second]
        first, second = first[is_apart], second[is_apart]
        both, spent = loss[first] + loss[second], costs[:, first] + costs[:, second]
        best, taken = least, list[int]()
        for third in range(len(rows)):
            left = self.slack - costs[:, third]
            is_fit = (both < best - loss[third]) & (spent <= left[:, None]).all(axis=0)
            fit = np.flatnonzero(is_fit & (rows[first] != rows[third]) & (rows[second] != rows[third]))
            if len(fit):
                place = fit[both[fit].argmin()]
                best, taken = both[place] + loss[third], [int(first[place]), int(second[place]), third]
        return taken
