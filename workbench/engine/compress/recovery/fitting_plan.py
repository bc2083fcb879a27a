"""Which layers are fitted after channels went, what of them, and why not more."""

import math
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

import onnx
from onnx import TensorProto

from workbench.engine.compress.rounding.bias_correction import bias_obstacle
from workbench.engine.compress.rounding.sequential_rounding import rounding_obstacle
from workbench.engine.core.layer import Layer
from workbench.engine.core.recipe import RECOVER_BIAS, RECOVER_NOTHING, RECOVER_WEIGHTS
from workbench.engine.graph.links import Links
from workbench.engine.graph.model import Model
from workbench.engine.graph.order import reads_of
from workbench.engine.graph.weight_place import first_output


@dataclass(frozen=True, slots=True)
class LayerFit:
    """What is fitted of one layer behind removed channels.

    Args:
        layer: its name.
        what: RECOVER_WEIGHTS, its weights and its bias if it has one; RECOVER_BIAS; RECOVER_NOTHING.
        reason: why that is less than what was asked; else empty.
    """

    layer: str
    what: str
    reason: str = ""


def fitting_plan(original: Model, pruned: Model, asked: str) -> tuple[LayerFit, ...]:
    """What is fitted of each layer behind removed channels, in the order of the graph.

    These are the layers that lost inputs, and all that come after them: what reaches those is no longer what it was,
    and they can take back a part of it. Depthwise convolutions lose whole channels and no inputs of those that are
    left, so they are not the first ones.

    Args:
        original: as it was opened.
        pruned: the same without some channels.
        asked: RECOVER_BIAS or RECOVER_WEIGHTS.
    """
    links = Links(pruned.proto.graph)
    nodes = {first_output(node): node for node in pruned.proto.graph.node}
    before = {layer.name: layer for layer in original.info.layers}
    readers = {
        layer.node_output
        for layer in pruned.info.layers
        if layer.name in before and _row_length(layer) < _row_length(before[layer.name])
    }
    behind = _behind(pruned.proto.graph.node, readers)
    return tuple(
        _fit(layer, nodes.get(layer.node_output), links, pruned, asked)
        for layer in pruned.info.layers
        if layer.node_output in behind
    )


def _behind(nodes: Iterable[onnx.NodeProto], readers: Collection[str]) -> set[str]:
    """First outputs of these nodes and of all that what they give reaches; nodes come in the order of running."""
    changed: set[str] = set()
    found = set()
    for node in nodes:
        if first_output(node) in readers or not changed.isdisjoint(reads_of(node)):
            changed.update(name for name in node.output if name)
            found.add(first_output(node))
    return found


def fitting_note(fits: Sequence[LayerFit], num_samples: int) -> str:
    """What is fitted, in one sentence for the whole model.

    >>> fitting_note([LayerFit("a", "weights"), LayerFit("b", "weights"), LayerFit("c", "bias", "it is large")], 64)
    'the weights of 2 layers behind removed channels, and the bias of 1 layer, are fitted on 64 samples'
    """
    num_weights = sum(fit.what == RECOVER_WEIGHTS for fit in fits)
    num_biases = sum(fit.what == RECOVER_BIAS for fit in fits)
    left = [fit for fit in fits if fit.what == RECOVER_NOTHING]
    reasons = "; ".join(dict.fromkeys(fit.reason for fit in left))
    if not num_weights and not num_biases:
        return f"no layer behind removed channels is fitted{f': {reasons}' if reasons else ''}"
    if num_weights:
        text = f"the weights of {_layers(num_weights)} behind removed channels"
        text += f", and the bias of {_layers(num_biases)}, are" if num_biases else " are"
    else:
        text = f"the bias of {_layers(num_biases)} behind removed channels is"
    text += f" fitted on {num_samples:,} samples"
    return text + (f"; not of {_layers(len(left))}: {reasons}" if left else "")


def _layers(count: int) -> str:
    return f"{count} layer{'' if count == 1 else 's'}"


def _fit(layer: Layer, node: onnx.NodeProto | None, links: Links, pruned: Model, asked: str) -> LayerFit:
    why_no_bias = bias_obstacle(node, links) or _odd_bias(layer, node, links, pruned)
    is_float = pruned.weight_dtype(layer.name) == TensorProto.FLOAT if layer.editable else False
    if node is None or not is_float:
        return LayerFit(layer.name, RECOVER_NOTHING, f"nothing is fitted: {why_no_bias or 'it is not in float32'}")
    if asked == RECOVER_WEIGHTS:
        why_no_weights = _weights_obstacle(layer, node, links)
        if not why_no_weights:
            return LayerFit(layer.name, RECOVER_WEIGHTS)
        if not why_no_bias:
            return LayerFit(layer.name, RECOVER_BIAS, f"its weights are not fitted: {why_no_weights}")
        return LayerFit(layer.name, RECOVER_NOTHING, f"nothing is fitted: {why_no_weights}")
    if why_no_bias:
        return LayerFit(layer.name, RECOVER_NOTHING, f"its bias is not fitted: {why_no_bias}")
    return LayerFit(layer.name, RECOVER_BIAS)


def _odd_bias(layer: Layer, node: onnx.NodeProto | None, links: Links, pruned: Model) -> str:
    """A Gemm may add a whole matrix, or one number to all outputs."""
    assert node is not None
    name = links.bias_name(node)
    dims = next((tuple(tensor.dims) for tensor in pruned.proto.graph.initializer if tensor.name == name), None)
    num_outputs = layer.weight_shape[layer.axis] if layer.axis is not None else 0
    return "" if dims is None or math.prod(dims) in (1, num_outputs) else "it is no vector of its outputs"


def _weights_obstacle(layer: Layer, node: onnx.NodeProto, links: Links) -> str:
    # What can be learned by rounding can be fitted as well: both are least squares over the same rows.
    if why := rounding_obstacle(node, layer, links):
        return why.replace("it is learned for", "that is for").replace("which is learned too", "which is fitted too")
    if links.only_reader(node.input[layer.place]) is None:
        return "other layers share them"
    return "" if links.is_constant(node.input[layer.place]) else "they are not stored but computed"


def _row_length(layer: Layer) -> int:
    """How many weights are summed into one output."""
    return layer.num_weights // max(1, layer.weight_shape[layer.axis]) if layer.axis is not None else 0
