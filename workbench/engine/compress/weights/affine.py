"""Affine quantization of numbers to a few bits, as ONNX QuantizeLinear does it."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from workbench.engine.core.errors import RangeError


@dataclass(frozen=True, slots=True, eq=False)
class QuantParams:
    """How real numbers and codes correspond: real = scale · (code − zero_point).

    Args:
        scale: float32, any shape that broadcasts against the tensor.
        zero_point: int32, same shape as scale; all zero if symmetric.
        num_bits: 2 to 16.
        signed: codes are −2^(b−1) … 2^(b−1)−1 if signed, otherwise 0 … 2^b−1.
    """

    scale: npt.NDArray[np.float32]
    zero_point: npt.NDArray[np.int32]
    num_bits: int
    signed: bool

    @property
    def code_min(self) -> int:
        """Smallest code."""
        return -(1 << (self.num_bits - 1)) if self.signed else 0

    @property
    def code_max(self) -> int:
        """Largest code."""
        return (1 << (self.num_bits - 1)) - 1 if self.signed else (1 << self.num_bits) - 1

    @property
    def low(self) -> npt.NDArray[np.float32]:
        """Smallest real number that has a code, shape of `scale`."""
        return self.scale * (self.code_min - self.zero_point).astype(np.float32)

    @property
    def high(self) -> npt.NDArray[np.float32]:
        """Largest real number that has a code, shape of `scale`."""
        return self.scale * (self.code_max - self.zero_point).astype(np.float32)


def params_for_range(
    low: npt.NDArray[np.float32], high: npt.NDArray[np.float32], num_bits: int, *, symmetric: bool
) -> QuantParams:
    """Scale and zero point that cover `[low, high]` and have an exact code for zero.

    Symmetric: scale = max(−low, high) / (2^(b−1) − 1), signed, zero point 0. Asymmetric: the range is
    widened to hold zero, scale = (high − low) / (2^b − 1), unsigned. An empty range gets scale 1.

    Args:
        low: lower ends of the ranges, any shape, unit of the tensor.
        high: upper ends, same shape.
        num_bits: 2 to 16.
        symmetric: with zero point 0.

    Raises:
        RangeError: a range is NaN, infinite or inverted.

    Source: ONNX QuantizeLinear; Jacob et al. 2018 (arXiv:1712.05877), section 3.
    """
    if not (np.isfinite(low).all() and np.isfinite(high).all()):
        raise RangeError("a quantization range is NaN or infinite", "leave the layer in float")
    if (low > high).any():
        raise RangeError("a quantization range is inverted: its low end is above its high end")
    if symmetric:
        reach: npt.NDArray[np.float32] = np.maximum(np.maximum(-low, high), np.float32(0))
        width = reach / np.float32((1 << (num_bits - 1)) - 1)
    else:
        low, high = np.minimum(low, np.float32(0)), np.maximum(high, np.float32(0))
        width = (high - low) / np.float32((1 << num_bits) - 1)
    # A range so narrow that its scale is not a normal float32 would divide by (nearly) zero.
    tiny = np.finfo(np.float32).tiny
    scale: npt.NDArray[np.float32] = np.where(width < tiny, np.float32(1), width).astype(np.float32)
    if symmetric:
        return QuantParams(scale, np.zeros(scale.shape, np.int32), num_bits, signed=True)
    zero_point = np.clip(np.rint(-low / scale), 0, (1 << num_bits) - 1).astype(np.int32)
    return QuantParams(scale, zero_point, num_bits, signed=False)


def quantize(tensor: npt.NDArray[np.float32], params: QuantParams) -> npt.NDArray[np.int32]:
    """Codes of the tensor's numbers: clamp(round(x / scale) + zero_point), halves to even.

    >>> params = QuantParams(np.float32(0.1), np.int32(128), num_bits=8, signed=False)
    >>> int(quantize(np.float32([0.7]), params)[0])
    135

    Source: ONNX QuantizeLinear, opset 21.
    """
    codes = np.rint(tensor / params.scale) + params.zero_point
    clipped: npt.NDArray[np.int32] = np.clip(codes, params.code_min, params.code_max).astype(np.int32)
    return clipped


def dequantize(codes: npt.NDArray[np.int32], params: QuantParams) -> npt.NDArray[np.float32]:
    """Real numbers of the codes, float32: (code − zero_point) · scale.

    Source: ONNX DequantizeLinear, opset 21.
    """
    return (codes - params.zero_point).astype(np.float32) * params.scale


def fake_quantize(tensor: npt.NDArray[np.float32], params: QuantParams) -> npt.NDArray[np.float32]:
    """The tensor as it is after quantizing and dequantizing."""
    return dequantize(quantize(tensor, params), params)
