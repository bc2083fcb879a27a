"""Stored samples as the model's input: `(pixel · scale − mean) / std` in the input's layout and element type."""

import math
from typing import cast

import numpy as np
import numpy.typing as npt

from workbench.engine.core.errors import DataError
from workbench.engine.core.layer import TensorInfo
from workbench.engine.core.reports import Preprocessing

Array = npt.NDArray[np.generic]
_DTYPES = {
    "float": np.float32, "float16": np.float16, "double": np.float64, "bool": np.bool_,
    "int8": np.int8, "int16": np.int16, "int32": np.int32, "int64": np.int64,
    "uint8": np.uint8, "uint16": np.uint16, "uint32": np.uint32, "uint64": np.uint64,
}  # fmt: skip
# The piece and its samples fit a second-level cache of 256 KiB.
_PIECE_BYTES = 128 << 10


class TensorMaker:
    """Makes batches of one input.

    Args:
        preprocessing: how.
        sample_shape: of one sample; (H, W, C) unless the layout is raw.
        model_input: gives shape and element type; None for float32 as the layout says.

    Raises:
        DataError: the element type is none that samples can have, or mean and std do not fit the channels.
    """

    def __init__(
        self,
        preprocessing: Preprocessing,
        sample_shape: tuple[int, ...],
        model_input: TensorInfo | None,
    ) -> None:
        element = model_input.dtype if model_input is not None else "float"
        if element not in _DTYPES:
            raise DataError(f"the model's input takes {element}, which samples cannot be", "use another model")
        self._dtype = np.dtype(_DTYPES[element])
        self._layout = preprocessing.layout
        self._channels = sample_shape[-1] if self._layout != "raw" and len(sample_shape) == 3 else 0
        self._is_reversed = preprocessing.channel_order == "bgr" and self._channels == 3
        self._scale = np.float32(preprocessing.scale)
        self._mean = np.array(preprocessing.mean, np.float32)
        self._std = np.array(preprocessing.std, np.float32)
        self._is_identity = preprocessing.scale == 1 and not self._mean.any() and bool((self._std == 1).all())
        for name, values in (("mean", self._mean), ("std", self._std)):
            if self._channels and values.size not in (1, self._channels):
                raise DataError(
                    f"{name} has {values.size} numbers, the samples have {self._channels} channels",
                    f"give one number, or {self._channels}",
                )
        self._wanted = _fixed_sample_shape(model_input)

    @property
    def is_cheap(self) -> bool:
        """Whether samples are taken as they are, so that keeping their tensors saves nothing."""
        return not self._channels and self._is_identity

    @property
    def dtype(self) -> np.dtype[np.generic]:
        """Of the tensors."""
        return self._dtype

    def __call__(self, samples: Array) -> Array:
        """The tensor for samples of shape (N, …)."""
        return self._reshaped(np.ascontiguousarray(self._computed(samples), self._dtype))

    def write(self, samples: Array, tensor: Array) -> None:
        """Make the tensor in memory that is there, of the shape that `__call__` gives.

        In pieces that stay in the processor's cache: a tenth faster for large images.
        """
        piece = max(1, _PIECE_BYTES // max(1, tensor[:1].nbytes))
        for start in range(0, len(samples), piece):
            part, target = samples[start : start + piece], tensor[start : start + piece]
            if self._dtype == np.float32:
                self._computed(part, target)
            else:
                target[...] = self(part)

    def _computed(self, samples: Array, target: Array | None = None) -> Array:
        """The formula, in float32, with `mean` and `std` along the axis of the channels; into the target if given."""
        axis = -1
        if self._channels and self._is_reversed:
            samples = samples[..., ::-1]
        if self._channels and self._layout == "nchw":
            samples, axis = samples.transpose(0, 3, 1, 2), 1
        if target is None and self.is_cheap:
            return samples
        memory = np.empty(samples.shape, np.float32) if target is None else target.reshape(samples.shape)
        values = cast("npt.NDArray[np.float32]", memory)
        # In place and in the order of the result: three times as fast as a table of the 256 levels.
        np.copyto(values, samples, casting="unsafe")
        if not self._is_identity:
            shape = [1] * samples.ndim
            shape[axis] = -1
            values *= self._scale
            values -= self._mean.reshape(shape) if self._mean.size > 1 else self._mean
            values /= self._std.reshape(shape) if self._std.size > 1 else self._std
        return values

    def _reshaped(self, tensor: Array) -> Array:
        """In the model's rank: (N, 28, 28, 1) for an input (N, 784, 1), where the numbers are as many."""
        if self._wanted and tensor.shape[1:] != self._wanted and math.prod(tensor.shape[1:]) == math.prod(self._wanted):
            # A picture in the other layout has as many numbers, but reshaping would scramble it.
            if tensor.ndim == 4 and sorted(tensor.shape[1:]) == sorted(self._wanted) and len(self._wanted) == 3:
                return tensor
            return tensor.reshape(len(tensor), *self._wanted)
        return tensor


def _fixed_sample_shape(model_input: TensorInfo | None) -> tuple[int, ...]:
    """The input's shape without the batch; () where a dimension is not fixed."""
    if model_input is None:
        return ()
    sizes = tuple(dim for dim in model_input.shape[1:] if isinstance(dim, int))
    return sizes if len(sizes) == len(model_input.shape) - 1 else ()
