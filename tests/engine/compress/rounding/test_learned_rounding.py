import itertools

import numpy as np
import pytest

from workbench.engine.compress.rounding.learned_rounding import Grid, learn_levels
from workbench.engine.compress.rounding.ridge_fit import OutputProblem

_LOW, _HIGH = -2, 1


def _problem(groups: int, outputs: int, length: int, rows: int = 500) -> tuple[np.ndarray, OutputProblem, np.ndarray]:
    """Weights, inputs that are strongly correlated, and the outputs that the float weights give."""
    random = np.random.default_rng(length)
    weight = random.normal(size=(groups, outputs, length)).astype(np.float32)
    x = random.normal(size=(groups, rows, length)) + 2 * random.normal(size=(groups, rows, 1))
    hessian = np.einsum("gpk,gpl->gkl", x, x) / rows
    wanted = np.einsum("gkl,gnl->gkn", hessian, weight)
    return weight, OutputProblem(hessian, wanted, rows), hessian


def _error(weight: np.ndarray, changed: np.ndarray, hessian: np.ndarray) -> np.ndarray:
    difference = changed - weight
    return np.einsum("gnk,gkl,gnl->gn", difference, hessian, difference)


def _grid(weight: np.ndarray) -> Grid:
    scale = np.abs(weight).max(axis=2, keepdims=True).astype(np.float64) / 2
    return Grid(scale, np.float64(_LOW), np.float64(_HIGH), weight.shape[2])


def _nearest(weight: np.ndarray, grid: Grid) -> np.ndarray:
    return np.clip(np.rint(weight / grid.scale), grid.low, grid.high) * grid.scale


def test_learned_levels_come_close_to_the_best_of_all():
    weight, problem, hessian = _problem(1, 6, 4)

    levels, scale = learn_levels(weight, None, problem, _grid(weight))

    found = _error(weight, levels * scale, hessian)[0]
    best = [_least_error(row, hessian[0]) for row in weight[0].astype(np.float64)]
    assert all(error >= least - 1e-9 for error, least in zip(found, best, strict=True))
    # One level at a time may end where only moving two at once would gain more: most rows are the best of all.
    assert sum(error <= 1.01 * least for error, least in zip(found, best, strict=True)) >= 4
    assert found.sum() <= 1.3 * sum(best)


def _least_error(row: np.ndarray, hessian: np.ndarray) -> float:
    """Over all levels, each with the scale that is best for them."""
    errors = []
    for code in itertools.product(range(_LOW, _HIGH + 1), repeat=len(row)):
        levels = np.array(code, np.float64)
        curvature = levels @ hessian @ levels
        scale = max(levels @ hessian @ row / curvature, 0.0) if curvature > 0 else 0.0
        errors.append((levels * scale - row) @ hessian @ (levels * scale - row))
    return float(min(errors))


@pytest.mark.parametrize(("groups", "outputs", "length"), [(1, 8, 60), (5, 1, 9)], ids=["dense", "depthwise"])
def test_learned_levels_lose_much_less_of_the_outputs_than_nearest_ones(groups: int, outputs: int, length: int):
    weight, problem, hessian = _problem(groups, outputs, length)
    grid = _grid(weight)

    levels, scale = learn_levels(weight, None, problem, grid)

    assert levels.min() >= _LOW
    assert levels.max() <= _HIGH
    learned = _error(weight, levels * scale, hessian).sum()
    assert learned < 0.5 * _error(weight, _nearest(weight, grid), hessian).sum()


def test_pruned_weights_stay_zero():
    weight, problem, _ = _problem(1, 8, 20)
    kept = np.random.default_rng(0).random(weight.shape) > 0.5

    levels, _ = learn_levels(weight, kept, problem, _grid(weight))

    assert not levels[~kept].any()


def test_one_scale_for_the_layer_stays_one():
    weight, problem, hessian = _problem(1, 8, 20)
    start = np.full((1, 1, 1), np.abs(weight).max() / 2, np.float64)
    grid = Grid(start, np.float64(_LOW), np.float64(_HIGH), 0)

    levels, scale = learn_levels(weight, None, problem, grid)

    assert scale.shape == (1, 1, 1)
    nearest = np.clip(np.rint(weight / start), _LOW, _HIGH) * start
    assert _error(weight, levels * scale, hessian).sum() < _error(weight, nearest, hessian).sum()


def test_scales_of_groups_are_refitted_each_on_its_own():
    weight, problem, hessian = _problem(1, 4, 12)
    weight[:, :, :4] *= 10
    problem = OutputProblem(problem.inputs, np.einsum("gkl,gnl->gkn", hessian, weight), problem.num_rows)
    by_group = np.abs(weight.reshape(1, 4, 3, 4)).max(axis=3).astype(np.float64) / 2
    grid = Grid(np.repeat(by_group, 4, axis=2), np.float64(_LOW), np.float64(_HIGH), 4)

    levels, scale = learn_levels(weight, None, problem, grid)

    assert np.all(scale.reshape(1, 4, 3, 4) == scale.reshape(1, 4, 3, 4)[..., :1])
    nearest = np.clip(np.rint(weight / grid.scale), _LOW, _HIGH) * grid.scale
    assert _error(weight, levels * scale, hessian).sum() < _error(weight, nearest, hessian).sum()


def test_inputs_that_are_always_zero_keep_their_float_weights_rounded():
    weight, problem, _ = _problem(1, 3, 6)
    dead = OutputProblem(np.zeros_like(problem.inputs), np.zeros_like(problem.wanted), problem.num_rows)

    levels, scale = learn_levels(weight, None, dead, _grid(weight))

    assert np.isfinite(levels * scale).all()
