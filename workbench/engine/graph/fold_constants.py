"""A graph whose constants are all stored: what exporters compute from constants is computed here, once."""

import numpy as np
import onnx
from onnx import numpy_helper

from workbench.engine.graph.constants import RANDOM
from workbench.engine.graph.learnt import NOT_LEARNT, learnt_inputs
from workbench.engine.graph.node_copy import node_copy
from workbench.engine.graph.node_value import node_value
from workbench.engine.graph.opset import opset_of
from workbench.engine.graph.order import bodies, reads_of, run_order
from workbench.engine.graph.tensor_data import is_float
from workbench.engine.graph.value_bounds import most_entries

# Quantized weights stay as they are: their integers are what the file is about.
_KEPT = frozenset(("DequantizeLinear", "QuantizeLinear", "DynamicQuantizeLinear", *RANDOM))
# How large their outputs are depends on more than is looked at, and no exporter computes constants with them.
_UNBOUNDED = frozenset((
    "Conv", "ConvTranspose", "ConvInteger", "DeformConv", "QLinearConv", "MaxUnpool", "Resize", "Upsample", "Col2Im",
    "CenterCropPad", "GridSample", "AffineGrid", "HannWindow", "HammingWindow", "BlackmanWindow", "MelWeightMatrix",
    "DFT", "STFT", "RoiAlign", "MaxRoiPool", "RNN", "GRU", "LSTM", "Attention", "AveragePool", "MaxPool", "LpPool",
    "ImageDecoder", "TensorScatter", "RotaryEmbedding", "DepthToSpace", "SpaceToDepth", "StringSplit",
))  # fmt: skip
_MOST_BYTES = 1 << 30
_MOST_BYTES_EACH = 8


def fold_constants(proto: onnx.ModelProto) -> None:
    """Replace nodes that depend on constants alone by initializers of the same names. The model is changed in place.

    Floats of Constant nodes that are settings stay known as such, by their `doc_string`. Nodes of other domains,
    random ones and what would take more than a gigabyte stay. Nodes must be in the order of running. Cost grows
    with the size of the constants.
    """
    graph = proto.graph
    known = {tensor.name: tensor for tensor in graph.initializer}
    values: dict[str, np.ndarray] = {}
    # What comes of initializers, and not of Constant nodes alone.
    of_weights: set[str] = set()
    kept = []
    room, opset = _MOST_BYTES, opset_of(proto)
    given = {*known, *(info.name for info in graph.input)}
    given |= {tensor.values.name for tensor in graph.sparse_initializer}
    order, stuck = run_order(graph.node, given)
    if stuck is not None:
        # Some node waits for what nothing gives; whoever runs the model will say so.
        return
    for index in order:
        node = graph.node[index]
        value = _value(node, known, values, room, opset) if _can_fold(node, known, values) else None
        if value is None:
            kept.append(node_copy(node))
        else:
            values[node.output[0]] = value
            if any(name in known or name in of_weights for name in node.input):
                of_weights.add(node.output[0])
            room -= value.nbytes
    del graph.node[:]
    graph.node.extend(kept)
    outputs = {info.name for info in graph.output}
    read = {name for node in kept for name in reads_of(node)} | outputs
    learnt = of_weights | set(learnt_inputs(graph))
    for name, value in values.items():
        if name in read:
            tensor = numpy_helper.from_array(value.copy(order="C"), name)
            if is_float(tensor.data_type) and name not in learnt:
                tensor.doc_string = NOT_LEARNT
            graph.initializer.append(tensor)


def _can_fold(node: onnx.NodeProto, known: dict[str, onnx.TensorProto], values: dict[str, np.ndarray]) -> bool:
    if node.domain not in ("", "ai.onnx") or node.op_type in _KEPT | _UNBOUNDED or len(node.output) != 1:
        return False
    if next(bodies(node), None) is not None:
        return False
    return all(not name or name in known or name in values for name in node.input)


def _value(
    node: onnx.NodeProto, known: dict[str, onnx.TensorProto], values: dict[str, np.ndarray], room: int, opset: int
) -> np.ndarray | None:
    inputs = {
        name: values[name] if name in values else numpy_helper.to_array(known[name]) for name in node.input if name
    }
    try:
        most = most_entries(node, [inputs[name] for name in node.input if name])
    except (IndexError, TypeError, ValueError):
        # Its inputs are none that it can take.
        return None
    if most * _MOST_BYTES_EACH > room:
        return None
    if node.op_type == "Constant":
        stored = next((attribute.t for attribute in node.attribute if attribute.name == "value"), None)
        if stored is not None:
            return np.asarray(numpy_helper.to_array(stored))
    return node_value(node, inputs, opset)
