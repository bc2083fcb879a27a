"""A layer's weights as matrices: groups, outputs of a group, weights that are summed into an output."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from workbench.engine.compress.rounding.learned_rounding import Grid
from workbench.engine.compress.weights.affine import QuantParams
from workbench.engine.compress.weights.weight_rows import WeightRows
from workbench.engine.core.granularity import PerGroup, PerTensor


@dataclass(frozen=True, slots=True)
class WeightMatrix:
    """The way between a weight's own shape and (G, N, K).

    Args:
        shape: of the weight.
        axis: of the output channels: 0 for Conv and transposed Gemm weights, 1 for (K, N) matrices.
        num_groups: of a grouped convolution; 1 otherwise.
    """

    shape: tuple[int, ...]
    axis: int
    num_groups: int = 1

    @property
    def length(self) -> int:
        """K: how many weights are summed into one output."""
        return int(np.prod(self.shape, dtype=np.int64)) // max(1, self.shape[self.axis])

    def of(self, weight: npt.NDArray[np.generic]) -> npt.NDArray[np.generic]:
        """Anything of the weight's shape, as (G, N, K)."""
        if self.axis:
            return np.ascontiguousarray(weight.T)[None]
        return weight.reshape(self.num_groups, self.shape[0] // self.num_groups, -1)

    def back(self, matrix: npt.NDArray[np.generic]) -> npt.NDArray[np.generic]:
        """The other way."""
        return np.ascontiguousarray(matrix[0].T) if self.axis else matrix.reshape(self.shape)

    def grid(self, rows: WeightRows, params: QuantParams) -> Grid:
        """Where the weights may lie: the codes of `params`, as levels around the zero point."""
        spread = rows.spread_params(params)
        scale = self.of(np.broadcast_to(spread.scale, self.shape)).astype(np.float64)
        zero = self.of(np.broadcast_to(spread.zero_point, self.shape)).astype(np.float64)
        if isinstance(rows.granularity, PerGroup):
            return Grid(scale, params.code_min - zero, params.code_max - zero, rows.group_size)
        if isinstance(rows.granularity, PerTensor):
            first = slice(0, 1)
            scale, zero = scale[first, first, first], zero[first, first, first]
            return Grid(scale, params.code_min - zero, params.code_max - zero, 0)
        scale, zero = scale[..., :1], zero[..., :1]
        return Grid(scale, params.code_min - zero, params.code_max - zero, self.length)

    def params(self, rows: WeightRows, scale: npt.NDArray[np.float64], params: QuantParams) -> QuantParams:
        """The same codes with other scales, given in a shape that broadcasts to (G, N, K)."""
        num_outputs = self.shape[self.axis] // self.num_groups
        full = np.broadcast_to(scale, (self.num_groups, num_outputs, self.length))
        by_scale = rows.rows(self.back(full).astype(np.float32))[:, 0]
        return QuantParams(by_scale.reshape(rows.scale_shape), params.zero_point, params.num_bits, params.signed)
