"""What one model's layers allow of a recipe, by their nodes and element types, and why not."""

from onnx import TensorProto

from workbench.engine.compress.integers.integer_tensors import integer_obstacle
from workbench.engine.compress.quantization_plan import Abilities
from workbench.engine.compress.rounding.bias_correction import bias_obstacle, computed_bias
from workbench.engine.compress.rounding.sequential_rounding import rounding_obstacle
from workbench.engine.core.half_floats import float16_obstacle
from workbench.engine.core.layer import Layer
from workbench.engine.graph.links import Links
from workbench.engine.graph.model import Model, item_bytes

_IN_BODY = "the layer is in a body"


class LayerAbilities:
    """Answers for the layers of one model.

    Args:
        model: as it was opened.
    """

    def __init__(self, model: Model) -> None:
        self._model = model
        self._links = Links(model.proto.graph)
        self._nodes = {node.output[0]: node for node in model.proto.graph.node if node.output}

    def abilities(self, *, has_samples: bool) -> Abilities:
        """What can be done, with samples to calibrate with or without."""
        return Abilities(has_samples, self._integers, self._rounding, self._bias, self._half)

    def _integers(self, layer_name: str) -> str:
        layer = self._model.info.layer(layer_name)
        return self._type(layer) or integer_obstacle(self._nodes.get(layer.node_output), layer)

    def _rounding(self, layer_name: str) -> str:
        layer = self._model.info.layer(layer_name)
        node = self._nodes.get(layer.node_output)
        if node is None:
            return self._type(layer) or _IN_BODY
        # What is learned goes with a bias of its own.
        bias = computed_bias(node, self._links)
        return self._type(layer) or rounding_obstacle(node, layer) or (f"its bias is kept, as {bias}" if bias else "")

    def _bias(self, layer_name: str) -> str:
        layer = self._model.info.layer(layer_name)
        node = self._nodes.get(layer.node_output)
        return self._type(layer) or (_IN_BODY if node is None else bias_obstacle(node, layer, self._links))

    def _half(self, layer_name: str) -> str:
        stored_bytes = item_bytes(self._model.stored_dtype(layer_name))
        return float16_obstacle(self._model.info.layer(layer_name), stored_bytes)

    def _type(self, layer: Layer) -> str:
        is_float = self._model.weight_dtype(layer.name) == TensorProto.FLOAT
        return "" if is_float else "the layer is not float32, which quantization with samples starts from"
