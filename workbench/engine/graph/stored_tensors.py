"""Every tensor that a model file stores: initializers and attributes, in bodies of control flow too."""

from collections.abc import Iterator

import onnx
from onnx import TensorProto

from workbench.engine.graph.order import bodies


def stored_tensors(graph: onnx.GraphProto) -> Iterator[tuple[TensorProto, str]]:
    """Each stored tensor with the name by which the graph knows it: its own, or its Constant node's output."""
    for tensor in graph.initializer:
        yield tensor, tensor.name
    for node in graph.node:
        is_constant = node.op_type == "Constant" and len(node.output) == 1
        for attribute in node.attribute:
            if attribute.HasField("t"):
                yield attribute.t, node.output[0] if is_constant else ""
        for body in bodies(node):
            yield from stored_tensors(body)
