"""A weight tensor after pruning and quantization: kept, codes, scales."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from workbench.engine.compress.weights.affine import QuantParams, dequantize
from workbench.engine.compress.weights.weight_rows import WeightRows
from workbench.engine.core.footprint import FloatFormat, TensorShape


@dataclass(frozen=True, slots=True, eq=False)
class CompressedWeight:
    """A weight tensor after pruning and quantization.

    Args:
        rows: shape and granularity.
        kept: which weights pruning left, shape of the weight; None for all.
        codes: int32, shape of the weight, unsigned or signed as `params` says; None for float.
        params: scale of `rows.scale_shape`; None for float.
        values: shape of the weight, in the element type that they are stored in; None if there are codes.
    """

    rows: WeightRows
    kept: npt.NDArray[np.bool_] | None
    codes: npt.NDArray[np.int32] | None = None
    params: QuantParams | None = None
    values: npt.NDArray[np.floating] | None = None

    @property
    def tensor_shape(self) -> TensorShape:
        """What its size on disk depends on."""
        num_weights = int(np.prod(self.rows.shape, dtype=np.int64))
        num_kept = num_weights if self.kept is None else max(1, int(self.kept.sum()))
        if self.params is None:
            assert self.values is not None
            return TensorShape(num_weights, num_kept, bits=None, floats=FloatFormat(self.values.dtype.itemsize))
        return TensorShape(
            num_weights,
            num_kept,
            self.params.num_bits,
            self.rows.num_scales,
            symmetric=self.params.signed,
            scales=self.rows.scale_layout,
            blocks=self.rows.blocks,
        )

    def dense(self) -> npt.NDArray[np.float32]:
        """The weights as they will be when the file is open: float32, shape of the weight."""
        if self.values is not None:
            return np.asarray(self.values, np.float32)
        assert self.codes is not None
        assert self.params is not None
        return dequantize(self.codes, self.rows.spread_params(self.params))

    @property
    def levels(self) -> npt.NDArray[np.int32]:
        """The codes as signed levels, flat."""
        assert self.codes is not None
        assert self.params is not None
        offset = 0 if self.params.signed else 1 << (self.params.num_bits - 1)
        return self.codes.reshape(-1) - offset
