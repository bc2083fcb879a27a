"""Whether the names in a model are text; a damaged file can hold any bytes there."""

from collections.abc import Iterator

import onnx

from workbench.engine.core.errors import ModelError
from workbench.engine.graph.order import all_graphs


def check_text(proto: onnx.ModelProto, path: str) -> None:
    """Raise ModelError if a name is not valid UTF-8, which protobuf then gives as bytes."""
    for name in _names(proto):
        if not isinstance(name, str):
            raise ModelError(f"{path}: the name {name!r} in it is not text", "the file is damaged; copy it again")


def _names(proto: onnx.ModelProto) -> Iterator[object]:
    yield from (proto.producer_name, proto.producer_version)
    for entry in proto.opset_import:
        yield entry.domain
    for function in proto.functions:
        yield from (function.domain, function.name)
    for graph in all_graphs(proto.graph):
        yield from (info.name for info in (*graph.input, *graph.output))
        for info in (*graph.input, *graph.output):
            yield from (dim.dim_param for dim in info.type.tensor_type.shape.dim)
        for tensor in (*graph.initializer, *(sparse.values for sparse in graph.sparse_initializer)):
            yield tensor.name
            for entry in tensor.external_data:
                yield from (entry.key, entry.value)
        for node in graph.node:
            yield from (node.name, node.op_type, node.domain, *node.input, *node.output)
            for attribute in node.attribute:
                yield attribute.name
                yield attribute.t.name
                for entry in attribute.t.external_data:
                    yield from (entry.key, entry.value)
