"""Nodes and initializers under construction, with short names that clash with nothing."""

import string
from collections.abc import Container

import numpy as np
import numpy.typing as npt
import onnx
from onnx import TensorProto, helper, numpy_helper

from workbench.engine.compress.storage.bit_fields import pack_nibbles

# So many names take one character after the prefix: more than the nodes of any one weight need.
_DIGITS = string.digits + string.ascii_letters


class NodeList:
    """Collects nodes in order. Names are `<prefix><number>`: they stand in the file twice, so short ones pay.

    Numbers are written in digits and letters, so that all names of one weight are equally long.

    Args:
        prefix: start of every name that is made here.
        taken: names that must not be used again.
    """

    def __init__(self, prefix: str, taken: Container[str]) -> None:
        self.nodes: list[onnx.NodeProto] = []
        self.initializers: list[onnx.TensorProto] = []
        self._prefix = prefix
        self._taken = taken
        self._count = 0

    def constant(self, value: npt.NDArray[np.generic], *, name: str = "") -> str:
        """A new initializer; gives its name."""
        name = name or self.fresh()
        # Not ascontiguousarray, which makes a scalar a list of one.
        self.initializers.append(numpy_helper.from_array(np.asarray(value, order="C"), name))
        return name

    def nibbles(self, codes: npt.NDArray[np.int32], *, signed: bool) -> str:
        """A new initializer of four-bit codes, in the shape of the array; gives its name."""
        name = self.fresh()
        dtype = TensorProto.INT4 if signed else TensorProto.UINT4
        data = pack_nibbles(codes).tobytes()
        self.initializers.append(TensorProto(name=name, data_type=dtype, dims=codes.shape, raw_data=data))
        return name

    def add(self, op_type: str, *inputs: str, output: str = "", **attributes: object) -> str:
        """A new node; gives the name of its output."""
        name = output or self.fresh()
        self.nodes.append(helper.make_node(op_type, inputs, [name], **attributes))
        return name

    def shape(self, *dims: int) -> str:
        """An int64 initializer with these dimensions; gives its name."""
        return self.constant(np.array(dims, np.int64))

    def fresh(self) -> str:
        """A name that clashes with nothing."""
        while True:
            name = self._prefix + _numeral(self._count)
            self._count += 1
            if name not in self._taken:
                return name


def _numeral(number: int) -> str:
    """A number in digits and letters.

    >>> _numeral(9), _numeral(10), _numeral(61), _numeral(62)
    ('9', 'a', 'Z', '10')
    """
    higher, lowest = divmod(number, len(_DIGITS))
    return (_numeral(higher) if higher else "") + _DIGITS[lowest]
