"""Putting quantization into a graph: QuantizeLinear and DequantizeLinear around what runs on integers."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import onnx

from workbench.engine.compress.integers.integer_tensors import IntegerTensors
from workbench.engine.compress.storage.node_list import NodeList
from workbench.engine.compress.storage.replaced_weights import names_in
from workbench.engine.compress.weights.affine import QuantParams, quantize
from workbench.engine.graph.node_copy import node_copy

# QuantizeLinear takes 16-bit codes from this opset on.
WIDE_OPSET = 21
INTEGER_OPSET = 13
_WHOLE_BYTE, _TWO_BYTES = 8, 16


@dataclass(frozen=True, slots=True, eq=False)
class IntegerBias:
    """A bias as int32 codes of scale · weight scale, as integer convolutions add it.

    Args:
        values: float32, shape (C,).
        scale: of the layer's input times those of its weights, shape (C,) or ().
    """

    values: npt.NDArray[np.float32]
    scale: npt.NDArray[np.float32]


def quantize_tensors(graph: onnx.GraphProto, tensors: IntegerTensors, params: Mapping[str, QuantParams]) -> None:
    """Insert a pair of QuantizeLinear and DequantizeLinear at every tensor; the graph is changed in place.

    Args:
        graph: its nodes in the order of running.
        tensors: which, and who reads the codes.
        params: of each tensor, scalars.
    """
    nodes = NodeList("wq", names_in(graph))
    order: list[onnx.NodeProto] = []
    codes_of: dict[str, str] = {}

    def pair(name: str) -> None:
        start = len(nodes.nodes)
        output = nodes.fresh()
        if name in outputs:
            # The graph's output keeps its name: what gives it now gets another.
            raw = nodes.fresh()
            _rename_output(order, name, raw)
            codes_of[name] = name
            _add_pair(nodes, raw, params[name], output=name)
        else:
            codes_of[name] = output
            _add_pair(nodes, name, params[name], output=output)
        order.extend(nodes.nodes[start:])

    outputs = {info.name for info in graph.output}
    for info in graph.input:
        if info.name in params:
            pair(info.name)
    for node in graph.node:
        reads_codes = bool(node.output) and node.output[0] in tensors.readers
        for index, name in enumerate(node.input):
            if name in codes_of and (reads_codes or name in tensors.all_read_codes):
                node.input[index] = codes_of[name]
        order.append(node)
        for name in list(node.output):
            if name in params:
                pair(name)
    kept = [node_copy(node) for node in order]
    del graph.node[:]
    graph.node.extend(kept)
    graph.initializer.extend(nodes.initializers)


def add_integer_bias(nodes: NodeList, bias: IntegerBias) -> str:
    """Add the nodes that give a bias from its int32 codes; gives the name of the tensor."""
    params = QuantParams(bias.scale, np.zeros(bias.scale.shape, np.int32), num_bits=32, signed=True)
    codes = quantize(bias.values, params)
    # Without an axis, one scale is for the whole tensor.
    axis: dict[str, object] = {"axis": 0} if bias.scale.ndim else {}
    return nodes.add(
        "DequantizeLinear",
        nodes.constant(codes.astype(np.int32)),
        nodes.constant(bias.scale),
        nodes.constant(np.zeros(bias.scale.shape, np.int32)),
        output="",
        **axis,
    )


def least_weight_scale(bias: npt.NDArray[np.float32], input_scale: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """The smallest scale of each channel's weights with which its bias still fits into 31 bits, shape (C,).

    Dead channels have weights of almost nothing beside a bias: at their own scale the bias would overflow.
    """
    smallest: npt.NDArray[np.float32] = (np.abs(bias) / (input_scale * np.float32(2**30))).astype(np.float32)
    return smallest


def _add_pair(nodes: NodeList, name: str, params: QuantParams, *, output: str) -> None:
    container = _WHOLE_BYTE if params.num_bits <= _WHOLE_BYTE else _TWO_BYTES
    if params.num_bits < container:
        # No container of so few bits has integer kernels: values are held to the codes that there would be.
        name = nodes.add("Clip", name, nodes.constant(params.low), nodes.constant(params.high))
    kinds: dict[tuple[int, bool], type[np.generic]] = {
        (8, False): np.uint8, (8, True): np.int8, (16, False): np.uint16, (16, True): np.int16,
    }  # fmt: skip
    zero_point = params.zero_point.astype(kinds[container, params.signed])
    scale, zero = nodes.constant(params.scale), nodes.constant(zero_point)
    codes = nodes.add("QuantizeLinear", name, scale, zero)
    nodes.add("DequantizeLinear", codes, scale, zero, output=output)


def _rename_output(nodes: list[onnx.NodeProto], name: str, new: str) -> None:
    for node in nodes:
        for index, output in enumerate(node.output):
            if output == name:
                node.output[index] = new
        for index, read in enumerate(node.input):
            if read == name:
                node.input[index] = new
