"""Sizes and totals of the recipe as it stands, for the preview: arithmetic on what is known of each layer."""

from dataclasses import dataclass

from workbench.engine.core.layer import ModelInfo
from workbench.gui.document import Document
from workbench.gui.instant import instant_size
from workbench.gui.panels.layer_state import LayerStates
from workbench.gui.widgets.size_bars import SizeBar


@dataclass(frozen=True, slots=True)
class SizesNow:
    """Totals over the model.

    Args:
        zeros_before, zeros: weights that are exactly zero, in the original and as pruning leaves them.
        num_weights: weights of all layers whose statistics are known.
        mean_bits: mean over those weights.
    """

    total_bytes: int
    zeros_before: int
    zeros: int
    num_weights: int
    mean_bits: float
    bars: tuple[SizeBar, ...]

    @property
    def sparsity_before(self) -> float:
        """Fraction of zeros in the original."""
        return self.zeros_before / self.num_weights if self.num_weights else 0.0

    @property
    def sparsity(self) -> float:
        """Fraction of zeros after pruning."""
        return self.zeros / self.num_weights if self.num_weights else 0.0

    def largest(self, count: int) -> tuple[SizeBar, ...]:
        """The layers with the most bytes in the original."""
        return tuple(sorted(self.bars, key=lambda bar: -bar.original_bytes)[:count])


def sizes_now(document: Document, states: LayerStates) -> SizesNow:
    """Totals of the document's model and recipe; with no file written. The document has a model."""
    model = document.model
    assert model is not None
    layers = [layer for layer in model.layers if layer.statistics is not None]
    own = {layer.name: layer.statistics.sparsity for layer in layers if layer.statistics is not None}
    num_weights = sum(layer.num_weights for layer in layers)
    zeros_before = sum(round(own[layer.name] * layer.num_weights) for layer in layers)
    zeros = sum(round(max(own[layer.name], states.of(layer).sparsity) * layer.num_weights) for layer in layers)
    bits = sum((states.of(layer).bits or 32) * layer.num_weights for layer in layers)
    total, bars = _bytes_now(document, model)
    return SizesNow(total, zeros_before, zeros, num_weights, bits / num_weights if num_weights else 32.0, bars)


def _bytes_now(document: Document, model: ModelInfo) -> tuple[int, tuple[SizeBar, ...]]:
    if document.footprint is None:
        return model.file_bytes, ()
    size = instant_size(model, document.footprint, document.recipe)
    return size.total_bytes, tuple(
        SizeBar(item.layer, item.original_bytes, size.layers.get(item.layer, item.original_bytes))
        for item in document.footprint.layers
    )
