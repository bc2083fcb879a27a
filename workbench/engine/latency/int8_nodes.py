"""Which nodes compute on integers: those between quantized tensors, and the integer operators themselves."""

from collections.abc import Collection, Mapping

import onnx

from workbench.engine.graph.links import Links
from workbench.engine.graph.weight_place import first_output

_INTEGER = ("ConvInteger", "MatMulInteger", "QGemm", "DynamicQuantizeMatMul", "MatMulIntegerToFloat")
_PAIR = ("QuantizeLinear", "DequantizeLinear")
_AT_RUN_TIME = ("DynamicQuantizeLinear", "DynamicQuantizeMatMul", "DynamicQuantizeLSTM")
_WIDE = (onnx.TensorProto.UINT16, onnx.TensorProto.INT16)
_MOST_STEPS = 4


def dequantized(graph: onnx.GraphProto, links: Links, constant: Collection[str]) -> frozenset[str]:
    """Tensors that are integers for a runtime: outputs of DequantizeLinear, of weights too."""
    found = set()
    for node in graph.node:
        if node.op_type == "DequantizeLinear":
            source = links.producer(node.input[0])
            is_activation = source is not None and source.op_type == "QuantizeLinear"
            if is_activation or node.input[0] in constant or source is None:
                found.add(first_output(node))
    return frozenset(found)


def runs_on_int8(node: onnx.NodeProto, links: Links, integers: Collection[str], constant: Collection[str]) -> bool:
    """Whether a runtime computes the node on integers.

    A node with weights does if what goes in and its weights are dequantized just before; weights alone that are
    stored as integers are made float when the model is loaded. Others do if all that goes in was dequantized.
    """
    if node.op_type in _INTEGER or node.op_type.startswith("QLinear"):
        return True
    given = [name for name in node.input if name]
    if node.op_type in ("Conv", "ConvTranspose", "Gemm", "MatMul"):
        return len(given) > 1 and all(name in integers for name in given[:2])
    varying = [name for name in given if name not in constant]
    del links
    return bool(varying) and all(name in integers for name in varying)


def activation_bits(graph: onnx.GraphProto, links: Links, constant: Collection[str]) -> int:
    """Of the widest integers that activations are quantized to, 16 or 8; 0 where none are."""
    stored = {tensor.name: tensor.data_type for tensor in graph.initializer}
    found = 0
    for node in graph.node:
        if node.op_type == "QuantizeLinear" and node.input[0] not in constant:
            found = max(found, 16 if _code_type(node, links, stored) in _WIDE else 8)
        elif node.op_type in _AT_RUN_TIME:
            found = max(found, 8)
    return found


def has_ranges_at_run_time(graph: onnx.GraphProto) -> bool:
    """Whether activations are quantized with ranges that each run finds anew."""
    return any(node.op_type in _AT_RUN_TIME for node in graph.node)


def _code_type(node: onnx.NodeProto, links: Links, stored: Mapping[str, int]) -> int:
    """Of the codes that a QuantizeLinear gives: that of its zero point, or what it says, or uint8."""
    uint8 = int(onnx.TensorProto.UINT8)
    said = next((int(one.i) for one in node.attribute if one.name == "output_dtype" and one.i), uint8)
    zero_point = node.input[2] if len(node.input) > 2 else ""
    if not zero_point:
        return said
    producer = links.producer(zero_point)
    if producer is not None and producer.op_type == "Constant":
        return next((int(one.t.data_type) for one in producer.attribute if one.name == "value"), said)
    return stored.get(zero_point, said)


def seen_through(name: str, links: Links) -> str:
    """The tensor before a QuantizeLinear and DequantizeLinear pair; the name itself if there is none."""
    for _ in range(_MOST_STEPS):
        producer = links.producer(name)
        if producer is None or producer.op_type not in _PAIR or links.is_constant(producer.input[0]):
            return name
        name = str(producer.input[0])
    return name
