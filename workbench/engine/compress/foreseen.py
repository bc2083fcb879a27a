"""The layers that channels leave, without the model being cut for them: plans and previews look at no more."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import replace
from functools import cache, cached_property, partial

import numpy as np
import numpy.typing as npt
from onnx import helper

from workbench.engine.compress.compressed_layers import CompressedLayers
from workbench.engine.compress.layer_abilities import LayerAbilities
from workbench.engine.compress.planning import Planning
from workbench.engine.compress.storage.footprint import model_footprint
from workbench.engine.compress.structure.structure import ModelStructure
from workbench.engine.core.layer import Layer, ModelInfo
from workbench.engine.core.plan import Plan
from workbench.engine.core.recipe import Recipe
from workbench.engine.graph.channels.cut import Cut
from workbench.engine.graph.channels.removal import left_values
from workbench.engine.graph.layers import as_float
from workbench.engine.graph.model import Model

# What the file keeps beside its weights may be written a little longer, such as a length by a byte more.
_SPARE_BYTES = 256
_KEPT_BYTES = 64 << 20


class Foreseen:
    """What of one model can be said before channels are cut.

    Args:
        structure: of the model.
    """

    def __init__(self, structure: ModelStructure) -> None:
        self._structure = structure

    def left(self, kept: Mapping[str, tuple[int, ...]], gone: Callable[[], Collection[int]]) -> "LeftLayers | None":
        """The layers once channels went; None where their shapes do not follow from numbers.

        Args:
            kept: units that stay of each class, for the groups that lose some.
            gone: tells which units go; asked only where weights are looked at.
        """
        dims, layers = self._structure.left_dims(kept), []
        for layer in self._whole.info.layers:
            left = self._left(layer, dims)
            if left is None:
                return None
            layers.append(left)
        info = replace(self._whole.info, layers=tuple(layers))
        return LeftLayers(self._structure, self._whole, replace(self._planning, info=info), gone)

    def left_shapes(self, kept: Mapping[str, tuple[int, ...]]) -> dict[str, tuple[int, ...]] | None:
        """As `ModelStructure.left_shapes`."""
        return self._structure.left_shapes(kept)

    @cached_property
    def _whole(self) -> Model:
        """The model of which nothing goes, its constants computed as in all that are cut."""
        return self._structure.without(())

    @cached_property
    def _planning(self) -> Planning:
        model = self._whole
        return Planning(model.info, model.weight, LayerAbilities(model), cache(partial(model_footprint, model)))

    def _left(self, layer: Layer, dims: Mapping[str, tuple[int, ...]]) -> Layer | None:
        chain = self._whole.found[layer.name].chain
        left = dims.get(chain.root) if chain is not None else None
        if chain is None or left is None or left == tuple(chain.tensor.dims):
            return layer
        has_odd_numbers = layer.statistics is None or layer.statistics.num_not_finite > 0
        # What lies between a stored weight and its layer may turn its axes, and odd numbers may go with their channels.
        return None if chain.nodes or has_odd_numbers else replace(layer, weight_shape=left)


class LeftLayers:
    """The layers of one choice of channels. Weights are cut when they are first looked at.

    Args:
        structure: of the model.
        whole: the model of which nothing goes.
        planning: of the same, with the layers that are left.
        gone: tells which units go.
    """

    def __init__(
        self, structure: ModelStructure, whole: Model, planning: Planning, gone: Callable[[], Collection[int]]
    ) -> None:
        self._structure = structure
        weights = _LeftWeights(structure, whole, gone)
        self.planning = replace(planning, read_weight=weights.weight)
        self.layers = CompressedLayers(planning.info, weights.weight, weights.values, _KEPT_BYTES)

    def most_bytes(self, plan: Plan, encoding: str) -> int | None:
        """What the file takes at most; None where `Planning.foreseen_bytes` says nothing of it.

        What is not written anew is counted whole: less of it takes no more.

        Args:
            plan: of these layers.
            encoding: of the recipe.
        """
        found = self.planning.foreseen_bytes(plan, self.planning.containers(encoding))
        channels = self._structure.channels
        sizes = {group.name: group.class_sizes for group in channels.groups}
        arguments = [extra + each * axis.length(sizes) for axis, extra, each in channels.arguments]
        return None if found is None else found + sum(max(0, more) for more in arguments) + _SPARE_BYTES


class _LeftWeights:
    """The weights of layers without some channels, each cut once."""

    def __init__(self, structure: ModelStructure, whole: Model, gone: Callable[[], Collection[int]]) -> None:
        self._flow, self._whole, self._gone = structure.flow, whole, gone
        self._cut: Cut | None = None
        self._left: dict[str, npt.NDArray[np.generic] | None] = {}

    def weight(self, layer_name: str) -> npt.NDArray[np.float32]:
        """As `Model.weight`."""
        left = self._values_left(layer_name)
        return self._whole.weight(layer_name) if left is None else as_float(left)

    def values(self, layer_name: str) -> npt.NDArray[np.floating]:
        """As `Model.weight_values`."""
        left = self._values_left(layer_name)
        if left is None:
            return self._whole.weight_values(layer_name)
        return left.astype(helper.tensor_dtype_to_np_dtype(self._whole.stored_dtype(layer_name)), copy=False)

    def _values_left(self, layer_name: str) -> npt.NDArray[np.generic] | None:
        chain = self._whole.found[layer_name].chain
        if chain is None:
            return None
        if chain.root not in self._left:
            if self._cut is None:
                self._cut = Cut(self._flow, self._gone())
            tensor = self._flow.stored.get(chain.root)
            self._left[chain.root] = None if tensor is None else left_values(tensor, self._cut, self._flow)
        return self._left[chain.root]


def is_foreseeable(info: ModelInfo, recipe: Recipe) -> bool:
    """Whether plans of what channels leave follow from shapes and weights, and not from a graph or its statistics.

    Args:
        info: the model's layers.
        recipe: what is asked.
    """
    if recipe.equalize:
        return False
    asked = [recipe.settings_for(layer.name, layer.op_type).weights for layer in info.layers]
    return not any(weights is not None and (weights.floating or weights.needs_samples) for weights in asked)
