"""Pruning and quantizing one layer's weights, and what that did to them."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from types import MappingProxyType

import numpy as np
import numpy.typing as npt

from workbench.engine.compress.weights.affine import QuantParams, quantize
from workbench.engine.compress.weights.compressed_weight import CompressedWeight
from workbench.engine.compress.weights.range_minmax import minmax_params
from workbench.engine.compress.weights.range_mse import mse_params
from workbench.engine.compress.weights.range_percentile import percentile_params
from workbench.engine.compress.weights.weight_rows import WeightRows
from workbench.engine.core.granularity import PerTensor, parse_granularity
from workbench.engine.core.recipe import WeightSettings

RangeEstimator = Callable[..., QuantParams]
RANGE_ESTIMATORS: Mapping[str, RangeEstimator] = MappingProxyType(
    {"minmax": minmax_params, "percentile": percentile_params, "mse": mse_params}
)


def compress_weight(
    weight: npt.NDArray[np.floating],
    axis: int,
    kept: npt.NDArray[np.bool_] | None,
    settings: WeightSettings | None,
    *,
    is_stacked: bool = False,
    least_scale: npt.NDArray[np.float32] | None = None,
) -> CompressedWeight:
    """Prune, then quantize what is left.

    Args:
        weight: any shape, finite; what stays in float keeps its element type.
        axis: of the output channels.
        kept: which weights pruning leaves, same shape; None for all.
        settings: how to quantize; None to stay in float.
        is_stacked: whether the axes before `axis` list output channels, too.
        least_scale: scales are made no smaller, one for each output channel; None for no such limit.

    Raises:
        RangeError: the weight has values that are not finite.
    """
    pruned = weight if kept is None else weight * kept.astype(weight.dtype)
    if settings is None or settings.floating:
        values = pruned if settings is None else pruned.astype(np.float16)
        return CompressedWeight(WeightRows(weight.shape, axis, PerTensor(), is_stacked), kept, values=values)
    floats = np.asarray(pruned, np.float32)
    rows = WeightRows(weight.shape, axis, parse_granularity(settings.granularity), is_stacked)
    params = weight_params(rows, floats, settings)
    if least_scale is not None:
        least = least_scale if params.scale.size > 1 else least_scale.max(initial=0.0)
        params = replace(params, scale=np.maximum(params.scale, np.reshape(least, params.scale.shape)))
    return CompressedWeight(rows, kept, codes=quantize(floats, rows.spread_params(params)), params=params)


def weight_params(rows: WeightRows, weight: npt.NDArray[np.float32], settings: WeightSettings) -> QuantParams:
    """Scales and zero points of a weight, of `rows.scale_shape`, by the range estimator of the settings."""
    by_row = RANGE_ESTIMATORS[settings.range](rows.rows(weight), settings.bits, symmetric=settings.symmetric)
    return QuantParams(
        by_row.scale.reshape(rows.scale_shape),
        by_row.zero_point.reshape(rows.scale_shape),
        settings.bits,
        by_row.signed,
    )


def sqnr_db(original: npt.NDArray[np.float32], changed: npt.NDArray[np.float32]) -> float:
    """Signal to quantization noise of a tensor: 10·log10(Σx² / Σ(x−x̂)²), dB; infinite without a difference.

    >>> round(sqnr_db(np.float32([1.0]), np.float32([0.9])), 3)
    20.0
    """
    noise = float(np.sum(np.square(original - changed, dtype=np.float64)))
    signal = float(np.sum(np.square(original, dtype=np.float64)))
    if noise == 0:
        return float("inf")
    return 10 * float(np.log10(signal / noise)) if signal > 0 else float("-inf")
