"""A convolution's input as each position of its kernel sees it, in plain operators."""

import numpy as np
import numpy.typing as npt
from onnx import TensorProto

from workbench.engine.graph.explicit_pads import same_pads
from workbench.engine.runtime.integer_nodes import IntegerNode
from workbench.engine.runtime.part_of_graph import PartOfGraph

_TO_THE_END = 2**31 - 1


class ConvWindows:
    """What each position of one convolution's kernel sees.

    Args:
        node: a convolution, with channels on axis 1.
    """

    def __init__(self, node: IntegerNode) -> None:
        attributes = node.attributes
        self._kernel = node.weight.shape[2:]
        self.rank = len(self._kernel)
        self._channels = node.weight.shape[1]
        self._outputs_per_group = len(node.weight) // _whole_numbers(attributes.get("group"), [1])[0]
        self._dilations = _whole_numbers(attributes.get("dilations"), [1] * self.rank)
        self._strides = _whole_numbers(attributes.get("strides"), [1] * self.rank)
        self._pads = self._find_pads(str(attributes.get("auto_pad", "NOTSET")), attributes.get("pads"))
        self._windows: dict[int, str] = {}

    def _find_pads(self, auto_pad: str, pads: object) -> list[int]:
        """Before each axis, then behind each."""
        if not auto_pad.startswith("SAME"):
            return _whole_numbers(pads, [0] * (2 * self.rank)) if auto_pad != "VALID" else [0] * (2 * self.rank)
        # Without strides, the padding does not follow from the size; with them, nobody comes here.
        return same_pads(self._kernel, self._kernel, self._strides, self._dilations, upper=auto_pad == "SAME_UPPER")

    def padded(self, part: PartOfGraph, codes: str, data_zero: str) -> str:
        """The codes with those of zero around them."""
        if not any(self._pads):
            return codes
        around = [0, 0, *self._pads[: self.rank], 0, 0, *self._pads[self.rank :]]
        value = part.add("Cast", part.add("Reshape", data_zero, part.constant(np.zeros(0, np.int64))),
                         to=TensorProto.FLOAT)  # fmt: skip
        return part.add("Pad", codes, part.constant(np.array(around, np.int64)), value)

    def taps(self, rows: npt.NDArray[np.int64], columns: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
        """What each weight is multiplied with: its position in the kernel and its channel of the input, shape (P, 2).

        Args:
            rows: of the weights, as `SaturatingPairs` counts them, shape (P,).
            columns: the output that each belongs to; a group reads channels of its own.
        """
        place, channel = np.divmod(rows, self._channels)
        return np.stack([place, channel + columns // self._outputs_per_group * self._channels], axis=1)

    def taken(self, part: PartOfGraph, padded: str, taps: npt.NDArray[np.int64]) -> str:
        """The inputs at some taps of one position, one in place of a channel."""
        place = int(taps[0, 0])
        if place not in self._windows:
            self._windows[place] = self._window(part, padded, place)
        return part.add("Gather", self._windows[place], part.constant(taps[:, 1]), axis=1)

    def _window(self, part: PartOfGraph, padded: str, place: int) -> str:
        """What one position of the kernel sees, of every channel, in the shape of the results."""
        starts, ends = [], []
        for index, size, step in zip(np.unravel_index(place, self._kernel), self._kernel, self._dilations, strict=True):
            starts.append(int(index) * step)
            behind = (size - 1 - int(index)) * step
            ends.append(-behind if behind else _TO_THE_END)
        axes = range(2, 2 + self.rank)
        numbers = (part.constant(np.array(list(values), np.int64)) for values in (starts, ends, axes, self._strides))
        return part.add("Slice", padded, *numbers)


def _whole_numbers(value: object, default: list[int]) -> list[int]:
    if value is None:
        return default
    return [int(item) for item in value] if isinstance(value, list) else [int(str(value))]
