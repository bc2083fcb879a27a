"""Densities by the Erdős–Rényi kernel: the more weights a layer has for its size, the fewer of them stay."""

import math
from collections.abc import Sequence

import numpy as np

from workbench.engine.compress.structure.spreading.target import GroupSize, Spread, whole_numbers


def kernel_density(weight_shapes: Sequence[tuple[int, ...]]) -> float:
    """(C_out + C_in + k_h + k_w) / (C_out · C_in · k_h · k_w), sums over all layers of a group.

    >>> kernel_density([(16, 8, 3, 3)])
    0.026041666666666668

    Source: Evci et al. 2020, "Rigging the lottery" (arXiv:1911.11134), section 3(1).
    """
    return sum(map(sum, weight_shapes)) / max(1, sum(map(math.prod, weight_shapes)))


def spread_by_kernels(
    sizes: Sequence[GroupSize], weight_shapes: Sequence[Sequence[tuple[int, ...]]], ratio: float
) -> Spread:
    """Keep a share of each group's units that is proportional to its Erdős–Rényi kernel density, and at most all.

    The paper has densities of weights; here they are those of channels.

    Args:
        sizes: of the groups.
        weight_shapes: of the layers that make each group's channels.
        ratio: share of all channels to remove, 0…1.
    """
    raw = np.array([kernel_density(shapes) for shapes in weight_shapes])
    channels = np.array([size.num_channels for size in sizes], np.float64)
    densities = _scaled(raw, channels, (1 - ratio) * channels.sum())
    return whole_numbers(
        sizes, [float(share) * size.num_units for share, size in zip(densities, sizes, strict=True)], ratio
    )


def _scaled(raw: np.ndarray, channels: np.ndarray, budget: float) -> np.ndarray:
    """min(1, ε · raw) such that the channels kept are the budget: what would be more than all is all, then again."""
    is_whole = np.zeros(len(raw), np.bool_)
    while not is_whole.all():
        left = budget - channels[is_whole].sum()
        epsilon = max(0.0, left) / max(float((raw * channels)[~is_whole].sum()), np.finfo(np.float64).tiny)
        over = ~is_whole & (epsilon * raw > 1)
        if not over.any():
            return np.where(is_whole, 1.0, epsilon * raw)
        is_whole |= over
    return np.ones(len(raw))
