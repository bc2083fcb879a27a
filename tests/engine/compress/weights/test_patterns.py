"""Weights go in patterns: N of every M along the input channels stay, or whole blocks go by their norm."""

import numpy as np
import pytest

from workbench.engine.compress.weights.patterns import pattern_mask
from workbench.engine.core.layer import Layer
from workbench.engine.core.weight_pattern import Blocks, KeptOfEvery, WeightPattern, num_zeros, pattern_remainder

_2_OF_4 = KeptOfEvery(2, 4)


def _layer(shape: tuple[int, ...], op_type: str = "Conv", axis: int = 0) -> Layer:
    return Layer("a", op_type, "w", "y", shape, int(np.prod(shape)), None, axis=axis, prunable=True)


def _kept(weight: np.ndarray, pattern: WeightPattern, op_type: str = "Gemm", axis: int = 0) -> np.ndarray:
    return pattern_mask(weight.astype(np.float32), _layer(weight.shape, op_type, axis), pattern)


def test_two_largest_of_every_four_inputs_stay():
    weight = np.array([[0.1, -0.9, 0.5, 0.2, 3.0, 1.0, -2.0, 0.5], [4.0, 3.0, 2.0, 1.0, 0.0, 0.0, 0.1, -0.1]])

    kept = _kept(weight, _2_OF_4)

    assert kept.astype(int).tolist() == [[0, 1, 1, 0, 1, 0, 1, 0], [1, 1, 0, 0, 0, 0, 1, 1]]


def test_of_equal_weights_the_first_stay():
    assert _kept(np.ones((1, 4)), _2_OF_4).tolist() == [[True, True, False, False]]


def test_each_place_of_a_kernel_is_a_run_of_its_own():
    # Two places in the kernel; at the first the inputs rise, at the second they fall.
    weight = np.stack([np.array([1, 2, 3, 4]), np.array([4, 3, 2, 1])], axis=1).reshape(1, 4, 1, 2)

    kept = _kept(weight, _2_OF_4, "Conv")

    assert kept[0, :, 0, 0].tolist() == [False, False, True, True]
    assert kept[0, :, 0, 1].tolist() == [True, True, False, False]


def test_the_inputs_of_a_matmul_are_its_rows():
    weight = np.array([[1, 8], [2, 7], [3, 6], [4, 5]])

    kept = _kept(weight, _2_OF_4, "MatMul", axis=1)

    assert kept.T.tolist() == [[False, False, True, True], [True, True, False, False]]


def test_the_inputs_of_a_transposed_convolution_come_first():
    weight = np.array([[1, 8], [2, 7], [3, 6], [4, 5]]).reshape(4, 2, 1, 1)

    kept = _kept(weight, _2_OF_4, "ConvTranspose", axis=1)

    assert kept[:, :, 0, 0].T.tolist() == [[False, False, True, True], [True, True, False, False]]


def test_inputs_that_fill_no_run_stay_and_it_is_said():
    kept = _kept(np.array([[1, 2, 3, 4, 0, 0]]), _2_OF_4)

    assert kept.tolist() == [[False, False, True, True, True, True]]
    assert pattern_remainder(_2_OF_4, _layer((1, 6))) == "the last 2 of 6 input channels stay: they do not fill 2:4"


def test_a_depthwise_convolution_has_no_run_of_inputs():
    assert _kept(np.ones((8, 1, 3, 3)), _2_OF_4, "Conv").all()
    assert _kept(np.ones((8, 1, 3, 3)), _2_OF_4, "ConvTranspose", axis=1).all()


def test_the_weakest_blocks_go_whole():
    # Blocks of two outputs and one input; their squared norms are 1+4=5, 9+0=9, 0+16=16 above, 2, 8, 50 below.
    weight = np.array([[1, 3, 0], [2, 0, 4], [1, 2, 5], [-1, -2, 5]])

    kept = _kept(weight, Blocks(2, 1, sparsity=0.5))

    assert kept.astype(int).tolist() == [[0, 1, 1], [0, 1, 1], [0, 0, 1], [0, 0, 1]]


def test_blocks_lie_at_one_place_of_the_kernel():
    weight = np.ones((2, 2, 1, 2))
    weight[:, :, 0, 1] = 0.5

    kept = _kept(weight, Blocks(2, 2, sparsity=0.5), "Conv")

    assert kept[..., 0].all()
    assert not kept[..., 1].any()


def test_of_equal_blocks_the_first_stay():
    assert _kept(np.ones((1, 4)), Blocks(1, 2, 0.5)).tolist() == [[True, True, False, False]]


@pytest.mark.parametrize(
    ("pattern", "shape", "zeros"),
    [
        (_2_OF_4, (8, 8, 3, 3), 288),
        (KeptOfEvery(1, 3), (2, 8), 2 * 2 * 2),
        (KeptOfEvery(4, 4), (2, 8), 0),
        (_2_OF_4, (8, 3, 3, 3), 0),
        # A quarter of 72 weights is 18, or 4.5 blocks of four, which is rounded to the even 4.
        (Blocks(4, 1, 0.25), (8, 9), 16),
        (Blocks(4, 4, 1.0), (5, 9), 32),
        (Blocks(4, 4, 0.5), (3, 16), 0),
    ],
    ids=["half", "two thirds of what is whole", "all stay", "too few inputs", "quarter", "whole blocks", "too flat"],
)
def test_the_number_of_zeros_is_known_from_the_shape(pattern: WeightPattern, shape: tuple[int, ...], zeros: int):
    weight = np.random.default_rng(3).normal(size=shape)

    assert num_zeros(pattern, _layer(shape)) == zeros
    assert int((~_kept(weight, pattern)).sum()) == zeros
