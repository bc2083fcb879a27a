"""How many numbers a model has learnt, whatever form they are stored in."""

import math
from collections.abc import Sequence

import onnx

from workbench.engine.graph.layers import FoundLayer
from workbench.engine.graph.learnt import NOT_LEARNT, learnt_inputs
from workbench.engine.graph.stored_tensors import stored_tensors
from workbench.engine.graph.tensor_data import is_float


def num_params(proto: onnx.ModelProto, found: Sequence[FoundLayer]) -> int:
    """Floats that the model stores, and the weights of its layers where they are stored in another form.

    Packed or quantized weights count by their own shape, and what they are computed from does not count. Of the values
    in Constant nodes those count that a layer or a normalization reads: others are settings, such as anchors, scales
    of a Resize, or an epsilon.
    """
    counted = {tensor.name for tensor in proto.graph.initializer if tensor.doc_string != NOT_LEARNT}
    counted |= set(learnt_inputs(proto.graph))
    stored = {
        name: math.prod(tensor.dims)
        for tensor, name in stored_tensors(proto.graph)
        if name in counted and is_float(tensor.data_type)
    }
    sparse = {tensor.values.name: math.prod(tensor.dims) for tensor in proto.graph.sparse_initializer}
    ingredients = {name for item in found if item.layer.weight_shape for name in item.sources} - set(sparse)
    other_forms = {
        item.layer.weight_name: item.layer.num_weights
        for item in found
        if (item.chain is None or item.chain.root not in stored) and item.layer.weight_name not in sparse
    }
    plain: int = sum(count for name, count in stored.items() if name not in ingredients)
    return int(plain + sum(sparse.values()) + sum(other_forms.values()))
