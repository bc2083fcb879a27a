"""Which units of a group go: the least important ones that leave every block with equally many."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from workbench.engine.core.channel_importance import highest

Mask = npt.NDArray[np.bool_]


def select_kept(
    units: npt.NDArray[np.int64],
    scores: npt.NDArray[np.float64],
    num_kept: int,
    partitions: Sequence[npt.NDArray[np.int64]] = (),
    needed: Sequence[npt.NDArray[np.int64]] = (),
) -> Mask:
    """The units that stay, those of the highest scores as far as blocks allow.

    Args:
        units: of one group, shape (U,), each once.
        scores: importance of each, shape (U,); of equal ones the earlier stays.
        num_kept: how many to keep; with blocks, the nearest number that fits them.
        partitions: arrays (blocks, channels of one block) of units; all blocks of one keep equally many.
            Entries that are none of `units` always stay.
        needed: sets of units of which one at least has to stay, so that no tensor vanishes.

    Returns:
        Shape (U,), which of them stay.
    """
    if not partitions:
        kept = highest(scores, num_kept)
    elif len(partitions) == 1 and is_simple(partitions[0], units):
        kept = _highest_of_each(units, scores, num_kept, partitions[0])
        if all((kept & inside).any() for inside in _insides(units, needed)):
            return kept
        return _by_solver(units, scores, int(kept.sum()), partitions, needed)
    else:
        return _by_solver(units, scores, num_kept, partitions, needed)
    return _with_needed(units, scores, kept, needed)


def required(
    units: npt.NDArray[np.int64], scores: npt.NDArray[np.float64], needed: Sequence[npt.NDArray[np.int64]]
) -> Mask:
    """The best unit of every set, but of none that holds one of an earlier set: with these, nothing vanishes.

    They follow from the scores alone, whatever number is to stay.
    """
    return _with_needed(units, scores, np.zeros(len(units), np.bool_), needed)


def _insides(units: npt.NDArray[np.int64], needed: Sequence[npt.NDArray[np.int64]]) -> list[Mask]:
    """Which units are in each set, for the sets that hold any."""
    return [inside for one in needed if (inside := np.isin(units, one)).any()]


def is_simple(blocks: npt.NDArray[np.int64], units: npt.NDArray[np.int64]) -> bool:
    """Whether every unit lies in one block, once."""
    return blocks.size == len(units) and len(np.unique(blocks)) == len(units) and bool(np.isin(blocks, units).all())


def _highest_of_each(
    units: npt.NDArray[np.int64], scores: npt.NDArray[np.float64], num_kept: int, blocks: npt.NDArray[np.int64]
) -> Mask:
    place = {unit: index for index, unit in enumerate(units.tolist())}
    each = max(1, round(num_kept / len(blocks)))
    kept = np.zeros(len(units), np.bool_)
    for block in blocks.tolist():
        indices = np.array([place[unit] for unit in block])
        kept[indices[highest(scores[indices], each)]] = True
    return kept


def _by_solver(
    units: npt.NDArray[np.int64],
    scores: npt.NDArray[np.float64],
    num_kept: int,
    partitions: Sequence[npt.NDArray[np.int64]],
    needed: Sequence[npt.NDArray[np.int64]],
) -> Mask:
    """Integer programming: the greatest sum of scores of at most `num_kept` units.

    Variables: one a unit, whether it stays, and one a partition, how many each of its blocks keeps. Where so few
    units cannot be shared out evenly, the least number that can is taken.
    """
    from scipy.optimize import Bounds, LinearConstraint, milp  # 0.3 s, and few models have such blocks

    num_units, num_sets = len(units), len(partitions)
    rows, always = _block_rows(units, partitions)
    least = _need_rows(units, needed, num_sets)
    total = np.concatenate([np.ones(num_units), np.zeros(num_sets)])
    scale = float(np.abs(scores).max()) or 1.0
    # Every unit is worth something; of equal scores the earlier stays, whatever the solver prefers.
    worth = (scores - min(0.0, float(scores.min()))) / scale + 1e-3 - np.linspace(0, 1e-6, num_units)
    bounds = Bounds(np.concatenate([np.zeros(num_units), np.ones(num_sets)]), np.concatenate([np.ones(num_units), [
        blocks.shape[1] for blocks in partitions
    ]]))  # fmt: skip

    def solve(worths: npt.NDArray[np.float64], most: float) -> npt.NDArray[np.float64] | None:
        constraints = [LinearConstraint(rows, -always, -always), LinearConstraint(total, 0, most)]
        if len(least):
            constraints.append(LinearConstraint(least, 1, np.inf))
        found = milp(
            -np.concatenate([worths, np.zeros(num_sets)]),
            constraints=constraints,
            bounds=bounds,
            integrality=np.ones(num_units + num_sets),
            # The solver would stop at a ten-thousandth below the best.
            options={"mip_rel_gap": 0.0},
        ).x
        return None if found is None else np.asarray(found[:num_units])

    found = solve(worth, num_kept)
    if found is None and (fewest := solve(-np.ones(num_units), num_units)) is not None:
        found = solve(worth, round(float(fewest.sum())))
    return np.ones(num_units, np.bool_) if found is None else np.asarray(found > 0.5, np.bool_)


def _block_rows(
    units: npt.NDArray[np.int64], partitions: Sequence[npt.NDArray[np.int64]]
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """For each block a row: channels of its units, less the partition's count; and how many channels always stay."""
    place = {unit: index for index, unit in enumerate(units.tolist())}
    rows, always = [], []
    for number, blocks in enumerate(partitions):
        for block in blocks.tolist():
            row = np.zeros(len(units) + len(partitions))
            row[len(units) + number] = -1
            for unit in block:
                if unit in place:
                    row[place[unit]] += 1
            rows.append(row)
            always.append(sum(unit not in place for unit in block))
    return np.array(rows), np.array(always, np.float64)


def _need_rows(
    units: npt.NDArray[np.int64], needed: Sequence[npt.NDArray[np.int64]], num_more: int
) -> npt.NDArray[np.float64]:
    return np.array([np.concatenate([row, np.zeros(num_more)]) for row in _insides(units, needed)], np.float64)


def _with_needed(
    units: npt.NDArray[np.int64],
    scores: npt.NDArray[np.float64],
    kept: Mask,
    needed: Sequence[npt.NDArray[np.int64]],
) -> Mask:
    """With the best of every set that would vanish."""
    kept = kept.copy()
    for inside in _insides(units, needed):
        if not (kept & inside).any():
            kept[np.argmax(np.where(inside, scores, -np.inf))] = True
    return kept
