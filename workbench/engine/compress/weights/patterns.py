"""Pruning of single weights in a pattern that kernels can use: N of every M stay, or whole blocks go."""

import numpy as np
import numpy.typing as npt

from workbench.engine.core.layer import Layer
from workbench.engine.core.weight_pattern import Blocks, KeptOfEvery, WeightPattern, input_axis, num_blocks, num_zeros

Mask = npt.NDArray[np.bool_]


def pattern_mask(weight: npt.NDArray[np.float32], layer: Layer, pattern: WeightPattern) -> Mask:
    """Which weights stay. Same shape as the weight.

    Of equal magnitudes, or equal norms, the later goes first, so that the number of zeros is always that of
    `num_zeros`.

    Args:
        weight: finite values, in the layer's `weight_shape`.
        layer: says which axes are the channels.
        pattern: see there.
    """
    columns = input_axis(layer)
    if columns is None or num_zeros(pattern, layer) == 0:
        return np.ones(weight.shape, np.bool_)
    if isinstance(pattern, KeptOfEvery):
        return np.ascontiguousarray(np.moveaxis(_largest(np.moveaxis(weight, columns, -1), pattern), -1, columns))
    assert layer.axis is not None
    axes = (layer.axis, columns)
    kept = _strongest(np.moveaxis(weight, axes, (0, 1)), pattern, num_blocks(pattern, layer))
    return np.ascontiguousarray(np.moveaxis(kept, (0, 1), axes))


def _largest(weight: npt.NDArray[np.float32], pattern: KeptOfEvery) -> Mask:
    """Along the last axis."""
    whole = weight.shape[-1] // pattern.size * pattern.size
    runs = np.abs(weight[..., :whole]).reshape(*weight.shape[:-1], -1, pattern.size)
    going = np.argsort(-runs, axis=-1, kind="stable")[..., pattern.kept :]
    kept_runs = np.ones(runs.shape, np.bool_)
    np.put_along_axis(kept_runs, going, False, axis=-1)
    kept = np.ones(weight.shape, np.bool_)
    kept[..., :whole] = kept_runs.reshape(*weight.shape[:-1], whole)
    return kept


def _strongest(weight: npt.NDArray[np.float32], pattern: Blocks, count: int) -> Mask:
    """Blocks along the first two axes, without the `count` weakest."""
    rows, columns = (weight.shape[0] // pattern.rows, weight.shape[1] // pattern.columns)
    height, width = rows * pattern.rows, columns * pattern.columns
    blocks = weight[:height, :width].reshape(rows, pattern.rows, columns, pattern.columns, -1)
    strength = np.square(blocks, dtype=np.float64).sum(axis=(1, 3))
    stays = np.ones(strength.size, np.bool_)
    # Turned round twice: of equal norms the later goes.
    stays[strength.size - 1 - np.argsort(strength.reshape(-1)[::-1], kind="stable")[:count]] = False
    kept = np.ones(weight.shape, np.bool_)
    spread = np.broadcast_to(stays.reshape(rows, 1, columns, 1, -1), blocks.shape)
    kept[:height, :width] = spread.reshape(height, width, *weight.shape[2:])
    return kept
