"""Learned rounding: the codes that keep a layer's outputs on samples, rather than its weights one by one.

A layer's outputs are linear in its weights, so their squared error over the samples is a quadratic form, and all
that the samples say of it are two matrices: H = E[x x'] and C = E[x t'] of inputs x and wanted outputs t. The codes
are then found one after the other, each to the best value given all others, and scales are refitted in between.

Sources: the objective, Nagel et al. 2020 (AdaRound, arXiv:2004.10568), eq. 8; its solution by coordinate descent,
Behdin et al. 2023 (QuantEase, arXiv:2309.01885), section 3.
"""

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from workbench.engine.compress.rounding.ridge_fit import DAMPING, OutputProblem, ridge_fit

Array = npt.NDArray[np.float64]

_MAX_SWEEPS = 12
# Coordinates whose changes are carried to all the others together, as one matrix product.
_BLOCK = 48
# Ranges narrower and wider than the one that nearest rounding would take: a start decides where the descent ends.
_STARTS = (1.0, 0.8, 1.25)


@dataclass(frozen=True, slots=True, eq=False)
class Grid:
    """The values that weights can take: level · scale, low <= level <= high.

    Args:
        scale: one per scale of the layer, broadcastable to (G, N, K).
        low, high: of the levels, broadcastable to (G, N, K).
        group_size: weights of a row that share a scale; 0 if all weights of the layer do.
    """

    scale: Array
    low: Array
    high: Array
    group_size: int


def learn_levels(
    weight: npt.NDArray[np.float32], kept: npt.NDArray[np.bool_] | None, problem: OutputProblem, grid: Grid
) -> tuple[npt.NDArray[np.int32], Array]:
    """Levels and scales whose outputs come closest to the wanted ones.

    Args:
        weight: float weights, shape (G, N, K): groups, outputs of a group, weights of an output.
        kept: which weights pruning left, same shape; the others stay zero. None for all.
        problem: of the layer.
        grid: where to begin.

    Returns:
        Levels, int32, of the weights' shape, and scales, float64, of `grid.scale`'s shape. Cost: sweeps · G·N·K²
        multiplications.
    """
    hessian, target = _regularized(weight, problem)
    mask = None if kept is None else kept.astype(np.float64)
    best: tuple[Array, Array] | None = None
    least: Array | None = None
    for factor in _STARTS:
        levels, scale = _descend(hessian, target, replace(grid, scale=grid.scale * factor), mask)
        error = _error_by_scale(hessian, levels * scale - target, grid)
        if best is None or least is None:
            best, least = (levels, scale), error
            continue
        better = error < least
        if grid.group_size == 0:
            best = (levels, scale) if bool(better) else best
        else:
            # Outputs do not know one another: each row takes the start that was best for it.
            best = (np.where(better, levels, best[0]), np.where(better, scale, best[1]))
        least = np.minimum(error, least)
    assert best is not None
    return best[0].astype(np.int32), best[1]


def _regularized(weight: npt.NDArray[np.float32], problem: OutputProblem) -> tuple[Array, Array]:
    """H with a ridge that keeps it regular, and the weights that would be best without rounding.

    Those are drawn towards the float weights the more, the fewer rows there are for each of them: what a few samples
    say of many weights is mostly noise.
    """
    size = problem.inputs.shape[-1]
    # Inputs that were never anything but zero must not make the system singular.
    mean = np.maximum(np.einsum("gkk->gk", problem.inputs).mean(axis=1), np.finfo(np.float32).tiny)[:, None, None]
    hessian = problem.inputs + DAMPING * mean * np.eye(size)
    return hessian, ridge_fit(weight, problem)


def _descend(hessian: Array, target: Array, grid: Grid, mask: Array | None) -> tuple[Array, Array]:
    scale = grid.scale.copy()
    levels = np.clip(np.rint(target / scale), grid.low, grid.high) * (1.0 if mask is None else mask)
    for _ in range(_MAX_SWEEPS):
        gradient = (levels * scale - target) @ hessian
        changed = _sweep(hessian, gradient, levels, scale, grid, mask)
        scale = _refitted(hessian, target, levels, scale, grid)
        if not changed:
            break
    return levels, scale


def _sweep(hessian: Array, gradient: Array, levels: Array, scale: Array, grid: Grid, mask: Array | None) -> bool:
    """Move each level to its best value given all others, in place; whether any moved.

    Within a block a level's move is carried to those after it at once, to all others when the block is done.
    """
    curvature = np.einsum("gkk->gk", hessian)
    full = np.broadcast_to(scale, levels.shape)
    low, high = np.broadcast_to(grid.low, levels.shape), np.broadcast_to(grid.high, levels.shape)
    changed = False
    for start in range(0, levels.shape[-1], _BLOCK):
        block = slice(start, start + _BLOCK)
        before = levels[..., block]
        # One weight of every output a row: (B, G, N).
        now, size, local, least, most = (
            np.ascontiguousarray(np.moveaxis(array[..., block], -1, 0)) for array in (levels, full, gradient, low, high)
        )
        per_step = 1 / (np.moveaxis(curvature[:, block], -1, 0)[:, :, None] * size)
        inner = np.ascontiguousarray(np.moveaxis(hessian[:, block, block], 0, -1))[..., None]
        allowed = None if mask is None else np.moveaxis(mask[..., block], -1, 0)
        for place in range(len(now)):
            new = np.rint(now[place] - local[place] * per_step[place])
            np.minimum(np.maximum(new, least[place], out=new), most[place], out=new)
            if allowed is not None:
                new *= allowed[place]
            step = (new - now[place]) * size[place]
            if place + 1 < len(now) and step.any():
                local[place + 1 :] += step * inner[place, place + 1 :]
            now[place] = new
        after = np.moveaxis(now, 0, -1)
        moved = after - before
        if moved.any():
            changed = True
            gradient += (moved * full[..., block]) @ hessian[:, block]
            levels[..., block] = after
    return changed


def _refitted(hessian: Array, target: Array, levels: Array, scale: Array, grid: Grid) -> Array:
    """The scales that are best for these levels: a step along each, to where the error is least."""
    if grid.group_size == 0:
        products = levels @ hessian
        curvature = float(np.sum(products * levels))
        wanted = float(np.sum(products * target)) / curvature if curvature > 0 else 0.0
        return np.full_like(scale, wanted) if wanted > 0 else scale
    num_weights = levels.shape[-1]
    if grid.group_size >= num_weights:
        products = levels @ hessian
        curvature = np.einsum("gnk,gnk->gn", products, levels)[..., None]
        wanted = np.einsum("gnk,gnk->gn", products, target)[..., None]
        return np.where((curvature > 0) & (wanted > 0), wanted / np.maximum(curvature, 1e-300), scale)
    scale = np.broadcast_to(scale, levels.shape).copy()
    gradient = (levels * scale - target) @ hessian
    for start in range(0, num_weights, grid.group_size):
        part = slice(start, min(start + grid.group_size, num_weights))
        products = levels[..., part] @ hessian[:, part]
        curvature = np.einsum("gnk,gnk->gn", products[..., part], levels[..., part])
        slope = np.einsum("gnk,gnk->gn", gradient[..., part], levels[..., part])
        old = scale[..., start]
        new = old - slope / np.maximum(curvature, 1e-300)
        step = np.where((curvature > 0) & (new > 0), new - old, 0.0)
        scale[..., part] += step[..., None]
        gradient += step[..., None] * products
    return scale


def _error_by_scale(hessian: Array, difference: Array, grid: Grid) -> Array:
    """Squared error of the outputs: of each row, shape (G, N, 1); of the whole layer if that has one scale."""
    by_row: Array = np.einsum("gnk,gnk->gn", difference @ hessian, difference)[..., None]
    return by_row if grid.group_size else np.asarray(by_row.sum())
