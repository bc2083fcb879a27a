import numpy as np
import pytest

from workbench.engine.compress.rounding.bias_correction import corrected_bias


def test_an_error_times_the_mean_input_is_taken_off_the_bias():
    # The output's mean moves by 0.5 · 2 − 0.25 · 4 = 0 and by 1 · 4 = 4.
    error = np.float32([[0.5, -0.25], [0.0, 1.0]])

    found = corrected_bias(np.float32([1, 1]), error, np.float32([2, 4]), axis=0)

    assert found.tolist() == [1, -3]


def test_the_columns_of_a_matrix_are_its_outputs():
    error = np.float32([[0.5, 0.0], [-0.25, 1.0]])

    assert corrected_bias(None, error, np.float32([2, 4]), axis=1).tolist() == [0, -4]


@pytest.mark.parametrize("groups", [1, 2, 4])
def test_convolutions_in_groups_keep_the_mean_of_the_outputs(groups: int):
    random = np.random.default_rng(groups)
    error = random.normal(size=(8, 4 // groups, 3, 3)).astype(np.float32)
    mean = random.normal(size=4).astype(np.float32)
    # A constant input of this mean: each output moves by the sum of its errors times the inputs of its group.
    moved = [
        sum(error[o, i].sum() * mean[(o // (8 // groups)) * (4 // groups) + i] for i in range(4 // groups))
        for o in range(8)
    ]

    found = corrected_bias(np.zeros(8, np.float32), error, mean, axis=0)

    np.testing.assert_allclose(found, -np.array(moved), rtol=1e-4, atol=1e-5)
