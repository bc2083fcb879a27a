"""What samples say of a layer's outputs, gathered batch by batch into two matrices."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import onnx
from onnx import helper

from workbench.engine.compress.rounding.ridge_fit import OutputProblem
from workbench.engine.graph.explicit_pads import same_pads

Array = npt.NDArray[np.float32]

# Enough rows for the matrices to settle, and no more: each costs K² multiplications.
_ROWS_PER_WEIGHT, _LEAST_ROWS = 32, 16_384
# Larger matrices than this are not worth their time and memory: 4,608² takes 170 MB in double precision.
LARGEST_ROW = 8192


@dataclass(frozen=True, slots=True)
class LayerGeometry:
    """How a layer's outputs are sums of its inputs.

    Args:
        num_groups: of a grouped convolution; 1 otherwise.
        kernel, strides, dilations: of a convolution, one number an axis; () for a matrix product.
        pads: at the beginning of each axis, then at the end; of a padding to the same size see `pads_of`.
        same: "SAME_UPPER" or "SAME_LOWER" where pads follow from the size of what is read; "" where they stand.
    """

    num_groups: int = 1
    kernel: tuple[int, ...] = ()
    strides: tuple[int, ...] = ()
    dilations: tuple[int, ...] = ()
    pads: tuple[int, ...] = ()
    same: str = ""

    def pads_of(self, size: Sequence[int]) -> tuple[int, ...]:
        """Padding of an input of this size along its axes: at the beginning of each, then at the end."""
        if not self.same:
            return self.pads
        return tuple(same_pads(size, self.kernel, self.strides, self.dilations, upper=self.same == "SAME_UPPER"))


def geometry_of(node: onnx.NodeProto, weight_shape: Sequence[int]) -> LayerGeometry | None:
    """The geometry of a Conv, Gemm or MatMul; None for anything else."""
    values = {attribute.name: helper.get_attribute_value(attribute) for attribute in node.attribute}
    if node.op_type in ("Gemm", "MatMul"):
        plain = values.get("alpha", 1.0) == 1.0 and values.get("beta", 1.0) == 1.0 and not values.get("transA", 0)
        return LayerGeometry() if plain and len(weight_shape) == 2 else None
    if node.op_type != "Conv":
        return None
    padding = values.get("auto_pad", b"NOTSET").decode()
    # VALID is no padding, whatever stands beside it.
    pads = values.get("pads") if padding == "NOTSET" else None
    num_axes = len(weight_shape) - 2
    ones = (1,) * num_axes
    return LayerGeometry(
        num_groups=int(values.get("group", 1)),
        kernel=tuple(weight_shape[2:]),
        strides=tuple(values.get("strides", ones)),
        dilations=tuple(values.get("dilations", ones)),
        pads=tuple(pads or (0,) * (2 * num_axes)),
        same=padding if padding.startswith("SAME") else "",
    )


class ProblemGathering:
    """Sums up H = E[x x'] and C = E[x t'] over samples, at output places drawn by seed.

    Args:
        geometry: of the layer.
        row_length: weights that are summed into one output.
        num_samples: how many there will be, so that enough places are drawn of each.
        seed: of the places.
        centered: whether the bias is free, so that only deviations from the mean matter.
    """

    def __init__(
        self, geometry: LayerGeometry, row_length: int, num_samples: int, *, seed: int, centered: bool
    ) -> None:
        self._geometry = geometry
        wanted = max(_ROWS_PER_WEIGHT * row_length, _LEAST_ROWS)
        self._per_sample = -(-wanted // max(1, num_samples))
        self._random = np.random.default_rng(seed)
        self._centered = centered
        self._count = 0
        self._products: npt.NDArray[np.float64] | None = None
        self._wanted = self._input_sum = self._target_sum = np.zeros(1)

    def add(self, inputs: Array, targets: Array) -> None:
        """One batch: the layer's inputs as they will be, and the outputs that are wanted of it."""
        if self._geometry.kernel:
            rows, goals = self._convolution_rows(inputs, targets)
        else:
            rows, goals = self._matrix_rows(inputs, targets)
        products = np.matmul(rows.transpose(0, 2, 1), rows).astype(np.float64)
        wanted = np.matmul(rows.transpose(0, 2, 1), goals).astype(np.float64)
        input_sum, target_sum = rows.sum(axis=1, dtype=np.float64), goals.sum(axis=1, dtype=np.float64)
        if self._products is None:
            self._products, self._wanted = products, wanted
            self._input_sum, self._target_sum = input_sum, target_sum
        else:
            self._products += products
            self._wanted = self._wanted + wanted
            self._input_sum, self._target_sum = self._input_sum + input_sum, self._target_sum + target_sum
        self._count += rows.shape[1]

    def problem(self) -> OutputProblem:
        """The matrices, as means."""
        assert self._products is not None
        inputs, wanted = self._products / self._count, self._wanted / self._count
        if self._centered:
            mean, goal = self._input_sum / self._count, self._target_sum / self._count
            inputs = inputs - mean[:, :, None] * mean[:, None, :]
            wanted = wanted - mean[:, :, None] * goal[:, None, :]
        return OutputProblem(inputs, wanted, self._count)

    def bias(self, weight: npt.NDArray[np.float64]) -> npt.NDArray[np.float32]:
        """The bias with which these weights, shape (G, N, K), give the wanted mean; shape (G · N,)."""
        mean, goal = self._input_sum / self._count, self._target_sum / self._count
        difference: npt.NDArray[np.float32] = (goal - np.einsum("gnk,gk->gn", weight, mean)).astype(np.float32)
        return difference.reshape(-1)

    def _matrix_rows(self, inputs: Array, targets: Array) -> tuple[Array, Array]:
        num_samples = len(inputs)
        rows = inputs.reshape(-1, inputs.shape[-1])
        goals = targets.reshape(-1, targets.shape[-1])
        wanted = min(len(rows), self._per_sample * num_samples)
        if wanted < len(rows):
            places = self._random.choice(len(rows), wanted, replace=False)
            rows, goals = rows[places], goals[places]
        return rows[None], goals[None]

    def _convolution_rows(self, inputs: Array, targets: Array) -> tuple[Array, Array]:
        """Patches of the input, shape (G, P, K), and the outputs at their places, shape (G, P, N)."""
        shape = self._geometry
        num_samples, out_sizes = len(inputs), targets.shape[2:]
        num_places = int(np.prod(out_sizes, dtype=np.int64))
        count = min(num_samples * num_places, self._per_sample * num_samples)
        flat = self._random.choice(num_samples * num_places, count, replace=False)
        flat.sort()
        sample, *place = np.unravel_index(flat, (num_samples, *out_sizes))
        axes = len(shape.kernel)
        pads = shape.pads_of(inputs.shape[2:])
        padding = [(0, 0), (0, 0), *((pads[axis], pads[axis + axes]) for axis in range(axes))]
        padded = np.pad(inputs, padding)
        window: list[npt.NDArray[np.int64]] = []
        for axis in range(axes):
            offsets = np.arange(shape.kernel[axis]) * shape.dilations[axis]
            view = [1] * (axes + 1)
            view[axis + 1] = -1
            start = (place[axis] * shape.strides[axis]).reshape(-1, *([1] * axes))
            window.append(start + offsets.reshape(view))
        # Channels last, as indexing leaves them: (P, *kernel, I).
        spread = sample.reshape(-1, *([1] * axes))
        patches = np.moveaxis(padded, 1, -1)[(spread, *window)]
        by_group = patches.reshape(count, -1, shape.num_groups, inputs.shape[1] // shape.num_groups)
        rows = by_group.transpose(2, 0, 3, 1).reshape(shape.num_groups, count, -1)
        goals = np.moveaxis(targets, 1, -1)[(sample, *place)].reshape(count, shape.num_groups, -1).transpose(1, 0, 2)
        return np.ascontiguousarray(rows), np.ascontiguousarray(goals)
