"""A node that outlives the list it stands in."""

import onnx


def node_copy(node: onnx.NodeProto) -> onnx.NodeProto:
    """The same node, belonging to nobody: what is taken out of a graph dies with the graph's list."""
    copy = onnx.NodeProto()
    copy.CopyFrom(node)
    return copy
