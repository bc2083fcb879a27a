"""Least squares by hand, and its promise: never worse than the weights that were there."""

import numpy as np
import pytest

from workbench.engine.compress.rounding.ridge_fit import OutputProblem, ridge_fit


def _error(weight: np.ndarray, problem: OutputProblem) -> np.ndarray:
    """E[(W x − t)²] less E[t²], for each output."""
    quadratic = np.einsum("gnk,gkl,gnl->gn", weight, problem.inputs, weight)
    return quadratic - 2 * np.einsum("gnk,gkn->gn", weight, problem.wanted)


def test_one_weight_by_hand():
    # H = 2, C = 3, λ = 0.01 · 2: w = (3 + 0.02 · 0.5) / (2 + 0.02).
    problem = OutputProblem(np.array([[[2.0]]]), np.array([[[3.0]]]), num_rows=1000)

    fitted = ridge_fit(np.array([[[0.5]]]), problem)

    assert fitted.item() == pytest.approx(3.01 / 2.02, rel=1e-12)


def test_fewer_rows_than_weights_draw_towards_the_weights_that_are_there():
    # One row for one weight: λ = 1 · H, half way between the best, 1.5, and 0.5.
    problem = OutputProblem(np.array([[[2.0]]]), np.array([[[3.0]]]), num_rows=1)

    assert ridge_fit(np.array([[[0.5]]]), problem).item() == pytest.approx(1.0)


def test_inputs_that_are_always_zero_keep_their_weights():
    problem = OutputProblem(np.zeros((1, 2, 2)), np.zeros((1, 2, 1)), num_rows=100)

    assert ridge_fit(np.array([[[0.5, -2.0]]]), problem).tolist() == [[[0.5, -2.0]]]


@pytest.mark.parametrize("seed", range(5))
def test_no_output_is_further_off_than_before(seed: int):
    random = np.random.default_rng(seed)
    rows, goals = random.normal(size=(2, 12, 6)) @ random.normal(size=(6, 6)), random.normal(size=(2, 12, 4))
    problem = OutputProblem(rows.transpose(0, 2, 1) @ rows / 12, rows.transpose(0, 2, 1) @ goals / 12, num_rows=12)
    weight = random.normal(size=(2, 4, 6))

    fitted = ridge_fit(weight, problem)

    assert (_error(fitted, problem) <= _error(weight, problem)).all()
