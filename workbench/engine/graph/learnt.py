"""Which stored values a model has learnt, and which are settings: what a Constant node holds may be either."""

from collections.abc import Iterator

import onnx

from workbench.engine.graph.order import all_graphs

# In the doc_string of an initializer that was a Constant node: nothing else tells it from what was learnt.
NOT_LEARNT = "not learnt"
_PRODUCTS = ("Conv", "ConvTranspose", "Gemm", "MatMul", "FusedConv", "FusedGemm")
_WITH_PARAMS = (
    *_PRODUCTS, "LSTM", "GRU", "RNN", "PRelu", "Gather", "BatchNormalization", "InstanceNormalization",
    "LayerNormalization", "GroupNormalization",
)  # fmt: skip


def learnt_inputs(model: onnx.GraphProto) -> Iterator[str]:
    """Names of tensors that are parameters where they are stored: inputs of layers, and what is added to one."""
    for graph in all_graphs(model):
        products = {name for node in graph.node if node.op_type in _PRODUCTS for name in node.output}
        for node in graph.node:
            if node.op_type in _WITH_PARAMS or (node.op_type == "Add" and products & set(node.input)):
                yield from node.input
