"""Nodes that are to stand in the place of one other, with their constants."""

import numpy as np
import numpy.typing as npt
import onnx
from onnx import helper, numpy_helper

_PREFIX = "wb.em."


class PartOfGraph:
    """Collects nodes in order; names begin with a prefix that onnxruntime's own do not have."""

    def __init__(self) -> None:
        self.nodes: list[onnx.NodeProto] = []
        self.initializers: list[onnx.TensorProto] = []
        self._count = 0

    def constant(self, value: npt.NDArray[np.generic]) -> str:
        """A new initializer; gives its name."""
        name = self._fresh()
        # Not ascontiguousarray, which makes a scalar a list of one.
        self.initializers.append(numpy_helper.from_array(np.asarray(value, order="C"), name))
        return name

    def add(self, op_type: str, *inputs: str, output: str = "", **attributes: object) -> str:
        """A new node; gives the name of its output."""
        name = output or self._fresh()
        self.nodes.append(helper.make_node(op_type, inputs, [name], **attributes))
        return name

    def take_nodes(self) -> list[onnx.NodeProto]:
        """The nodes so far, which begin anew."""
        taken, self.nodes = self.nodes, []
        return taken

    def _fresh(self) -> str:
        self._count += 1
        return f"{_PREFIX}{self._count}"
