"""Structural checks that give one clear sentence, before anything else touches the graph."""

import re
from collections.abc import Iterable

import onnx
from onnx import AttributeProto

from workbench.engine.core.errors import ModelError
from workbench.engine.graph.order import all_graphs, reads_of, run_order
from workbench.engine.graph.tensor_data import TensorData

_EXPORT_HINT = "export the model again"
# Operators of early exporters that the standard dropped or never took, and that runtimes still run.
_HISTORIC = frozenset((
    "ATen", "Affine", "ConstantFill", "Crop", "DynamicSlice", "FusedConv", "FusedGemm", "GRUUnit",
    "GivenTensorFill", "ImageScaler", "ParametricSoftplus", "Scale", "ScaledTanh", "SimplifiedLayerNormalization",
    "SkipLayerNormalization",
))  # fmt: skip
_EQUATION = re.compile(rb"[A-Za-z .,]*(->[A-Za-z .]*)?")
_ATTRIBUTE_FIELDS = {
    AttributeProto.FLOAT: "f", AttributeProto.INT: "i", AttributeProto.STRING: "s", AttributeProto.TENSOR: "t",
    AttributeProto.GRAPH: "g", AttributeProto.SPARSE_TENSOR: "sparse_tensor", AttributeProto.TYPE_PROTO: "tp",
    AttributeProto.FLOATS: "floats", AttributeProto.INTS: "ints", AttributeProto.STRINGS: "strings",
    AttributeProto.TENSORS: "tensors", AttributeProto.GRAPHS: "graphs",
    AttributeProto.SPARSE_TENSORS: "sparse_tensors", AttributeProto.TYPE_PROTOS: "type_protos",
}  # fmt: skip


def check_model(proto: onnx.ModelProto, data: TensorData, path: str) -> None:
    """Raise ModelError if the model is none, is newer than the installed onnx, or is not connected."""
    _check_versions(proto, path)
    if not proto.graph.output:
        raise ModelError(f"{path}: the graph has no outputs", _EXPORT_HINT)
    for info in proto.graph.input:
        # Shape inference reads the type unasked, and ends the process where there is none.
        if info.type.WhichOneof("value") is None:
            raise ModelError(f"{path}: the input {info.name!r} has no type", _EXPORT_HINT)
    for tensor in proto.graph.initializer:
        data.check(tensor)
    functions = {(function.domain, function.name) for function in proto.functions}
    for graph in all_graphs(proto.graph):
        if graph is not proto.graph:
            for tensor in graph.initializer:
                data.check(tensor)
        _check_nodes(graph.node, functions, data, path)
    _check_connected(proto.graph, path)


def _check_versions(proto: onnx.ModelProto, path: str) -> None:
    if not proto.HasField("graph") or not (proto.graph.node or proto.graph.output):
        raise ModelError(f"{path}: holds no graph, so it is not an ONNX model", "check the file")
    if proto.ir_version > onnx.IR_VERSION:
        raise ModelError(f"{path}: IR version {proto.ir_version} is newer than this program knows", "update onnx")
    versions = [entry.version for entry in proto.opset_import if entry.domain in ("", "ai.onnx")]
    if not proto.opset_import:
        raise ModelError(f"{path}: does not say which operator set it uses", _EXPORT_HINT)
    if len(versions) > 1:
        raise ModelError(f"{path}: imports the operator set twice; two models in one file?", _EXPORT_HINT)
    if versions and versions[0] > onnx.defs.onnx_opset_version():
        raise ModelError(f"{path}: opset {versions[0]} is newer than this program knows", "update onnx")
    if versions and versions[0] < 1:
        raise ModelError(f"{path}: there is no opset {versions[0]}", _EXPORT_HINT)


def _check_nodes(nodes: Iterable[onnx.NodeProto], functions: set[tuple[str, str]], data: TensorData, path: str) -> None:
    """Operators of the standard exist in it, attributes hold what they say, and so do their tensors."""
    for node in nodes:
        is_standard = node.domain in ("", "ai.onnx") and (node.domain, node.op_type) not in functions
        if is_standard and not onnx.defs.has(node.op_type) and node.op_type not in _HISTORIC:
            raise ModelError(
                f"{path}: node {_name(node)} uses {node.op_type!r}, which is no operator of the ONNX standard",
                _EXPORT_HINT,
            )
        for attribute in node.attribute:
            _check_attribute(attribute, node, path)
            if attribute.HasField("t"):
                data.check(attribute.t, node.output[0] if node.op_type == "Constant" and node.output else None)


def _check_attribute(attribute: AttributeProto, node: onnx.NodeProto, path: str) -> None:
    # WORKAROUND onnx 1.23: shape inference never ends on an equation with other characters, such as NUL.
    if node.op_type == "Einsum" and attribute.name == "equation" and not _EQUATION.fullmatch(attribute.s):
        raise ModelError(f"{path}: the equation of node {_name(node)} is malformed", _EXPORT_HINT)
    declared = _ATTRIBUTE_FIELDS.get(attribute.type)
    present = {field.name for field, _ in attribute.ListFields()}
    others = present & set(_ATTRIBUTE_FIELDS.values())
    # A default value may be left out of the file, so an absent one is no error by itself.
    if declared is not None and others - {declared}:
        raise ModelError(
            f"{path}: attribute {attribute.name!r} of node {_name(node)} is not of the type that it says",
            "the file is damaged; copy or export it again",
        )


def _check_connected(graph: onnx.GraphProto, path: str) -> None:
    """Every tensor that is read is given once, by an earlier node or by none that depends on it."""
    constants = {tensor.name for tensor in graph.initializer}
    constants |= {tensor.values.name for tensor in graph.sparse_initializer}
    given = constants | {info.name for info in graph.input}
    producers: set[str] = set()
    for node in graph.node:
        for name in node.output:
            if name and (name in producers or name in given):
                what = "computed by two nodes" if name in producers else "both given and computed"
                raise ModelError(f"{path}: the tensor {name!r} is {what}", _EXPORT_HINT)
            producers.add(name)
    for node in graph.node:
        for name in reads_of(node):
            if name not in given and name not in producers:
                raise ModelError(f"{path}: node {_name(node)} reads {name!r}, which nothing gives", _EXPORT_HINT)
    for info in graph.output:
        if info.name not in given and info.name not in producers:
            raise ModelError(f"{path}: the output {info.name!r} is never computed", _EXPORT_HINT)
    stuck = run_order(graph.node, given)[1]
    if stuck is not None:
        raise ModelError(f"{path}: the graph has a cycle through node {_name(graph.node[stuck])}", _EXPORT_HINT)


def _name(node: onnx.NodeProto) -> str:
    return repr(node.name or (node.output[0] if node.output else node.op_type))
