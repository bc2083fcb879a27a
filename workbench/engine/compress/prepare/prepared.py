"""A model made ready for quantization: the same function, in a form that loses less."""

import onnx

from workbench.engine.compress.integers.integer_graph import INTEGER_OPSET
from workbench.engine.compress.prepare.equalization import equalize_layers
from workbench.engine.graph.batch_norm import fold_batch_norm
from workbench.engine.graph.model import Model, model_of_bytes
from workbench.engine.graph.opset import raised
from workbench.engine.graph.order import run_order
from workbench.engine.graph.save import serialize


def prepared(model: Model, *, equalize: bool = False, opset: int = INTEGER_OPSET) -> Model:
    """The model with batch normalization folded and, if asked, its layers equalized.

    Names of layers and of tensors that are left stay the same.

    Args:
        model: as it was opened.
        equalize: whether weights are equalized across layers.
        opset: the least that the encodings need.

    Raises:
        ModelError: the model's opset cannot be raised.
    """
    proto = raised(model.to_proto(), opset)
    _sort_nodes(proto.graph)
    fold_batch_norm(proto)
    if equalize:
        equalize_layers(proto)
    return model_of_bytes(serialize(proto), model.path)


def _sort_nodes(graph: onnx.GraphProto) -> None:
    """Put the nodes in the order of running; files need not be sorted."""
    given = {tensor.name for tensor in graph.initializer} | {info.name for info in graph.input}
    given |= {tensor.values.name for tensor in graph.sparse_initializer}
    order, _ = run_order(graph.node, given)
    if order == list(range(len(order))):
        return
    nodes = []
    for index in order:
        copy = onnx.NodeProto()
        copy.CopyFrom(graph.node[index])
        nodes.append(copy)
    del graph.node[:]
    graph.node.extend(nodes)
