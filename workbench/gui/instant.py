"""The size that a recipe gives, by arithmetic in the window's process: nothing is asked of the engine."""

from dataclasses import dataclass

from workbench.engine.core.footprint import Encoding, TensorShape, smallest_encoding
from workbench.engine.core.granularity import PerGroup, PerTensor, parse_granularity
from workbench.engine.core.layer import Layer, ModelInfo
from workbench.engine.core.recipe import Recipe
from workbench.engine.core.reports import LayerFootprint, ModelFootprint
from workbench.gui.panels.layer_state import LayerState, LayerStates


@dataclass(frozen=True, slots=True)
class InstantSize:
    """Bytes of the whole file and of each editable layer, estimated."""

    total_bytes: int
    layers: dict[str, int]


def instant_size(model: ModelInfo, footprint: ModelFootprint, recipe: Recipe) -> InstantSize:
    """The size of the file that the recipe gives.

    Args:
        model: the layers.
        footprint: their bytes by encoding.
        recipe: what is asked.
    """
    states = LayerStates()
    states.reset(model, recipe)
    by_name = {layer.name: layer for layer in model.layers}
    total, layers, tables = footprint.file_bytes, {}, set()
    for entry in footprint.layers:
        layer = by_name[entry.layer]
        size, used = _layer_size(layer, entry, states.of(layer), plain=recipe.encoding == "plain")
        layers[entry.layer] = size
        total += size - entry.original_bytes
        tables |= used
    total += sum(footprint.shared_overhead.get(key, 0) for key in tables)
    return InstantSize(total, layers)


def _layer_size(layer: Layer, entry: LayerFootprint, state: LayerState, *, plain: bool) -> tuple[int, set[int]]:
    """Bytes of one layer's weights, and which shared tables unpack them."""
    weights = state.settings.weights if state.bits is not None else None
    if weights is not None and weights.bits > 8:
        weights = None
    if weights is None and not state.threshold:
        return entry.original_bytes, set()
    num_kept = max(1, round((1 - state.sparsity) * layer.num_weights)) if state.threshold else layer.num_weights
    tensor = TensorShape(
        num_weights=layer.num_weights,
        num_kept=num_kept,
        bits=weights.bits if weights else None,
        num_scales=_num_scales(entry, weights.granularity) if weights else 0,
        symmetric=weights.symmetric if weights else True,
    )
    encoding, size = smallest_encoding(tensor, entry.overhead, plain=plain)
    used = {tensor.bits} if tensor.bits and encoding in (Encoding.BITS, Encoding.MASK) else set()
    return size, used | ({1} if encoding is Encoding.MASK else set())


def _num_scales(entry: LayerFootprint, word: str) -> int:
    granularity = parse_granularity(word)
    if isinstance(granularity, PerTensor):
        return 1
    if isinstance(granularity, PerGroup):
        return entry.num_rows * -(-entry.row_length // min(granularity.size, entry.row_length))
    return entry.num_channels
