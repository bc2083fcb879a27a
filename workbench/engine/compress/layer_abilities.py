"""What one model's layers allow of a recipe, by their nodes and element types, and why not."""

from onnx import TensorProto

from workbench.engine.compress.integers.dynamic_graph import dynamic_obstacle
from workbench.engine.compress.integers.integer_tensors import integer_obstacle
from workbench.engine.compress.quantization_plan import Abilities
from workbench.engine.compress.rounding.bias_correction import bias_obstacle
from workbench.engine.compress.rounding.sequential_rounding import rounding_obstacle
from workbench.engine.core.half_floats import float16_obstacle
from workbench.engine.core.layer import Layer
from workbench.engine.graph.links import Links
from workbench.engine.graph.model import Model, item_bytes
from workbench.engine.graph.weight_place import first_output

_IN_BODY = "the layer is in a body"


class LayerAbilities:
    """Answers for the layers of one model.

    Args:
        model: as it was opened.
    """

    def __init__(self, model: Model) -> None:
        self._model = model
        self._links = Links(model.proto.graph)
        self._nodes = {first_output(node): node for node in model.proto.graph.node}

    def abilities(self, *, has_samples: bool) -> Abilities:
        """What can be done, with samples to calibrate with or without."""
        return Abilities(
            has_samples=has_samples,
            integer_obstacle=self._integers,
            dynamic_obstacle=self._dynamic,
            rounding_obstacle=self._rounding,
            bias_obstacle=self._bias,
            half_obstacle=self._half,
            beside_integers=any(node.op_type == "QuantizeLinear" for node in self._model.proto.graph.node),
        )

    def _integers(self, layer_name: str) -> str:
        layer = self._model.info.layer(layer_name)
        return self._type(layer) or integer_obstacle(self._nodes.get(layer.node_output), layer)

    def _dynamic(self, layer_name: str) -> str:
        layer = self._model.info.layer(layer_name)
        return self._type(layer) or dynamic_obstacle(self._nodes.get(layer.node_output), layer)

    def _rounding(self, layer_name: str) -> str:
        layer = self._model.info.layer(layer_name)
        node = self._nodes.get(layer.node_output)
        if node is None:
            return self._type(layer) or _IN_BODY
        return self._type(layer) or rounding_obstacle(node, layer, self._links)

    def _bias(self, layer_name: str) -> str:
        layer = self._model.info.layer(layer_name)
        return self._type(layer) or bias_obstacle(self._nodes.get(layer.node_output), self._links)

    def _half(self, layer_name: str) -> str:
        stored_bytes = item_bytes(self._model.stored_dtype(layer_name))
        return float16_obstacle(self._model.info.layer(layer_name), stored_bytes)

    def _type(self, layer: Layer) -> str:
        is_float = self._model.weight_dtype(layer.name) == TensorProto.FLOAT
        return "" if is_float else "the layer is not float32, which quantization with samples starts from"
