"""A target spread by what removing units of each group was measured to cost."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from workbench.engine.compress.structure.spreading.by_score import spread_by_score
from workbench.engine.compress.structure.spreading.target import Floats, GroupSize, Spread


@dataclass(frozen=True, slots=True, eq=False)
class CostCurve:
    """What the loss of some of a group's units costs while all other groups are whole.

    Args:
        ratios: shares of the units removed, rising, 0…1, shape (P,), P ≥ 1; nothing removed costs nothing.
        costs: at each of them, in any unit that all curves share, shape (P,).
    """

    ratios: Floats
    costs: Floats

    def unit_costs(self, num_units: int) -> Floats:
        """What each further unit costs, shape (num_units,), the last to go first.

        Read between the points in straight lines, of the greatest convex curve below them: a step up that is
        followed by a flat stretch is crossed as a whole or not at all.
        """
        gone = np.arange(num_units + 1)
        costs = np.interp(gone / num_units, [0.0, *self.ratios], [0.0, *np.maximum(self.costs, 0)])
        hull = [0]
        for end in gone[1:].tolist():
            while len(hull) > 1 and _slope(costs, hull[-2], hull[-1]) >= _slope(costs, hull[-2], end):
                hull.pop()
            hull.append(end)
        return np.asarray(np.diff(np.interp(gone, hull, costs[hull]))[::-1], np.float64)


def spread_by_cost(sizes: Sequence[GroupSize], curves: Sequence[CostCurve], ratio: float) -> Spread:
    """Remove units where the next channel costs least, which is the least sum of the curves for the ratio.

    Args:
        sizes: of the groups.
        curves: one for each of them.
        ratio: share of all channels to remove, 0…1.

    Source: Fox 1966, "Discrete optimization via marginal analysis": best for costs that are convex and add up.
    """
    scores = [
        curve.unit_costs(size.num_units) / size.channels_per_unit for curve, size in zip(curves, sizes, strict=True)
    ]
    return spread_by_score(sizes, scores, ratio)


def _slope(costs: Floats, start: int, end: int) -> float:
    return float(costs[end] - costs[start]) / (end - start)
