"""What the session tells of quantized activations: plain frozen values that may cross a pipe."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from workbench.engine.core.measurement import Figure
from workbench.engine.core.recipe import ActivationSettings


@dataclass(frozen=True, slots=True, eq=False)
class ActivationPreview:
    """One activation tensor over the calibration samples, and the range that quantization keeps of it.

    Args:
        tensor: its name in the graph.
        is_input: whether the layer reads it; otherwise the layer gives it.
        settings: how it is quantized; None for float.
        low, high: smallest and largest value seen.
        clip_low, clip_high: the range that is kept; None for float.
        scale, zero_point: of the codes; None for float.
        clipped: fraction of the values outside the kept range; 0 for float.
        sqnr_db: of the tensor's own quantization, from its histogram; infinite for float.
        edges: of the histogram's bins, shape (B + 1,).
        counts: values in each bin, shape (B,), of an evenly spaced part of all values.
        octaves: fraction of the values that are not zero by magnitude, shape (O,): entry k counts those in
            [2^(first_octave + k), 2^(first_octave + k + 1)).
        first_octave: exponent of the first entry of `octaves`.
        channel_low, channel_high: of each channel, shape (C,); empty where channels are not known.
        num_samples: how many samples were seen.
    """

    tensor: str
    is_input: bool
    settings: ActivationSettings | None
    low: float
    high: float
    clip_low: float | None
    clip_high: float | None
    scale: float | None
    zero_point: int | None
    clipped: float
    sqnr_db: float
    edges: npt.NDArray[np.float64]
    counts: npt.NDArray[np.int64]
    octaves: npt.NDArray[np.float64]
    first_octave: int
    channel_low: npt.NDArray[np.float32]
    channel_high: npt.NDArray[np.float32]
    num_samples: int


@dataclass(frozen=True, slots=True, eq=False)
class LayerActivations:
    """What goes into a layer and what comes out of it, with the recipe that the ranges are for.

    Args:
        why: why the activations are not quantized as asked; empty if they are.
    """

    layer: str
    recipe_digest: str
    tensors: tuple[ActivationPreview, ...]
    why: str = ""


@dataclass(frozen=True, slots=True)
class LayerSqnr:
    """Signal to quantization noise of one layer, in dB: of its weights, and of its output on samples.

    Args:
        weight_db: None where the weights are not changed; infinite where they are the same.
        output_db: with everything before it quantized too; infinite where nothing differs.
    """

    layer: str
    weight_db: float | None
    output_db: float


@dataclass(frozen=True, slots=True)
class SqnrReport:
    """Every layer's SQNR under one recipe, measured on `num_samples` samples."""

    recipe_digest: str
    layers: tuple[LayerSqnr, ...]
    num_samples: int


@dataclass(frozen=True, slots=True)
class LayerEffect:
    """What leaving one layer in float brings back.

    Args:
        divergence: of the outputs from the float model's with only this layer quantized, measured: KL in nats, or the
            share of noise where outputs are no classes.
        reason: what about the layer makes it so, where something is known.
    """

    layer: str
    divergence: Figure
    reason: str = ""


@dataclass(frozen=True, slots=True)
class FloatSuggestion:
    """Which layers should stay in float, and what that is worth on the samples.

    Args:
        effects: of every quantized layer, the largest first.
        layers: the ones that are suggested; may be empty.
        before, after: divergence of the whole recipe from the float model, measured: as it is, and with the suggested
            layers in float.
    """

    recipe_digest: str
    effects: tuple[LayerEffect, ...]
    layers: tuple[str, ...]
    before: Figure
    after: Figure
