"""What a person should know about a model that opened, in a few lines whatever its size."""

from collections import defaultdict
from collections.abc import Iterator, Sequence

import onnx

from workbench.engine.core.layer import Layer
from workbench.engine.graph.shapes import Shapes


def model_warnings(proto: onnx.ModelProto, layers: Sequence[Layer], shapes: Shapes) -> tuple[str, ...]:
    """One line for each kind of thing: unknown shapes, layers that cannot be edited, weights that are inputs."""
    return tuple(_warnings(proto, layers, shapes))


def _warnings(proto: onnx.ModelProto, layers: Sequence[Layer], shapes: Shapes) -> Iterator[str]:
    if shapes.warning:
        yield shapes.warning
    if not layers:
        yield "the model has no layers with weights"
    by_reason: dict[str, list[str]] = defaultdict(list)
    for layer in layers:
        if layer.reason:
            by_reason[layer.reason].append(layer.name)
    for reason, names in by_reason.items():
        yield f"{_some(names)}: {reason}"
    uncounted = [layer.name for layer in layers if layer.macs is None]
    if uncounted:
        yield f"{_some(uncounted)}: multiply-adds are unknown, because shapes or the number of runs are"
    yield from _mismatches(proto, shapes)
    yield from _overridable(proto)
    functions = {(function.domain, function.name) for function in proto.functions}
    num_calls = sum((node.domain, node.op_type) in functions for node in proto.graph.node)
    if num_calls:
        yield f"functions of the model's own are called {num_calls} times; layers inside those are not listed"


def _mismatches(proto: onnx.ModelProto, shapes: Shapes) -> Iterator[str]:
    """Convolutions whose weights are for another number of channels than they get."""
    for node in proto.graph.node:
        if node.op_type != "Conv" or node.domain not in ("", "ai.onnx") or len(node.input) < 2:
            continue
        given, weight = shapes.by_name.get(node.input[0], ()), shapes.by_name.get(node.input[1], ())
        group = next((attribute.i for attribute in node.attribute if attribute.name == "group"), 1)
        if len(given) < 2 or len(weight) < 2 or given[1] is None or weight[1] is None:
            continue
        if given[1] != weight[1] * group:
            name = node.name or node.output[0]
            yield f"{name}: its weights are for {weight[1] * group} channels but it gets {given[1]}; it will not run"


def _overridable(proto: onnx.ModelProto) -> Iterator[str]:
    """Initializers that are graph inputs too; before IR 4 all had to be."""
    if proto.ir_version < 4:
        return
    stored = {tensor.name for tensor in proto.graph.initializer}
    names = [info.name for info in proto.graph.input if info.name in stored]
    if names:
        yield f"{_some(names)}: a caller may replace these weights; in a compressed file they are fixed"


def _some(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{names[0]} and {len(names) - 1} more"
