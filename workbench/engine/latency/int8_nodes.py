"""Which nodes compute on integers: those between quantized tensors, and the integer operators themselves."""

from collections.abc import Collection

import onnx

from workbench.engine.graph.links import Links
from workbench.engine.graph.weight_place import first_output

_INTEGER = ("ConvInteger", "MatMulInteger", "QGemm", "DynamicQuantizeMatMul", "MatMulIntegerToFloat")
_PAIR = ("QuantizeLinear", "DequantizeLinear")
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


def seen_through(name: str, links: Links) -> str:
    """The tensor before a QuantizeLinear and DequantizeLinear pair; the name itself if there is none."""
    for _ in range(_MOST_STEPS):
        producer = links.producer(name)
        if producer is None or producer.op_type not in _PAIR or links.is_constant(producer.input[0]):
            return name
        name = str(producer.input[0])
    return name
