"""Weights or activations? What each does alone, and what each layer does alone: plain values."""

from dataclasses import dataclass

from workbench.engine.core.measurement import Figure


@dataclass(frozen=True, slots=True)
class LayerLook:
    """One layer of a recipe that quantizes.

    Args:
        alone: the divergence where only this layer is quantized.
        without: the divergence where all the others are; None where it is not measured yet.
    """

    layer: str
    alone: Figure | None = None
    without: Figure | None = None


@dataclass(frozen=True, slots=True)
class FirstLook:
    """Where the damage of a recipe comes from: divergences of the outputs from the float model's, nats.

    Where outputs are no classes, they are shares of noise.

    Args:
        recipe_digest: of the recipe.
        everything: all of it on; None where it is not measured yet, as with all others.
        weights: of all layers, with activations in float; None also where no weights are quantized.
        activations: of all layers, with weights in float; None also where none are quantized.
        layers: those that the recipe quantizes, in graph order.
        is_complete: whether nothing is missing.
    """

    recipe_digest: str
    everything: Figure | None = None
    weights: Figure | None = None
    activations: Figure | None = None
    layers: tuple[LayerLook, ...] = ()
    is_complete: bool = False

    @property
    def verdict(self) -> str:
        """Which of the two does more, in one line; empty while that is not known, or not asked.

        >>> from workbench.engine.core.measurement import Origin
        >>> small, large = (Figure(value, "nat", Origin.MEASURED) for value in (0.01, 0.08))
        >>> FirstLook("", weights=small, activations=large).verdict
        'activations do more than weights: 0.08 against 0.01'
        >>> FirstLook("", weights=small, activations=small).verdict
        'weights and activations do about as much: 0.01 and 0.01'
        >>> FirstLook("", large, small, small).verdict.partition(";")[0]
        'together they do far more than both alone: 0.08 against 0.02'
        """
        if self.weights is None or self.activations is None:
            return ""
        weights, activations = self.weights.value, self.activations.value
        if self.everything is not None and self.everything.value > _FAR_MORE * (weights + activations):
            return (
                f"together they do far more than both alone: {self.everything.value:.2g} against "
                f"{weights + activations:.2g}; 8-bit products that saturate on this processor do that: compare "
                "processors first"
            )
        if max(weights, activations) < _TIMES * min(weights, activations):
            return f"weights and activations do about as much: {weights:.2g} and {activations:.2g}"
        names = ("weights", "activations") if weights > activations else ("activations", "weights")
        more, less = max(weights, activations), min(weights, activations)
        return f"{names[0]} do more than {names[1]}: {more:.2g} against {less:.2g}"


# Divergences on a few samples differ by so much by chance.
_TIMES = 1.5
# Errors of weights and activations hardly ever make each other worse.
_FAR_MORE = 3.0
