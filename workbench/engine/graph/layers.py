"""The layers of a graph: nodes that have weights, what a recipe may do to them, and why not."""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import onnx
from onnx import TensorProto

from workbench.engine.core.layer import Layer
from workbench.engine.graph.constants import ConstantChain, constant_chain
from workbench.engine.graph.layer_names import layer_name, unique_names
from workbench.engine.graph.macs import node_macs
from workbench.engine.graph.shapes import Shapes
from workbench.engine.graph.statistics import weight_statistics
from workbench.engine.graph.tensor_data import TensorData, is_float

EDITABLE = ("Conv", "ConvTranspose", "Gemm", "MatMul")
_RECURRENT = ("LSTM", "GRU", "RNN")
_OTHER_WEIGHTS = {
    "QLinearConv": 3, "QLinearMatMul": 3, "ConvInteger": 1, "MatMulInteger": 1, "FusedConv": 1, "NhwcFusedConv": 1,
    "FusedGemm": 1, "FusedMatMul": 1, "MatMulNBits": 1, "Attention": 1, "QAttention": 1, "DynamicQuantizeMatMul": 1,
    "MatMulIntegerToFloat": 1, "DynamicQuantizeLSTM": 1, "QGemm": 3, "DeformConv": 1,
}  # fmt: skip


@dataclass(frozen=True, slots=True, eq=False)
class FoundLayer:
    """A layer, its node, and where its weights come from (None where they are not plain constants)."""

    layer: Layer
    chain: ConstantChain | None


def find_layers(graph: onnx.GraphProto, data: TensorData, shapes: Shapes) -> list[FoundLayer]:
    """All layers of the graph in order, then those inside control flow."""
    found = list(_layers_of(graph, data, shapes, {}, {}, inside=""))
    names = unique_names([item.layer.name for item in found], [item.layer.node_output for item in found])
    by_weight: dict[str, list[str]] = defaultdict(list)
    for item, name in zip(found, names, strict=True):
        if item.chain is not None:
            by_weight[item.chain.root].append(name)
    return [
        replace(
            item,
            layer=replace(
                item.layer,
                name=name,
                shares_weights_with=tuple(
                    other for other in by_weight.get(item.chain.root if item.chain else "", ()) if other != name
                ),
            ),
        )
        for item, name in zip(found, names, strict=True)
    ]


def _layers_of(
    graph: onnx.GraphProto,
    data: TensorData,
    shapes: Shapes,
    outer_tensors: dict[str, TensorProto],
    outer_producers: dict[str, onnx.NodeProto],
    *,
    inside: str,
) -> Iterator[FoundLayer]:
    initializers = {**outer_tensors, **{tensor.name: tensor for tensor in graph.initializer}}
    producers = {**outer_producers, **{name: node for node in graph.node for name in node.output if name}}
    constant = _constant_outputs(graph, initializers)
    for index, node in enumerate(graph.node):
        place = _weight_place(node, initializers, producers, constant)
        if place is not None:
            chain = constant_chain(node.input[place], initializers, producers)
            yield _layer(node, index, place, chain, initializers, data, shapes, inside)
        for attribute in node.attribute:
            bodies = [attribute.g] if attribute.type == onnx.AttributeProto.GRAPH else list(attribute.graphs)
            for body in bodies:
                yield from _layers_of(body, data, shapes, initializers, producers, inside=node.op_type)


def _constant_outputs(graph: onnx.GraphProto, initializers: dict[str, TensorProto]) -> set[str]:
    """Tensors that depend on constants alone."""
    constant = set(initializers) | {""}
    for node in graph.node:
        has_body = any(attribute.HasField("g") or attribute.graphs for attribute in node.attribute)
        if not has_body and all(name in constant for name in node.input):
            constant.update(node.output)
    return constant


def _weight_place(
    node: onnx.NodeProto,
    initializers: dict[str, TensorProto],
    producers: dict[str, onnx.NodeProto],
    constant: set[str],
) -> int | None:
    """Which input of the node is its weight; None if the node has none."""
    inputs = list(node.input)
    if node.op_type in EDITABLE and node.domain in ("", "ai.onnx"):
        places = (1, 0) if node.op_type == "MatMul" else (1,)
        for place in places:
            other = inputs[1 - place] if len(inputs) > 1 else ""
            if place < len(inputs) and inputs[place] in constant and other not in constant:
                return place
        return None
    place = 1 if node.op_type in _RECURRENT else _OTHER_WEIGHTS.get(node.op_type, -1)
    has_weight = 0 <= place < len(inputs) and inputs[place] in constant
    return place if has_weight else None


def _layer(
    node: onnx.NodeProto,
    index: int,
    place: int,
    chain: ConstantChain | None,
    initializers: dict[str, TensorProto],
    data: TensorData,
    shapes: Shapes,
    inside: str,
) -> FoundLayer:
    name = node.input[place]
    shape = chain.shape if chain is not None else tuple(dim or 0 for dim in shapes.by_name.get(name, ()))
    is_main = node.op_type in EDITABLE
    reason = _reason(node, chain, shape, inside)
    statistics = None
    if chain is not None and is_float(chain.data_type) and shape:
        statistics = weight_statistics(as_float(chain.value(data)))
        if statistics.num_not_finite and not reason:
            reason = f"{statistics.num_not_finite} of its weights are NaN or infinite"
    bias = initializers.get(node.input[2]) if is_main and node.op_type != "MatMul" and len(node.input) > 2 else None
    num_weights = int(np.prod(shape, dtype=np.int64)) if shape else 0
    layer = Layer(
        name=layer_name(node.name, node.op_type, name, index),
        op_type=node.op_type,
        weight_name=name,
        node_output=node.output[0],
        weight_shape=shape,
        num_params=num_weights + (int(np.prod(bias.dims, dtype=np.int64)) if bias is not None else 0),
        macs=node_macs(node, shape, shapes) if is_main and not inside else None,
        axis=_output_axis(node, place, len(shape)) if is_main else None,
        prunable=not reason,
        quantizable=not reason,
        reason=reason,
        statistics=statistics,
    )
    return FoundLayer(layer, chain)


def _reason(node: onnx.NodeProto, chain: ConstantChain | None, shape: tuple[int, ...], inside: str) -> str:
    """Why a recipe cannot change the layer; empty if it can."""
    if node.op_type not in EDITABLE:
        return f"{node.op_type} is listed only: its weights are not compressed"
    if inside:
        return f"inside the body of a {inside} node, which is not edited"
    if chain is None:
        return "its weights are computed from packed or quantized constants; compress the original model instead"
    if not is_float(chain.data_type):
        return "its weights are not floating point"
    if not shape or 0 in shape:
        return "it has no weights"
    return ""


def _output_axis(node: onnx.NodeProto, place: int, ndim: int) -> int | None:
    if ndim == 0:
        return None
    if node.op_type == "Conv":
        return 0
    if node.op_type == "ConvTranspose":
        return 1
    if node.op_type == "Gemm":
        return 0 if any(attribute.name == "transB" and attribute.i for attribute in node.attribute) else 1
    return ndim - 1 if place == 1 else max(0, ndim - 2)


def as_float(array: npt.NDArray[np.generic]) -> npt.NDArray[np.float32]:
    """The values as float32; a view if they are already."""
    return np.asarray(array, dtype=np.float32)
