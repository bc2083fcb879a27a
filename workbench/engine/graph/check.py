"""Structural checks that give one clear sentence, before anything else touches the graph."""

import onnx

from workbench.engine.core.errors import ModelError
from workbench.engine.graph.tensor_data import TensorData

_EXPORT_HINT = "export the model again"


def check_model(proto: onnx.ModelProto, data: TensorData, path: str) -> None:
    """Raise ModelError if the model is none, is newer than the installed onnx, or is not connected."""
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
    if not proto.graph.output:
        raise ModelError(f"{path}: the graph has no outputs", _EXPORT_HINT)
    for tensor in proto.graph.initializer:
        data.check(tensor)
    _check_connected(proto.graph, path)


def _check_connected(graph: onnx.GraphProto, path: str) -> None:
    """Every tensor that is read is given once, by an earlier node or by none that depends on it."""
    given = {info.name for info in graph.input}
    given |= {tensor.name for tensor in graph.initializer} | {tensor.values.name for tensor in graph.sparse_initializer}
    producers: set[str] = set()
    for node in graph.node:
        for name in node.output:
            if name and name in producers:
                raise ModelError(f"{path}: the tensor {name!r} is computed by two nodes", _EXPORT_HINT)
            producers.add(name)
    for node in graph.node:
        for name in node.input:
            if name and name not in given and name not in producers:
                raise ModelError(f"{path}: node {node.name!r} reads {name!r}, which nothing gives", _EXPORT_HINT)
    for info in graph.output:
        if info.name not in given and info.name not in producers:
            raise ModelError(f"{path}: the output {info.name!r} is never computed", _EXPORT_HINT)
    _check_acyclic(graph, given, path)


def _check_acyclic(graph: onnx.GraphProto, given: set[str], path: str) -> None:
    ready = given | {""}
    waiting = list(graph.node)
    while waiting:
        blocked = []
        for node in waiting:
            if all(name in ready for name in node.input):
                ready.update(node.output)
            else:
                blocked.append(node)
        if len(blocked) == len(waiting):
            raise ModelError(f"{path}: the graph has a cycle through node {blocked[0].name!r}", _EXPORT_HINT)
        waiting = blocked
